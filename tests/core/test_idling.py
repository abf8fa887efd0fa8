"""Why a card was idle, and what it drew for whom."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.core.jobs import HOUR, attempt, job
from yolotui.core.bookings import Booked, Booking, Ending, Over
from yolotui.core.energy import energy
from yolotui.core.idling import Deed, IdleCause, cause, circumstances
from yolotui.core.jobs import Job, Owner, Waiting
from yolotui.core.reporting import IdleGap

GAP = IdleGap(2 * HOUR, 4 * HOUR, 0)
LED = Deed(0.0, "lead")


def booking(starts: float, ends: float, status: Booked | Over) -> Booking:
    return Booking(
        id=1, owner=Owner("anna", 1), starts_at=starts * HOUR, ends_at=ends * HOUR, count=1, gpus=("GPU-0",),
        made_at=0.0, status=status,
    )  # fmt: skip


def why(jobs: list[Job], *deeds: Deed, bookings: tuple[Booking, ...] = ()) -> IdleCause:
    return cause(GAP, "GPU-0", circumstances([LED, *deeds], bookings, 10 * HOUR), jobs)


def test_a_card_that_was_taken_out_of_use_is_idle_for_that():
    waiting = [job(1)]
    assert why(waiting, Deed(HOUR, "drain", "GPU-0")) is IdleCause.DRAINED
    assert why(waiting, Deed(HOUR, "quarantine", "GPU-0"), Deed(5 * HOUR, "undrain", "GPU-0")) is IdleCause.DRAINED
    assert why(waiting, Deed(HOUR, "drain", "GPU-1")) is not IdleCause.DRAINED
    assert why(waiting, Deed(HOUR, "drain", "GPU-0"), Deed(2.5 * HOUR, "undrain", "GPU-0")) is not IdleCause.DRAINED


def test_a_booked_card_is_idle_for_its_booking_until_that_is_over():
    waiting = [job(1)]
    assert why(waiting, bookings=(booking(2, 4, Booked(0.0)),)) is IdleCause.BOOKED
    gone = booking(2, 4, Over(2.5 * HOUR, Ending.EXPIRED))
    assert why(waiting, bookings=(gone,)) is not IdleCause.BOOKED


def test_without_a_scheduler_nothing_starts_but_only_where_something_waited():
    left = Deed(HOUR, "leave")
    assert why([], left) is IdleCause.NOTHING_WAITED
    assert why([job(1)], left) is IdleCause.NO_SCHEDULER
    assert why([job(1)], left, Deed(2.2 * HOUR, "lead")) is not IdleCause.NO_SCHEDULER


def test_what_waited_says_for_what():
    running = job(1, attempt(1, 0, 9, "GPU-1"))
    behind = job(2)
    assert why([running, Job(**{f: getattr(behind, f) for f in behind.__struct_fields__} | {"after": (1,)})]) is (
        IdleCause.OTHER_JOBS
    )
    assert why([job(2, gpus=2)]) is IdleCause.MORE_CARDS
    assert why([job(2, vram_bytes=1 << 30)]) is IdleCause.MEMORY
    assert why([job(2, status=Waiting(0.0, 9 * HOUR))]) is IdleCause.HELD
    assert why([job(2, gpus=0)]) is IdleCause.NOTHING_WAITED
    assert why([job(2, submitted=3)]) is IdleCause.NOTHING_WAITED


def test_energy_is_charged_to_who_held_the_card():
    jobs = [job(1, attempt(1, 0, 1, "GPU-0")), job(2, attempt(1, 0, 1, "GPU-0"), owner="jonas", group="day")]
    draw = [(minute * 60.0, 300.0) for minute in range(120)]
    found = energy({"GPU-0": draw, "GPU-1": []}, jobs, 0.0, 2 * HOUR)
    assert found is not None
    assert found.total_kwh == pytest.approx(0.6)
    assert found.by_owner == pytest.approx({"maria": 0.15, "jonas": 0.15})
    assert found.by_group == pytest.approx({"night": 0.15, "day": 0.15})
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
    assert found is None or sum(found.by_owner.values()) <= found.total_kwh + 1e-9
