"""Quotas in the plan: GPUs at once, and GPU-hours a week, of an owner or a group."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from tests.core.planning import HOUR, NOW, cards, planned, running, starts, waiting
from tests.core.test_plan_properties import FEW
from yolotui.core.jobs import Priority
from yolotui.core.plan import Policy
from yolotui.core.quotas import Quota, QuotaScope
from yolotui.core.timetable import Demand, Timetable

DAY = 24 * HOUR


def of(demand: Demand, owner: str, group: str = "") -> Demand:
    return replace(demand, owner=owner, group=group)


def at_once(name: str, gpus: int, scope: QuotaScope = QuotaScope.OWNER) -> Quota:
    return Quota(scope=scope, name=name, gpus=gpus)


def a_week(name: str, hours: float, used: float = 0.0) -> Quota:
    return Quota(
        scope=QuotaScope.OWNER,
        name=name,
        weekly_gpu_s=hours * HOUR,
        used_gpu_s=used * HOUR,
        week_ends_at=NOW + 2 * DAY,
    )


def test_an_owner_gets_no_more_gpus_at_once_than_the_quota_says() -> None:
    demands = [of(running(1, ["gpu-0"], hours=1), "alice"), of(waiting(2, gpus=2), "alice"), of(waiting(3), "alice")]
    timetable = planned(cards(4), [*demands, of(waiting(4, gpus=2), "bob")], quotas=[at_once("alice", 2)])
    assert starts(timetable) == {1: 0, 2: 1, 3: 0, 4: 0}
    assert str(timetable.by_job()[2].why).startswith("It needs 2 GPUs; none of 4 are free"), "true of the cards, too"
    roomy = planned(cards(8), demands, quotas=[at_once("alice", 2)])
    assert str(roomy.by_job()[2].why) == (
        "alice may use 2 GPUs at once, and these run or are promised already; "
        "this job's turn comes in about 1 h 00 min."
    )


def test_a_group_has_a_quota_of_its_own_and_a_p0_keeps_to_it() -> None:
    demands = [
        of(running(1, ["gpu-0"], hours=3), "alice", "night"),
        of(waiting(2, priority=Priority.P0), "bob", "night"),
        of(waiting(3), "bob"),
    ]
    timetable = planned(cards(4), demands, quotas=[at_once("night", 1, QuotaScope.GROUP)])
    assert starts(timetable) == {1: 0, 2: 3, 3: 0}


def test_a_job_wider_than_its_quota_says_so() -> None:
    entry = planned(cards(4), [of(waiting(1, gpus=3), "alice")], quotas=[at_once("alice", 2)]).by_job()[1]
    assert entry.start_at is None
    assert str(entry.why) == (
        "It asks for 3 GPUs, and alice may use 2 at once. Ask for less, or have the quota changed in the configuration."
    )


def test_a_week_that_is_used_up_ends() -> None:
    demands = [of(running(1, ["gpu-0"], hours=2), "alice"), of(waiting(2, hours=3), "alice"), waiting(3, hours=3)]
    timetable = planned(cards(4), demands, quotas=[a_week("alice", 20, used=16)])
    assert starts(timetable) == {1: 0, 2: 48, 3: 0}
    assert str(timetable.by_job()[2].why) == (
        "alice: 16 of 20 GPU-hours of this week are used, and it needs about 3 GPU-hours; "
        "there is room again in 2 d 0 h."
    )
    assert starts(planned(cards(4), demands, quotas=[a_week("alice", 21, used=16)]))[2] == 0


def test_more_than_a_week_allows_is_never_started() -> None:
    entry = planned(cards(4), [of(waiting(1, gpus=4, hours=20), "alice")], quotas=[a_week("alice", 40)]).by_job()[1]
    assert entry.start_at is None
    assert str(entry.why).startswith("It needs about 80 GPU-hours, and alice may use 40 a week.")


def test_next_weeks_are_given_out_too() -> None:
    demands = [of(waiting(number, hours=8), "alice") for number in range(5)]
    timetable = planned(cards(8), demands, quotas=[a_week("alice", 20, used=10)])
    assert sorted(starts(timetable).values(), key=lambda start: start or 0.0) == [0, 48, 48, 48 + 7 * 24, 48 + 7 * 24]


owners = st.sampled_from(["alice", "bob"])
jobs = st.lists(
    st.tuples(owners, st.integers(1, 4), st.floats(0.1, 9), st.sampled_from(Priority)), min_size=1, max_size=14
)


@FEW
@given(jobs, st.integers(0, 4), st.integers(1, 5), st.integers(0, 3))
def test_quotas_hold_at_every_instant(
    jobs: list[tuple[str, int, float, Priority]], alice: int, group: int, busy: int
) -> None:
    demands = [of(running(100 + card, [f"gpu-{card}"], hours=1 + card), "alice", "all") for card in range(busy)]
    for number, (owner, gpus, hours, priority) in enumerate(jobs):
        demands.append(of(waiting(number, gpus=gpus, hours=hours, priority=priority), owner, "all"))
    quotas = [at_once("alice", alice), at_once("all", group, QuotaScope.GROUP)]
    timetable = planned(cards(6), demands, Policy(effort=300), quotas=quotas)
    for quota, mine in (
        (alice, {demand.job_id for demand in demands if demand.owner == "alice"}),
        (group, {demand.job_id for demand in demands}),
    ):
        started = {job for job in mine if job < 100}
        for entry in timetable.entries:
            if entry.job_id in started and entry.start_at is not None:
                assert used_at(timetable, mine, entry.start_at) <= quota


def used_at(timetable: Timetable, jobs: set[int], moment: float) -> int:
    return sum(
        len(entry.gpus)
        for entry in timetable.entries
        if entry.job_id in jobs
        and entry.start_at is not None
        and entry.finish_at is not None
        and entry.start_at <= moment < entry.finish_at - 1e-6
    )
