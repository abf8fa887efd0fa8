"""Booking on the timetable: made, moved and taken back with the keyboard, what it would do shown before."""

from __future__ import annotations

from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from tests.tui.believable import NOW, BelievableHome, h100
from tests.tui.showing import dashboard, settled, text_of, until
from yolotui.core.bookings import Booking
from yolotui.tui.screens.timetable import TimetableScreen

HOUR_S = 3600.0


@pytest.fixture
def free(night: BelievableHome) -> BelievableHome:
    """A night with four good cards."""
    night.publish(gpus=[h100(index, 10.0, 20) for index in range(4)])
    return night


async def on_the_timetable(pilot: Pilot[Any]) -> TimetableScreen:
    await settled(pilot)
    await pilot.press("t")
    await until(pilot, lambda: "by owner" in text_of(pilot.app))
    assert isinstance(pilot.app.screen, TimetableScreen)
    return pilot.app.screen


async def write(pilot: Pilot[Any], key: str, text: str) -> None:
    pilot.app.screen.query_one(f"#booking-{key}", Input).value = text
    await pilot.pause()


async def told(pilot: Pilot[Any], text: str) -> None:
    await until(pilot, lambda: text in text_of(pilot.app))


def bookings(home: BelievableHome) -> list[Booking]:
    return home.store.read.bookings()


def seen(home: BelievableHome) -> None:
    """A leader publishes what was booked."""
    home.publish(gpus=[h100(index, 10.0, 20) for index in range(4)], bookings=tuple(bookings(home)))


@pytest.mark.presses("book")
async def test_a_window_is_shown_as_a_ghost_before_it_is_booked(free: BelievableHome):
    async with dashboard(free).run_test(notifications=True, size=(120, 40)) as pilot:
        screen = await on_the_timetable(pilot)
        await pilot.press("b")
        await told(pilot, "Book GPUs")
        await told(pilot, "on GPU")
        await write(pilot, "from", "20:00")
        await write(pilot, "for", "3h")
        await write(pilot, "gpus", "2,3")
        await write(pilot, "note", "customer")
        await told(pilot, "20:00 to 23:00, on GPU 2, 3.")
        assert {ghost.gpu for ghost in screen._ghosts} == {"GPU-2", "GPU-3"}
        await told(pilot, "┄")
        assert bookings(free) == []
        await pilot.press("enter")
        await until(pilot, lambda: bookings(free))
        (booked,) = bookings(free)
        assert (booked.starts_at, booked.ends_at) == (NOW + 5 * HOUR_S + 3480, NOW + 8 * HOUR_S + 3480)
        assert (booked.gpus, booked.note, booked.owner.name) == (("GPU-2", "GPU-3"), "customer", "maria")
        await until(pilot, lambda: not screen._ghosts)


async def test_who_is_in_the_way_and_what_is_free_is_said_and_nothing_is_booked(free: BelievableHome):
    async with dashboard(free).run_test(notifications=True, size=(120, 40)) as pilot:
        await on_the_timetable(pilot)
        for _ in range(2):
            await pilot.press("b")
            await write(pilot, "from", "20:00")
            await write(pilot, "gpus", "4")
            await until(pilot, lambda: "20:00 to 22:00, on GPU" in text_of(pilot.app) or "maria" in told_of(pilot))
            await pilot.press("enter")
            await until(pilot, lambda: len(bookings(free)) == 1)
            await pilot.pause()
        await told(pilot, "Book GPUs")
        assert "ree" in told_of(pilot)  # "free instead", "Free from"
        await write(pilot, "from", "when pigs fly")
        await told(pilot, "when pigs fly")
        await pilot.press("enter", "escape")
        assert len(bookings(free)) == 1


def told_of(pilot: Pilot[Any]) -> str:
    found = pilot.app.screen.query("#booking-told")
    region = found.first().region if found else None
    return "\n".join(text_of(pilot.app).splitlines()[region.y : region.bottom]) if region else ""


@pytest.mark.presses("move_booking", "unbook")
async def test_a_booking_is_moved_and_taken_back(free: BelievableHome):
    async with dashboard(free).run_test(notifications=True, size=(120, 40)) as pilot:
        screen = await on_the_timetable(pilot)
        await pilot.press("m")
        await told(pilot, "No booking is under the cursor")
        await pilot.press("b")
        await write(pilot, "gpus", "3,2")
        await told(pilot, "on GPU 2, 3.")
        await pilot.press("enter")
        await until(pilot, lambda: bookings(free))
        seen(free)
        await until(pilot, lambda: any(span.booking for span in screen._tracks["GPU-3"]))
        await pilot.press("down", "down", "down", "right_square_bracket")
        await told(pilot, "booking 1")
        await pilot.press("m")
        await told(pilot, "Move booking 1")
        await write(pilot, "from", "21:00")
        await told(pilot, "21:00 to 23:00")
        await pilot.press("enter")
        await until(pilot, lambda: bookings(free)[0].starts_at == NOW + 6 * HOUR_S + 3480)
        seen(free)
        await until(pilot, lambda: isinstance(pilot.app.screen, TimetableScreen))
        await until(pilot, lambda: screen._tracks["GPU-3"][0].starts_at == NOW + 6 * HOUR_S + 3480)
        await pilot.press("n", "right_square_bracket")
        await told(pilot, "21:00 to 23:00")
        await pilot.press("d")
        await told(pilot, "Take booking 1 back?")
        await pilot.press("y")
        await until(pilot, lambda: not bookings(free))
