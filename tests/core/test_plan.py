"""When: classes, ageing, gangs, backfill, the guard, promises, and the yardstick policies."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from tests.core.planning import HOUR, NOW, cards, check, planned, running, starts, waiting
from yolotui.core.jobs import Priority
from yolotui.core.plan import Kind, Mode, Move, Policy, moves, plan
from yolotui.core.timetable import World


def test_jobs_start_where_there_is_room() -> None:
    timetable = planned(cards(2), [waiting(1), waiting(2), waiting(3)])
    assert sorted(value for value in starts(timetable).values() if value is not None) == [0, 0, 1]
    assert len(timetable.starting_now()) == 2


def test_a_higher_class_goes_first_whoever_came_first() -> None:
    demands = [waiting(1, priority=Priority.P3), waiting(2, priority=Priority.P1), waiting(3, priority=Priority.P0)]
    assert starts(planned(cards(1), demands)) == {3: 0, 2: 1, 1: 2}


def test_a_wide_job_gets_a_reservation_and_short_ones_only_fill_the_gap() -> None:
    demands = [
        running(1, ["gpu-0"], hours=2.0),
        waiting(2, gpus=2, hours=5.0, priority=Priority.P1),
        waiting(3, hours=2.0),
        waiting(4, hours=2.5),
    ]
    assert starts(planned(cards(2), demands)) == {1: 0, 2: 2, 3: 0, 4: 7}


def test_short_jobs_go_before_long_ones_of_their_class() -> None:
    demands = [waiting(1, hours=10.0), waiting(2, hours=1.0), waiting(3, hours=2.0)]
    assert starts(planned(cards(1), demands)) == {2: 0, 3: 1, 1: 3}


def test_throughput_fills_the_machine_to_the_end() -> None:
    """A long job beside three short ones on two cards: started last it would run on alone."""
    demands = [waiting(1, hours=6.0), waiting(2, hours=2.0), waiting(3, hours=2.0), waiting(4, hours=2.0)]
    ends = [entry.finish_at for entry in planned(cards(2), demands, Policy(mode=Mode.THROUGHPUT)).entries]
    assert max(end for end in ends if end is not None) == NOW + 6 * HOUR


def test_a_job_that_has_waited_for_45_hours_stands_with_the_class_above() -> None:
    old = waiting(1, priority=Priority.P3, submitted_at=NOW - 45 * HOUR)
    fresh = waiting(2, hours=2.0)
    assert starts(planned(cards(1), [fresh, old])) == {1: 0, 2: 1}
    without = Policy(ageing=False, guard_slack_s=1000 * HOUR)
    assert starts(planned(cards(1), [fresh, old], without)) == {2: 0, 1: 2}


def test_whoever_first_in_first_out_would_have_served_long_ago_goes_before_all_but_p0() -> None:
    long_one = waiting(1, hours=20.0, priority=Priority.P3)
    first = planned(cards(1), [running(9, ["gpu-0"], hours=1.0), long_one])
    now = NOW + 40 * HOUR
    demands = [long_one, waiting(2, priority=Priority.P1, submitted_at=now), waiting(3, submitted_at=now)]
    guarded = planned(cards(1), demands, previous=first, now=now)
    assert starts(guarded, now)[1] == 0
    urgent = waiting(4, priority=Priority.P0, submitted_at=now)
    assert starts(planned(cards(1), [*demands, urgent], previous=first, now=now), now) | {2: 0, 3: 0} == {
        4: 0,
        1: 1,
        2: 0,
        3: 0,
    }


def test_what_was_foreseen_at_first_is_carried_along() -> None:
    demands = [running(1, ["gpu-0"], hours=2.0), waiting(2)]
    first = planned(cards(1), demands)
    later = planned(cards(1), demands, previous=first, now=NOW + HOUR)
    assert later.by_job()[2].first == first.by_job()[2].first
    assert later.by_job()[2].first is not None
    assert later.by_job()[2].overdue_at == first.by_job()[2].overdue_at == NOW + (1.5 * 3 + 1) * HOUR


def test_a_job_that_waits_again_after_it_ran_is_foreseen_anew() -> None:
    first = planned(cards(1), [waiting(1)])
    ran = planned(cards(1), [running(1, ["gpu-0"])], previous=first)
    assert ran.by_job()[1].first == first.by_job()[1].first
    again = planned(cards(1), [waiting(1, not_before=NOW + HOUR)], previous=ran, now=NOW + 60)
    forecast = again.by_job()[1].first
    assert forecast is not None
    assert (forecast.made_at, forecast.start_at) == (NOW + 60, NOW + HOUR)


def test_a_new_job_does_not_turn_the_promised_order_round() -> None:
    demands = [running(1, ["gpu-0"], hours=1.0), *(waiting(job_id, hours=2.0) for job_id in range(2, 8))]
    first = planned(cards(1), demands)
    second = planned(cards(1), [*demands, waiting(8, hours=2.0)], previous=first)
    assert [job_id for job_id in second.order if job_id != 8] == list(first.order)
    assert second.order[-1] == 8


def test_behind_the_head_places_are_rough_and_nothing_is_given_twice() -> None:
    demands = [waiting(job_id, gpus=1 + job_id % 3, hours=1.0 + job_id % 5) for job_id in range(60)]
    world = World(gpus=cards(4), demands=tuple(demands))
    timetable = plan(world, Policy(careful=10), NOW)
    check(world, timetable, NOW)
    assert sum(entry.rough for entry in timetable.entries) >= 45
    assert all(entry.start_at is not None for entry in timetable.entries)


def test_a_job_far_behind_starts_in_a_gap_that_nobody_before_it_can_use() -> None:
    wide = [waiting(job_id, gpus=4, hours=1.0) for job_id in range(1, 6)]
    demands = [running(9, ["gpu-0"], hours=2.0), *wide, waiting(7, hours=1.5), waiting(8, hours=3.0)]
    timetable = planned(cards(4), demands, Policy(careful=5, kind=Kind.FIFO_CONSERVATIVE))
    assert timetable.by_job()[7].starts_now
    assert not timetable.by_job()[8].starts_now
    assert starts(timetable)[1] == 2


def test_jobs_without_a_gpu_have_slots_of_their_own() -> None:
    demands = [running(1, ["gpu-0"], hours=9.0), *(waiting(job_id, gpus=0) for job_id in (2, 3, 4))]
    world = World(gpus=cards(1), demands=tuple(demands), side_slots=2)
    assert sorted(starts(plan(world, Policy(), NOW)).items()) == [(1, 0), (2, 0), (3, 0), (4, 1)]


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (Kind.FIFO, {2: 2, 3: 7, 4: 7, 5: 8}),
        (Kind.FIFO_CONSERVATIVE, {2: 2, 3: 7, 4: 0, 5: 1}),
        (Kind.FIFO_EASY, {2: 2, 3: 7, 4: 0, 5: 1}),
        (Kind.PRIO_EASY, {2: 2, 3: 7, 4: 1, 5: 0}),
    ],
)
def test_the_yardsticks_are_what_they_are_called(kind: Kind, expected: dict[int, float]) -> None:
    demands = [
        running(1, ["gpu-0"], hours=2.0),
        waiting(2, gpus=2, hours=5.0, submitted_at=NOW - 4),
        waiting(3, hours=3.0, submitted_at=NOW - 3),
        waiting(4, hours=1.0, submitted_at=NOW - 2),
        waiting(5, hours=1.0, submitted_at=NOW - 1, priority=Priority.P0),
    ]
    found = starts(planned(cards(2), demands, Policy(kind=kind)))
    del found[1]
    assert found == expected


def test_easy_lets_a_job_pass_that_only_delays_those_without_a_reservation() -> None:
    """Job 3 is second in the queue: conservative backfill keeps its place, EASY does not."""
    demands = [
        running(1, ["gpu-0", "gpu-1"], hours=1.0),
        waiting(2, gpus=3, hours=1.0, submitted_at=NOW - 3),
        waiting(3, gpus=3, hours=1.0, submitted_at=NOW - 2),
        waiting(4, gpus=1, hours=10.0, submitted_at=NOW - 1),
    ]
    conservative = starts(planned(cards(4), demands, Policy(kind=Kind.FIFO_CONSERVATIVE)))
    assert conservative == {1: 0, 2: 1, 3: 2, 4: 0}
    assert starts(planned(cards(3), demands, Policy(kind=Kind.FIFO_EASY)))[4] == 3


def test_intervals_grow_with_the_wait_and_follow_the_estimate() -> None:
    demands = [running(1, ["gpu-0"], hours=2.0), waiting(2, hours=1.0)]
    entry = planned(cards(1), demands).by_job()[2]
    assert entry.start_low_at is not None
    assert entry.start_high_at is not None
    assert NOW < entry.start_low_at < NOW + 2 * HOUR < entry.start_high_at
    assert entry.finish_low_at == pytest.approx(entry.start_low_at + 0.7 * HOUR)
    assert entry.finish_high_at == pytest.approx(entry.start_high_at + 1.5 * HOUR)


def test_what_is_likely_to_stop_early_may_end_early() -> None:
    demand = running(1, ["gpu-0"], hours=10.0)
    stopping = replace(demand, estimate=replace(demand.estimate, early_stop=0.3, early_stop_at=0.5))
    entry = planned(cards(1), [stopping]).by_job()[1]
    assert entry.finish_at == NOW + 10 * HOUR
    assert entry.finish_low_at == NOW + 5 * HOUR


def test_what_a_change_would_move_can_be_said() -> None:
    demands = [running(1, ["gpu-0"], hours=1.0), waiting(2, hours=2.0), waiting(3, hours=3.0)]
    before = planned(cards(1), demands)
    raised = [*demands[:2], replace(demands[2], priority=Priority.P1)]
    found = moves(before, planned(cards(1), raised))
    assert found == [Move(2, NOW + HOUR, NOW + 4 * HOUR), Move(3, NOW + 3 * HOUR, NOW + HOUR)]
    assert [move.later_s / HOUR for move in found] == [3, -2]


@pytest.mark.parametrize(("back_off_s", "starts_at_once"), [(30.0, False), (120.0, True)])
def test_a_retry_soon_keeps_its_gpu_and_a_late_one_lets_others_go_first(
    back_off_s: float, starts_at_once: bool
) -> None:
    retry = waiting(1, priority=Priority.P0, not_before=NOW + back_off_s)
    timetable = planned(cards(1), [retry, waiting(2, priority=Priority.P3)])
    assert timetable.by_job()[2].starts_now is starts_at_once
