"""Why a card was idle, and what it drew for whom."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.core.jobs import HOUR, attempt, job
from yolotui.core.bookings import Booked, Booking, Ending, Open, Over
from yolotui.core.energy import energy
from yolotui.core.gpus import Excluded, Foreign, Free, Gpu, Lost
from yolotui.core.idling import (
    Circumstances,
    Deed,
    Idleness,
    Piece,
    Recorded,
    Span,
    circumstances,
    idle_cards,
    pieces,
)
from yolotui.core.jobs import Job, Owner, Priority
from yolotui.core.plan import Policy, plan
from yolotui.core.reporting import IdleGap
from yolotui.core.standstill import Standstill
from yolotui.core.timetable import Demand, Estimate, Need, World

GAP = IdleGap(2 * HOUR, 4 * HOUR, 0)
LED = Deed(0.0, "lead")
NOW = 1000.0


def booking(starts: float, ends: float, status: Booked | Open | Over) -> Booking:
    return Booking(
        id=1, owner=Owner("anna", 1), starts_at=starts * HOUR, ends_at=ends * HOUR, count=1, gpus=("GPU-0",),
        made_at=0.0, status=status,
    )  # fmt: skip


def records(jobs: list[Job], *deeds: Deed, bookings: tuple[Booking, ...] = (), seen: float = 10) -> Circumstances:
    return circumstances([LED, *deeds], bookings, jobs, seen * HOUR, 10 * HOUR)


def why(jobs: list[Job], *deeds: Deed, bookings: tuple[Booking, ...] = (), seen: float = 10) -> Standstill:
    """The cause of a gap of which no planner has said anything."""
    (piece,) = pieces(GAP, "GPU-0", (), records(jobs, *deeds, bookings=bookings, seen=seen))
    return piece.idleness.cause


def test_a_card_that_was_taken_out_of_use_is_idle_for_that():
    waiting = [job(1)]
    assert why(waiting, Deed(HOUR, "drain", "GPU-0")) is Standstill.DRAINED
    assert why(waiting, Deed(HOUR, "quarantine", "GPU-0"), Deed(5 * HOUR, "undrain", "GPU-0")) is Standstill.DRAINED
    assert why(waiting, Deed(HOUR, "drain", "GPU-1")) is not Standstill.DRAINED
    assert why(waiting, Deed(HOUR, "drain", "GPU-0"), Deed(2.5 * HOUR, "undrain", "GPU-0")) is not Standstill.DRAINED


def test_a_booked_card_is_idle_for_its_booking_until_that_is_over():
    waiting = [job(1)]
    assert why(waiting, bookings=(booking(2, 4, Booked(0.0)),)) is Standstill.BOOKED
    gone = booking(2, 4, Over(2.5 * HOUR, Ending.EXPIRED))
    assert why(waiting, bookings=(gone,)) is not Standstill.BOOKED


def test_without_a_scheduler_nothing_starts_but_only_where_something_waited():
    left = Deed(HOUR, "leave")
    assert why([], left) is Standstill.NOTHING_WAITED
    assert why([job(1)], left) is Standstill.NO_SCHEDULER
    assert why([job(1)], left, Deed(2.2 * HOUR, "lead")) is not Standstill.NO_SCHEDULER
    assert why([job(1)], Deed(5 * HOUR, "lead", alone_since=1.5 * HOUR)) is Standstill.NO_SCHEDULER
    assert why([job(1)], seen=1.5) is Standstill.NO_SCHEDULER


def test_what_nobody_recorded_is_not_guessed():
    assert why([job(1, gpus=2)]) is Standstill.NOT_RECORDED
    assert why([job(2, gpus=0)]) is Standstill.NOTHING_WAITED
    assert why([job(2, submitted=3)]) is Standstill.NOTHING_WAITED


def test_a_gap_is_told_in_pieces_as_it_was_planned():
    retry = Idleness(Standstill.RETRY, 7, "It is tried again in 10 minutes.")
    others = Idleness(Standstill.OTHER_JOBS, 8, "It comes after job 3.")
    record = [
        Recorded("GPU-0", 2 * HOUR + 5, retry),
        Recorded("GPU-0", 3 * HOUR, others),
        Recorded("GPU-0", 3 * HOUR + 120, retry),  # too short a time to be told
        Recorded("GPU-0", 3 * HOUR + 140, others),
        Recorded("GPU-0", 4 * HOUR, None),
    ]
    assert pieces(GAP, "GPU-0", record, records([job(1)])) == [
        Piece(2 * HOUR, 3 * HOUR, retry),
        Piece(3 * HOUR, 4 * HOUR, others),
    ]


def test_what_was_planned_ends_where_nobody_led_any_more():
    retry = Idleness(Standstill.RETRY, 7, "It is tried again in 10 minutes.")
    killed = Deed(3.5 * HOUR, "lead", alone_since=2.5 * HOUR)
    found = pieces(GAP, "GPU-0", [Recorded("GPU-0", HOUR, retry)], records([job(1)], killed))
    assert [(piece.since / HOUR, piece.until / HOUR, piece.idleness.cause) for piece in found] == [
        (2, 2.5, Standstill.RETRY),
        (2.5, 3.5, Standstill.NO_SCHEDULER),
        (3.5, 4, Standstill.RETRY),
    ]


@given(
    st.lists(st.tuples(st.floats(0, 6), st.sampled_from([None, Standstill.RETRY, Standstill.CARDS])), max_size=8),
    st.lists(st.tuples(st.floats(0, 6), st.floats(0, 6)), max_size=3),
)
def test_pieces_fill_the_gap_whatever_was_recorded(rows, alone):
    record = [
        Recorded("GPU-0", at * HOUR, cause and Idleness(cause, 1)) for at, cause in sorted(rows, key=lambda row: row[0])
    ]
    spans = [Span(min(pair) * HOUR, max(pair) * HOUR) for pair in alone]
    around = Circumstances(out_of_use={}, leaderless=spans, bookings=(), jobs=[job(1)])
    found = pieces(GAP, "GPU-0", record, around)
    assert found[0].since == GAP.since
    assert found[-1].until == GAP.until
    assert all(before.until == after.since for before, after in pairwise(found))


def card(number: int, **details: object) -> Gpu:
    return Gpu(**{"uuid": f"GPU-{number}", "index": number, "name": "T4", "memory_total_bytes": 1 << 34, **details})  # type: ignore[arg-type]


def demand(job_id: int, **details: object) -> Demand:
    return Demand(**{
        "job_id": job_id, "name": f"job-{job_id}", "priority": Priority.P2, "submitted_at": 0.0, "gpus": 1,
        "estimate": Estimate(HOUR, "x"), **details,
    })  # type: ignore[arg-type]  # fmt: skip


def planned(*demands: Demand, gpus: tuple[Gpu, ...] = (card(0),), bookings: tuple[Booking, ...] = ()) -> Idleness:
    """Why card 0 is idle, by a plan."""
    world = World(gpus=gpus, demands=demands, bookings=bookings)
    return idle_cards(world, plan(world, Policy(), NOW))["GPU-0"]


@pytest.mark.parametrize(
    ("details", "cause"),
    [
        ({"availability": Excluded("drained by anna (new fan)")}, Standstill.DRAINED),
        ({"availability": Lost("fell off the bus")}, Standstill.LOST),
        ({"availability": Foreign((7,), 1 << 33, ("ben",))}, Standstill.FOREIGN),
        ({"temperature_c": 99}, Standstill.HOT),
        ({"availability": Free()}, Standstill.NOTHING_WAITED),
    ],
)
def test_a_card_that_nobody_may_use_is_idle_for_that_whoever_waits(details, cause):
    waiting = (demand(1),) if cause is not Standstill.NOTHING_WAITED else ()
    assert planned(*waiting, gpus=(card(0, **details),)).cause is cause


def test_a_free_card_is_idle_for_what_the_planner_says_of_the_job_that_comes_next():
    running = demand(9, state="running", holding=("GPU-1",), estimate=Estimate(600.0, "x"))
    two = (card(0), card(1))
    wide = planned(running, demand(1, gpus=2, priority=Priority.P0), demand(2), gpus=two)
    assert (wide.cause, wide.job) == (Standstill.CARDS, 1)
    assert "needs 2 GPUs" in wide.why
    after = planned(running, demand(3, needs=(Need(9, "job-9", "running"),)), gpus=two)
    assert (after.cause, after.job) == (Standstill.OTHER_JOBS, 3)
    assert planned(demand(4, not_before=NOW + 60)).cause is Standstill.RETRY
    assert planned(demand(5, state="held", blocked="It is held.")).cause is Standstill.KEPT_BACK
    assert planned(demand(6, gpu_model="A100")).cause is Standstill.NO_CARD_FITS
    ahead = booking(NOW / HOUR + 0.5, NOW / HOUR + 2, Booked(0.0))
    assert planned(demand(7), bookings=(ahead,)).cause is Standstill.WINDOW
    opened = booking(0, NOW / HOUR + 2, Open(0.0))
    assert planned(demand(8), bookings=(opened,)) == Idleness(Standstill.BOOKED, why="booking 1 of anna")
    assert planned(demand(1)) == Idleness(Standstill.CHECK, 1)


def test_energy_is_charged_to_who_held_the_card():
    jobs = [job(1, attempt(1, 0, 1, "GPU-0")), job(2, attempt(1, 0, 1, "GPU-0"), owner="jonas", group="day")]
    draw = [(minute * 60.0, 300.0) for minute in range(120)]
    found = energy({"GPU-0": draw, "GPU-1": []}, jobs, 0.0, 2 * HOUR)
    assert found is not None
    assert found.total_kwh == pytest.approx(0.6)
    assert found.by_job == pytest.approx({1: 0.15, 2: 0.15})
    assert found.measured == pytest.approx(0.5)


def test_where_nobody_measured_nothing_is_charged():
    assert energy({"GPU-0": []}, [], 0.0, HOUR) is None
    found = energy({"GPU-0": [(0.0, 360.0)]}, [], 0.0, HOUR)
    assert found is not None
    assert found.total_kwh == pytest.approx(360 * 150 / 3.6e6)


@given(st.lists(st.floats(0, 7200), max_size=20, unique=True), st.floats(0, 500))
def test_no_more_is_charged_than_was_drawn(moments, watts):
    jobs = [job(1, attempt(1, 0, 1, "GPU-0")), job(2, attempt(1, 0.5, 2, "GPU-0"), owner="jonas")]
    found = energy({"GPU-0": [(at, watts) for at in sorted(moments)]}, jobs, 0.0, 2 * HOUR)
    assert found is None or sum(found.by_job.values()) <= found.total_kwh + 1e-9
