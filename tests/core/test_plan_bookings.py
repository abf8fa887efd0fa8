"""Bookings in the plan: what starts before a window, who leaves for it, who has it, and which cards it gets."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from tests.core.planning import GIB, HOUR, NOW, booking, cards, planned, running, starts, training, waiting
from yolotui.core.gpus import Excluded
from yolotui.core.jobs import Notice, Priority
from yolotui.core.plan import Policy, Preemption
from yolotui.core.planning.leaving import RESTART_S
from yolotui.core.timetable import Binding, Demand
from yolotui.units import format_weekday

MINUTE = 60.0
ALL = ["gpu-0", "gpu-1"]


def resumable(demand: Demand, epoch_s: float = 600.0) -> Demand:
    return replace(demand, resumable=True, epoch_s=epoch_s)


def test_nothing_is_started_that_would_run_into_a_window() -> None:
    demands = [waiting(1, hours=3), waiting(2, hours=2.5), waiting(3, hours=0.5, priority=Priority.P3)]
    timetable = planned(cards(2), demands, bookings=[booking(7, ["gpu-1"], opens_h=1)])
    assert starts(timetable) == {1: 2.5, 2: 0, 3: 0}
    assert timetable.by_job()[3].gpus == ("gpu-1",)
    alone = planned(cards(1), demands[:1], bookings=[booking(7, ["gpu-0"], opens_h=1)])
    assert starts(alone) == {1: 3}
    assert str(alone.by_job()[1].why) == (
        "1 GPU is free, but booking 7 of alice opens in 1 h 00 min, and this job takes about 3 h 00 min."
    )


def test_what_can_be_paused_is_started_before_a_window_and_continued_after_it() -> None:
    job = resumable(waiting(1, hours=3))
    entry = planned(cards(1), [job], bookings=[booking(7, ["gpu-0"], opens_h=1)]).by_job()[1]
    assert entry.starts_now
    assert entry.yields_at == NOW + HOUR - 10 * MINUTE
    assert entry.finish_at == NOW + 3 * HOUR + (3 * HOUR - 50 * MINUTE + RESTART_S)


@pytest.mark.parametrize(
    "job",
    [waiting(1, hours=3), replace(resumable(waiting(1, hours=3)), preemptible=False)],
    ids=["no checkpoints", "forbids it"],
)
def test_what_cannot_be_paused_waits_for_the_end_of_the_window(job: Demand) -> None:
    assert starts(planned(cards(1), [job], bookings=[booking(7, ["gpu-0"], opens_h=1)])) == {1: 3}


def test_a_gap_that_is_not_worth_a_restart_stays_empty() -> None:
    job = resumable(waiting(1, hours=3))
    timetable = planned(cards(1), [job], bookings=[booking(7, ["gpu-0"], opens_h=0.3)])
    assert starts(timetable) == {1: pytest.approx(2.3)}


def test_a_job_may_be_paused_for_one_window_after_another() -> None:
    job = resumable(waiting(1, hours=4))
    windows = [booking(7, ["gpu-0"], opens_h=1), booking(8, ["gpu-0"], opens_h=5)]
    timetable = planned(cards(1), [job], bookings=windows)
    entry = timetable.by_job()[1]
    assert entry.starts_now
    worked = 50 * MINUTE + 110 * MINUTE
    assert entry.finish_at == pytest.approx(NOW + 7 * HOUR + (4 * HOUR - worked) + 2 * RESTART_S)


def test_who_runs_is_told_half_an_hour_before_and_leaves_an_epoch_before() -> None:
    window = booking(7, ["gpu-0"], opens_h=1)
    victim = training(1, ["gpu-0"], hours=5, epoch_s=600)
    early = planned(cards(1), [victim], bookings=[window])
    assert not early.evictions
    assert early.by_job()[1].yields_at == NOW + 50 * MINUTE
    assert early.by_job()[1].finish_at == pytest.approx(NOW + 3 * HOUR + (5 * HOUR - 50 * MINUTE + RESTART_S))
    later = NOW + 25 * MINUTE
    left = replace(victim, estimate=replace(victim.estimate, remaining_s=5 * HOUR - 25 * MINUTE))
    (eviction,) = planned(cards(1), [left], now=later, bookings=[window]).evictions
    notice = eviction.notice
    assert notice.for_booking == 7
    assert notice.due_at == NOW + 50 * MINUTE
    assert notice.patience_s == 10 * MINUTE
    assert notice.why == (
        f"alice's booking 7 begins {format_weekday(NOW + HOUR)}. "
        "It is paused at a checkpoint, loses no epoch, and continues later by itself."
    )
    told = replace(left, notice=notice)
    again = planned(cards(1), [told], now=later + MINUTE, bookings=[window])
    assert again.evictions == (eviction,), "a notice stays as it was given"
    moved = planned(cards(1), [told], now=later + MINUTE, bookings=[booking(7, ["gpu-0"], opens_h=5)])
    assert not moved.evictions, "and is withdrawn when the booking is moved"


def test_who_runs_when_a_window_is_already_open_leaves_at_once() -> None:
    victim = training(1, ["gpu-0"], hours=5, epoch_s=40 * MINUTE, since_checkpoint_s=10 * MINUTE)
    timetable = planned(cards(1), [victim], bookings=[booking(7, ["gpu-0"], opens_h=0)])
    (eviction,) = timetable.evictions
    assert eviction.notice.due_at == NOW
    assert eviction.notice.loses_s == 12 * MINUTE
    assert timetable.by_job()[1].yields_at == NOW + 2 * MINUTE


def test_who_is_done_before_or_owns_the_window_is_left_alone() -> None:
    window = booking(7, ["gpu-0"], opens_h=1)
    assert planned(cards(1), [training(1, ["gpu-0"], hours=0.9)], bookings=[window]).by_job()[1].yields_at is None
    own = replace(training(1, ["gpu-0"], hours=5), owner="alice")
    assert planned(cards(1), [own], bookings=[window]).by_job()[1].yields_at is None


def test_the_owners_jobs_use_the_window_and_nobody_elses() -> None:
    demands = [
        waiting(1, gpus=2, hours=1, priority=Priority.P0),
        replace(waiting(2, gpus=2, hours=1.5, priority=Priority.P3), owner="alice"),
        replace(waiting(3, gpus=1, hours=1), owner="bob"),
    ]
    timetable = planned(cards(2), demands, bookings=[booking(7, ALL, opens_h=0)])
    assert starts(timetable) == {1: 2, 2: 0, 3: 3}
    assert timetable.by_job()[2].booking == 7
    assert timetable.by_job()[2].starts_now


def test_a_booked_job_starts_when_its_window_opens() -> None:
    demands = [
        waiting(1, gpus=2, hours=5, priority=Priority.P3),
        waiting(2, gpus=2, hours=1, priority=Priority.P0),
        waiting(3, hours=0.5),
    ]
    timetable = planned(cards(2), demands, bookings=[booking(7, ALL, opens_h=1, hours=5, job_id=1)])
    entry = timetable.by_job()[1]
    assert entry.start_at == NOW + HOUR
    assert entry.booking == 7
    assert str(entry.why) == "It starts when booking 7 opens, in 1 h 00 min."
    assert timetable.by_job()[2].starts_now
    assert timetable.by_job()[3].start_at == NOW + 6 * HOUR


def test_a_booked_job_starts_before_its_window_when_it_is_done_by_then() -> None:
    short = [waiting(1, hours=0.9), waiting(2, hours=1)]
    timetable = planned(cards(1), short[:1], bookings=[booking(7, ["gpu-0"], opens_h=1, job_id=1)])
    assert timetable.by_job()[1].starts_now
    busy = planned(
        cards(1), [*short[:1], running(3, ["gpu-0"], hours=0.5)], bookings=[booking(7, ["gpu-0"], opens_h=1, job_id=1)]
    )
    assert starts(busy)[1] == 1


def test_a_booked_job_that_is_longer_than_its_window_is_paused_at_its_end() -> None:
    job = resumable(waiting(1, hours=5))
    urgent = waiting(2, hours=3, priority=Priority.P0, not_before=NOW + 2.5 * HOUR)
    timetable = planned(cards(1), [job, urgent], bookings=[booking(7, ["gpu-0"], opens_h=1, job_id=1)])
    entry = timetable.by_job()[1]
    assert entry.start_at == NOW + HOUR
    assert entry.yields_at == NOW + 3.2 * HOUR, "kept for a tenth longer"
    assert entry.finish_at is not None
    assert entry.finish_at > entry.yields_at


def test_a_window_gets_cards_on_which_nobody_must_make_room() -> None:
    window = booking(7, ["gpu-0"], opens_h=0.9)
    demands = [training(1, ["gpu-0"], hours=5), running(2, ["gpu-1"], hours=0.5)]
    timetable = planned(cards(2), demands, bookings=[window])
    assert timetable.bindings == (Binding(7, ("gpu-1",)),)
    assert timetable.by_job()[1].yields_at is None
    for kept in (
        booking(7, ["gpu-0"], opens_h=0.9, pinned=True),
        booking(7, ["gpu-0"], opens_h=9),
        booking(7, ["gpu-0"], opens_h=0),
    ):
        assert not planned(cards(2), demands, bookings=[kept]).bindings
    taken = [window, booking(8, ["gpu-1"], opens_h=1)]
    assert not planned(cards(2), demands, bookings=taken).bindings
    unlike = (*cards(1), *cards(1, memory_gib=48, first=1))
    assert not planned(unlike, demands, bookings=[window]).bindings


def test_what_cannot_be_paused_is_said_where_nothing_else_helps() -> None:
    window = booking(7, ["gpu-0"], opens_h=0.5, pinned=True)
    timetable = planned(cards(2), [running(1, ["gpu-0"], hours=3)], bookings=[window])
    assert [(each.booking_id, each.why) for each in timetable.hindrances] == [
        (7, f"Job 1 (job-1) can't be paused, and is expected to use GPU 0 until {format_weekday(NOW + 3 * HOUR)}.")
    ]
    unpinned = planned(cards(2), [running(1, ["gpu-0"], hours=3)], bookings=[booking(7, ["gpu-0"], opens_h=0.5)])
    assert unpinned.bindings == (Binding(7, ("gpu-1",)),)
    assert not unpinned.hindrances


def test_a_booking_whose_card_is_gone_gets_another_at_once() -> None:
    gpus = list(cards(2))
    gpus[0] = replace(gpus[0], availability=Excluded("drained"))
    assert planned(gpus, [], bookings=[booking(7, ["gpu-0"], opens_h=50)]).bindings == (Binding(7, ("gpu-1",)),)
    pinned = planned(gpus, [], bookings=[booking(7, ["gpu-0"], opens_h=50, pinned=True)])
    assert [each.why for each in pinned.hindrances] == [
        "GPU 0 of it can't be used, and no card like it is free to take its place."
    ]


def test_nobody_is_evicted_from_his_own_window() -> None:
    policy = Policy(preemption=Preemption.EVICT)
    owner = replace(training(1, ["gpu-0"], hours=1.5), owner="alice")
    demands = [owner, training(2, ["gpu-1"], hours=5), waiting(3, priority=Priority.P0)]
    timetable = planned(cards(2), demands, policy, bookings=[booking(7, ["gpu-0"], opens_h=0)])
    assert [eviction.job_id for eviction in timetable.evictions] == [2]


def test_who_will_leave_for_a_window_may_have_to_leave_sooner_for_a_p0() -> None:
    policy = Policy(preemption=Preemption.EVICT)
    victim = training(1, ["gpu-0"], hours=9, since_checkpoint_s=60)
    window = booking(7, ["gpu-0"], opens_h=5, pinned=True)
    timetable = planned(cards(1), [victim, waiting(2, priority=Priority.P0)], policy, bookings=[window])
    assert [eviction.notice.for_job for eviction in timetable.evictions] == [2]
    entries = timetable.by_job()
    assert entries[2].start_at == entries[1].yields_at == NOW + 2 * MINUTE
    assert entries[1].finish_at is not None
    assert entries[1].finish_at > NOW + 9 * HOUR


def test_one_who_is_leaving_for_a_booking_counts_as_gone_by_then() -> None:
    notice = Notice(given_at=NOW, due_at=NOW, why="", for_booking=7, patience_s=2 * MINUTE)
    leaving = replace(training(1, ["gpu-0"], hours=5, since_checkpoint_s=60), state="pausing", notice=notice)
    own = replace(waiting(2, hours=1), owner="alice")
    timetable = planned(cards(1), [leaving, own], bookings=[booking(7, ["gpu-0"], opens_h=0)])
    assert starts(timetable)[2] == pytest.approx(2 / 60, abs=1e-3)


def test_nothing_starts_that_would_not_end_before_its_card_closes() -> None:
    gpus = [replace(gpu, closes_at=NOW + 2 * HOUR) for gpu in cards(2, memory_gib=24)]
    demands = [running(1, ["gpu-0"], hours=9), waiting(2, hours=1), waiting(3, hours=0.9), waiting(4, hours=3)]
    timetable = planned(gpus, demands)
    assert starts(timetable) == {1: 0, 2: 0, 3: 1, 4: None}
    assert str(timetable.by_job()[4].why) == (
        "GPU 0, 1 close in 2 h 00 min, and it takes about 3 h 00 min. `yolotui undrain 0 1` keeps them open."
    )
    assert timetable.by_job()[1].finish_at == NOW + 9 * HOUR
    more = [*gpus, *cards(1, memory_gib=48, first=2)]
    assert starts(planned(more, demands))[4] == 0
    wide = planned(more, [waiting(5, gpus=3, hours=3), waiting(6, gpus=3, hours=1)])
    assert starts(wide) == {5: None, 6: 0}


def test_a_long_queue_before_closing_cards_is_planned_too() -> None:
    gpus = [replace(gpu, closes_at=NOW + 2 * HOUR) for gpu in cards(2)]
    demands = [waiting(number, hours=1 + number / 100) for number in range(20)]
    timetable = planned(gpus, demands, Policy(careful=3))
    foreseen = [entry for entry in timetable.entries if entry.start_at is not None]
    assert len(foreseen) == 2
    assert all(entry.finish_at and entry.finish_at <= NOW + 2 * HOUR for entry in foreseen)


def test_a_booking_far_behind_in_a_long_queue_is_kept() -> None:
    demands = [waiting(number, hours=1) for number in range(20)]
    window = booking(7, ["gpu-0"], opens_h=1, job_id=19)
    assert starts(planned(cards(1), demands, Policy(careful=3), bookings=[window]))[19] == 1


def test_a_booking_for_a_card_that_does_not_suit_the_job_does_not_hold_it_up() -> None:
    window = booking(7, ["gpu-0"], opens_h=1, job_id=1)
    gpus = [*cards(1, memory_gib=24), *cards(1, memory_gib=48, first=1)]
    job = waiting(1, hours=3, vram_bytes=40 * GIB)
    assert starts(planned(gpus, [job], bookings=[window])) == {1: 0}


def test_who_waits_for_an_open_window_of_others_is_told_whose_it_is() -> None:
    timetable = planned(cards(2), [waiting(1)], bookings=[booking(7, ALL, opens_h=0)])
    assert str(timetable.by_job()[1].why).startswith(
        "It needs 1 GPU; none of 2 are free for it. Booking 7 of alice has 2 GPUs for 2 h 12 min at most."
    )
