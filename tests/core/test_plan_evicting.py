"""Preemption: who is stopped for whom, what he is told, and what becomes of him."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from msgspec.structs import replace

from tests.core.planning import HOUR, NOW, cards, planned, running, training, waiting
from yolotui.core.gpus import Gpu
from yolotui.core.jobs import Notice, Priority
from yolotui.core.plan import Policy, Preemption
from yolotui.core.planning.leaving import RESTART_S
from yolotui.core.timetable import Demand, Timetable

MINUTE = 60.0
EVICT = Policy(preemption=Preemption.EVICT)
P0, P1, P2, P3 = Priority


def told(
    gpus: Sequence[Gpu], demands: Sequence[Demand], now: float = NOW, previous: Timetable | None = None
) -> dict[int, Notice]:
    """Who has to make room, by job."""
    timetable = planned(gpus, demands, EVICT, previous, now)
    return {eviction.job_id: eviction.notice for eviction in timetable.evictions}


def test_a_p0_takes_the_card_of_the_one_who_loses_least() -> None:
    gpus = cards(3)
    demands = [
        training(1, ["gpu-0"], hours=5, epoch_s=20 * MINUTE, since_checkpoint_s=9 * MINUTE),
        training(2, ["gpu-1"], hours=5, epoch_s=20 * MINUTE, since_checkpoint_s=4 * MINUTE),
        training(3, ["gpu-2"], hours=5, epoch_s=20 * MINUTE, since_checkpoint_s=15 * MINUTE),
        waiting(4, priority=P0),
    ]
    timetable = planned(gpus, demands, EVICT)
    (eviction,) = timetable.evictions
    assert eviction.job_id == 2
    assert eviction.notice.due_at == NOW
    assert eviction.notice.for_job == 4
    assert eviction.notice.patience_s == 2 * MINUTE
    assert eviction.notice.loses_s == 6 * MINUTE
    assert eviction.notice.why == (
        "Job 4 (job-4, P0) needs its GPU. "
        "It loses about 6 min of its work, and continues later by itself from its last checkpoint."
    )
    entries = timetable.by_job()
    assert entries[4].start_at == NOW + 2 * MINUTE
    assert entries[4].gpus == ("gpu-1",)
    assert str(entries[4].why) == "Job 2 (job-2) makes room for it in about 2 min."
    assert entries[2].yields_at == NOW + 2 * MINUTE
    assert entries[2].finish_at == pytest.approx(NOW + HOUR + 2 * MINUTE + 5 * HOUR + 4 * MINUTE + RESTART_S)
    assert entries[2].gpus == ("gpu-1",)


def test_a_checkpoint_that_is_near_is_waited_for_and_nothing_is_lost() -> None:
    demands = [training(1, ["gpu-0"], epoch_s=10 * MINUTE, since_checkpoint_s=9 * MINUTE), waiting(2, priority=P0)]
    timetable = planned(cards(1), demands, EVICT)
    assert timetable.evictions[0].notice.loses_s == 0
    assert timetable.by_job()[2].start_at == NOW + MINUTE


def test_a_p0_takes_over_the_room_that_was_to_be_made_for_a_p1() -> None:
    for_p1 = Notice(given_at=NOW, due_at=NOW + 30 * MINUTE, why="", for_job=3)
    demands = [
        training(1, ["gpu-0"], hours=5),
        replace(training(2, ["gpu-1"], hours=5, priority=P3), notice=for_p1),
        waiting(3, priority=P1),
        waiting(4, priority=P0),
    ]
    notices = told(cards(2), demands)
    assert (notices[2].for_job, notices[2].due_at) == (4, NOW)
    assert notices[1].for_job == 3, "the P1 asks another"


def test_a_p1_gives_notice_and_waits_for_the_end_of_the_epoch() -> None:
    demands = [training(1, ["gpu-0"], hours=5, epoch_s=40 * MINUTE), waiting(2, priority=P1)]
    notice = told(cards(1), demands)[1]
    assert notice.due_at == NOW + 30 * MINUTE
    assert notice.patience_s is None
    assert notice.loses_s == 0
    assert planned(cards(1), demands, EVICT).by_job()[2].start_at == NOW + 40 * MINUTE


@pytest.mark.parametrize(
    "victim",
    [
        running(1, ["gpu-0"], hours=5),
        replace(training(1, ["gpu-0"], hours=5), preemptible=False),
        training(1, ["gpu-0"], hours=5, priority=P1),
        replace(training(1, ["gpu-0"], hours=5), evicted_at=NOW - 59 * MINUTE),
        replace(training(1, ["gpu-0"], hours=5), state="stopping"),
        replace(training(1, ["gpu-0"], hours=5), state="pausing"),
        training(1, ["gpu-0"], hours=0.03),
        replace(training(1, ["gpu-0"], hours=5), notice=Notice(given_at=NOW, due_at=NOW, why="", for_booking=3)),
    ],
    ids=["no checkpoints", "forbids it", "its own class", "its hour", "is stopped", "is paused", "nearly done", "told"],
)
def test_nobody_is_stopped_who_may_not_be(victim: Demand) -> None:
    assert not told(cards(1), [victim, waiting(2, priority=P1)])


@pytest.mark.parametrize("preemption", [Preemption.NEVER, Preemption.QUEUE])
def test_nobody_is_stopped_where_the_policy_says_so(preemption: Preemption) -> None:
    demands = [training(1, ["gpu-0"], hours=5), waiting(2, priority=P0)]
    assert not planned(cards(1), demands, Policy(preemption=preemption)).evictions


def test_nobody_is_stopped_for_a_job_that_would_not_start_by_it() -> None:
    gpus = cards(2)
    fixed = running(1, ["gpu-0"], hours=10)
    assert not told(gpus, [fixed, training(2, ["gpu-1"], hours=5), waiting(3, gpus=2, priority=P0)])
    assert not told(gpus, [fixed, training(2, ["gpu-1"], hours=5), replace(waiting(3, priority=P0), blocked="held")])
    assert not told(
        gpus, [fixed, training(2, ["gpu-1"], hours=5), waiting(3, priority=P0, not_before=NOW + 20 * MINUTE)]
    )


def test_a_wide_job_takes_the_set_that_loses_least_in_all() -> None:
    """One job on two cards that loses 5 min, rather than two that lose 4 min each, or a third that is not needed."""
    gpus = cards(4)
    long_epochs = 60 * MINUTE
    demands = [
        training(1, ["gpu-0"], hours=9, epoch_s=long_epochs, since_checkpoint_s=2 * MINUTE),
        training(2, ["gpu-1"], hours=9, epoch_s=long_epochs, since_checkpoint_s=2 * MINUTE),
        training(3, ["gpu-2", "gpu-3"], hours=9, epoch_s=long_epochs, since_checkpoint_s=3 * MINUTE),
        waiting(4, gpus=2, priority=P0),
    ]
    assert set(told(gpus, demands)) == {3}
    assert set(told(gpus, [*demands[:3], waiting(4, gpus=3, priority=P0)])) == {1, 3}


def test_of_equal_losses_the_lowest_class_bears_it() -> None:
    demands = [
        training(1, ["gpu-0"], hours=9),
        training(2, ["gpu-1"], hours=9, priority=P3),
        waiting(3, priority=P0),
    ]
    assert set(told(cards(2), demands)) == {2}


def given(victim: Demand, by: int, at: float) -> Demand:
    """One that was told to make room half an hour after `at`."""
    return replace(victim, notice=Notice(given_at=at, due_at=at + 30 * MINUTE, why="told", for_job=by))


def test_a_notice_keeps_its_victim_and_its_time_while_it_is_needed() -> None:
    gpus = cards(2)
    earlier = NOW - 10 * MINUTE
    told_before = given(training(1, ["gpu-0"], hours=5), by=3, at=earlier)
    demands = [told_before, training(2, ["gpu-1"], hours=5, priority=P3), waiting(3, priority=P1)]
    notices = told(gpus, demands)
    assert notices == {1: told_before.notice}


def test_a_notice_is_withdrawn_when_the_other_can_start_without() -> None:
    told_before = given(training(1, ["gpu-0"], hours=5), by=3, at=NOW)
    assert not told(cards(2), [told_before, waiting(3, priority=P1)])
    assert not told(cards(2), [told_before, running(2, ["gpu-1"], hours=0.4), waiting(3, priority=P1)])
    assert not told(cards(1), [told_before, waiting(3, priority=P2)])
    assert not told(cards(1), [told_before])


def test_a_notice_that_no_longer_suffices_gets_company() -> None:
    told_before = given(training(1, ["gpu-0"], hours=5), by=3, at=NOW - 10 * MINUTE)
    demands = [told_before, training(2, ["gpu-1"], hours=5), waiting(3, gpus=2, priority=P1)]
    notices = told(cards(2), demands)
    assert notices[1] == told_before.notice
    assert notices[2].due_at == NOW + 30 * MINUTE


def test_one_who_became_a_p0_does_not_wait_for_the_notice_of_a_p1() -> None:
    told_before = given(training(1, ["gpu-0"], hours=5), by=2, at=NOW)
    assert told(cards(1), [told_before, waiting(2, priority=P0)])[1].due_at == NOW


def test_two_p0s_do_not_ask_the_same_one() -> None:
    demands = [
        training(1, ["gpu-0"], hours=5),
        training(2, ["gpu-1"], hours=5),
        waiting(3, priority=P0),
        waiting(4, priority=P0),
    ]
    notices = told(cards(2), demands)
    assert {notice.for_job for notice in notices.values()} == {3, 4}
    assert set(notices) == {1, 2}


def test_what_is_on_its_way_counts_as_room_and_comes_back() -> None:
    notice = Notice(given_at=NOW, due_at=NOW, why="", for_job=2, patience_s=2 * MINUTE)
    leaving = replace(
        training(1, ["gpu-0"], hours=5, epoch_s=10 * MINUTE, since_checkpoint_s=9 * MINUTE),
        state="pausing",
        notice=notice,
    )
    demands = [leaving, training(3, ["gpu-1"], hours=5), waiting(2, priority=P0)]
    timetable = planned(cards(2), demands, EVICT)
    assert not timetable.evictions
    entries = timetable.by_job()
    assert entries[2].start_at == entries[1].yields_at == NOW + MINUTE
    assert entries[1].finish_at is not None
    assert entries[1].finish_at > NOW + HOUR + 4.9 * HOUR


def test_who_was_evicted_keeps_his_place_in_the_queue() -> None:
    """What is left of him goes before those of his class that came after him, and others count on its end."""
    gpus = cards(1)
    victim = replace(training(1, ["gpu-0"], hours=0.6), submitted_at=NOW - 9 * HOUR)
    demands = [victim, waiting(2, priority=P0), waiting(3, hours=1), waiting(4, priority=P3)]
    before = planned(gpus, [victim, *demands[2:]], EVICT)
    timetable = planned(gpus, demands, EVICT, before, NOW + 1)
    entries = timetable.by_job()
    assert timetable.order.index(1) < timetable.order.index(3)
    assert entries[1].finish_at == entries[3].start_at


def test_one_who_would_be_back_before_the_other_is_left_alone() -> None:
    """A job that is overdue would take the card again at once: a loop."""
    gpus = cards(1)
    victim = training(1, ["gpu-0"], hours=5, priority=P3)
    before = planned(gpus, [replace(victim, state="waiting", holding=())], EVICT)
    overdue = tuple(replace(entry, overdue_at=NOW - 1) for entry in before.entries)
    previous = replace(before, entries=overdue)
    assert not told(gpus, [victim, waiting(2, priority=P1)], previous=previous)
    assert told(gpus, [victim, waiting(2, priority=P0)], previous=previous)
