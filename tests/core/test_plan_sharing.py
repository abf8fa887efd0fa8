"""Cards that jobs share: memory and slots at every moment, who comes in where, and what is said."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from tests.core.planning import GIB, HOUR, NOW, booking, cards, check, planned, running, starts, training, waiting
from tests.core.test_plan_properties import FEW
from yolotui.core.gpus import Gpu
from yolotui.core.jobs import Priority
from yolotui.core.plan import Policy, Preemption, plan
from yolotui.core.planning.rooms import SLOWDOWN
from yolotui.core.timetable import Demand, Timetable, World


def sharing(demand: Demand, gib: float) -> Demand:
    """The demand as one that shares its card and needs so much of it."""
    return replace(demand, shares=True, vram_bytes=int(gib * GIB))


def test_two_small_jobs_share_a_card_and_slow_each_other_down() -> None:
    demands = [sharing(waiting(1, hours=2), 8), sharing(waiting(2, hours=1), 8)]
    timetable = planned(cards(1), demands)
    assert starts(timetable) == {1: 0, 2: 0}
    long, short = timetable.by_job()[1], timetable.by_job()[2]
    assert long.gpus == short.gpus == ("gpu-0",)
    assert short.finish_at == NOW + SLOWDOWN * HOUR
    assert long.finish_at is not None
    assert NOW + 2 * HOUR < long.finish_at <= NOW + 2 * SLOWDOWN * HOUR


def test_an_empty_card_is_better_than_a_shared_one() -> None:
    demands = [sharing(waiting(number), 8) for number in range(1, 4)]
    timetable = planned(cards(2), demands)
    assert starts(timetable) == {1: 0, 2: 0, 3: 0}
    assert len({timetable.by_job()[1].gpus, timetable.by_job()[2].gpus}) == 2


def test_memory_that_was_promised_counts_as_used_and_so_does_that_of_others() -> None:
    held = sharing(running(1, ["gpu-0"], hours=2), 14)
    assert starts(planned(cards(1), [held, sharing(waiting(2), 10)])) == {1: 0, 2: 0}
    timetable = planned(cards(1), [held, sharing(waiting(2), 11)])
    assert starts(timetable) == {1: 0, 2: 2}
    assert str(timetable.by_job()[2].why) == (
        "No card is free for it, and it needs 11 GiB of one: on those that others share at most 10 GiB is left; "
        "its turn comes in about 2 h 00 min."
    )
    foreign = [replace(gpu, foreign_bytes=GIB) for gpu in cards(1)]
    assert starts(planned(foreign, [held, sharing(waiting(2), 10)])) == {1: 0, 2: 2}


def test_what_others_hold_can_keep_a_job_from_every_card() -> None:
    foreign = [replace(gpu, foreign_bytes=4 * GIB) for gpu in cards(1)]
    entry = planned(foreign, [waiting(1, vram_bytes=21 * GIB)]).by_job()[1]
    assert str(entry.why) == (
        "It needs 1 GPU, and too few can be used (GPU 0: processes that are not ours hold 4 GiB of its memory). "
        "It starts when they are free again."
    )


def test_no_more_share_a_card_than_the_policy_allows() -> None:
    held = [sharing(running(number, ["gpu-0"], hours=number), 2) for number in (1, 2)]
    demands = [*held, sharing(waiting(3), 2)]
    timetable = planned(cards(1), demands)
    assert starts(timetable)[3] == 1
    assert str(timetable.by_job()[3].why).startswith("No card is free for it, and no more than 2 jobs share one;")
    assert starts(planned(cards(1), demands, Policy(tenants=3)))[3] == 0
    alone = [sharing(waiting(1), 2), sharing(waiting(2), 2)]
    assert set(starts(planned(cards(1), alone, Policy(tenants=1))).values()) == {0, 1}


def test_a_job_without_a_declaration_runs_alone() -> None:
    held = sharing(running(1, ["gpu-0"], hours=1), 2)
    assert starts(planned(cards(1), [held, waiting(2)])) == {1: 0, 2: 1}
    assert starts(planned(cards(1), [running(1, ["gpu-0"]), sharing(waiting(2), 2)])) == {1: 0, 2: 1}


def test_who_comes_in_does_not_delay_one_who_was_promised_the_card() -> None:
    held = sharing(running(1, ["gpu-0"], hours=1), 8)
    promised = waiting(2, hours=1, priority=Priority.P0)
    long = sharing(waiting(3, hours=2), 8)
    short = sharing(waiting(4, hours=0.5), 8)
    assert starts(planned(cards(1), [held, promised, long])) == {1: 0, 2: 1, 3: 2}
    assert starts(planned(cards(1), [held, long])) == {1: 0, 3: 0}, "without that, the room lasts longer"
    assert starts(planned(cards(1), [held, promised, short]))[2] == 1


def test_nobody_comes_into_the_room_of_a_booking() -> None:
    own = replace(sharing(running(1, ["gpu-0"], hours=1.5), 4), owner="alice")
    window = booking(7, ["gpu-0"], opens_h=0)
    others = sharing(waiting(2, hours=1), 4)
    assert starts(planned(cards(1), [own, others], bookings=[window]))[2] == 2
    mine = replace(others, owner="alice")
    assert starts(planned(cards(1), [own, mine], bookings=[window]))[2] == 0


def test_all_who_share_a_card_make_room_for_a_p0_or_none() -> None:
    evict = Policy(preemption=Preemption.EVICT)
    pair = [sharing(training(number, ["gpu-0"], hours=5, since_checkpoint_s=300), 8) for number in (1, 2)]
    urgent = waiting(3, priority=Priority.P0)
    timetable = planned(cards(1), [*pair, urgent], evict)
    assert {eviction.job_id for eviction in timetable.evictions} == {1, 2}
    assert timetable.by_job()[3].start_at == NOW + 120
    fixed = replace(pair[1], preemptible=False)
    assert not planned(cards(1), [pair[0], fixed, urgent], evict).evictions


@st.composite
def crowds(draw: st.DrawFn) -> World:
    """Jobs that share, and some that do not, on a few cards of which some are partly used by others."""
    gpus = tuple(
        replace(gpu, foreign_bytes=draw(st.sampled_from([0, 0, 3 * GIB]))) for gpu in cards(draw(st.integers(1, 4)))
    )
    demands: list[Demand] = []
    for gpu in gpus:
        for _ in range(draw(st.integers(0, 2))):
            demands.append(sharing(running(100 + len(demands), [gpu.uuid], hours=draw(st.floats(0.1, 5))), 8))
    for job_id in range(draw(st.integers(1, 12))):
        job = waiting(job_id, hours=draw(st.floats(0.1, 9)), priority=draw(st.sampled_from(Priority)))
        if draw(st.integers(0, 3)):
            job = sharing(job, draw(st.sampled_from([2, 6, 10, 20])))
        else:
            job = replace(job, gpus=draw(st.integers(1, 3)))
        demands.append(job)
    return World(gpus=gpus, demands=tuple(demands))


@FEW
@given(crowds(), st.sampled_from([1, 2, 3]))
def test_no_memory_is_oversold_at_any_instant(world: World, tenants: int) -> None:
    timetable = plan(world, Policy(tenants=max(2, tenants), effort=300), NOW)
    check(world, timetable, NOW)
    by_id = {demand.job_id: demand for demand in world.demands}
    for gpu in world.gpus:
        for entry in timetable.entries:
            if gpu.uuid in entry.gpus and entry.start_at is not None:
                there = on_card(timetable, gpu, entry.start_at)
                promised = sum(by_id[job].vram_bytes for job in there)
                assert promised + gpu.foreign_bytes <= gpu.memory_total_bytes
                assert len(there) <= max(2, tenants)
                assert len(there) == 1 or all(by_id[job].shares for job in there)


def on_card(timetable: Timetable, gpu: Gpu, moment: float) -> list[int]:
    """Who is on a card at a moment."""
    return [
        entry.job_id
        for entry in timetable.entries
        if gpu.uuid in entry.gpus
        and entry.start_at is not None
        and entry.finish_at is not None
        and entry.start_at <= moment < entry.finish_at - 1e-6
    ]
