"""Booking on the timetable: made, moved and taken back with the keyboard, what it would do shown before."""

from __future__ import annotations

from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from tests.tui.believable import NOW, BelievableHome, h100
from tests.tui.showing import dashboard, settled, text_of, until
from yolotui.core.bookings import Booking, BookingRequest
from yolotui.store import Actor
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


async def booked_and_under_the_cursor(pilot: Pilot[Any], home: BelievableHome) -> TimetableScreen:
    """Book GPU 3 from 18:02 to 20:02 and go there."""
    window = BookingRequest(starts_at=NOW + 4 * HOUR_S, ends_at=NOW + 6 * HOUR_S, count=1, gpus=("GPU-3",))
    home.store.verbs.reserve(window, Actor.current())
    seen(home)
    screen = await on_the_timetable(pilot)
    await until(pilot, lambda: any(span.booking for span in screen._tracks["GPU-3"]))
    await pilot.press("down", "down", "down", "right_square_bracket")
    await told(pilot, "booking 1")
    return screen


@pytest.mark.presses("extend_booking", "transfer_booking")
async def test_a_booking_is_extended_and_handed_over(free: BelievableHome):
    async with dashboard(free).run_test(notifications=True, size=(120, 40)) as pilot:
        screen = await booked_and_under_the_cursor(pilot, free)
        await pilot.press("e")
        await told(pilot, "Let booking 1 end later, or sooner")
        pilot.app.screen.query_one(Input).value = "at dawn"
        await pilot.press("enter")
        await told(pilot, "'at dawn' is not a time")
        pilot.app.screen.query_one(Input).value = "22:30"
        await pilot.press("enter")
        await until(pilot, lambda: bookings(free)[0].ends_at == NOW + 8 * HOUR_S + 1680)
        await told(pilot, "Booking 1 ends 22:30.")
        seen(free)
        await until(pilot, lambda: pilot.app.screen is screen)
        await pilot.press("T")
        await told(pilot, "Make booking 1 of maria somebody else's")
        await pilot.press("enter")
        await told(pilot, "Say whose it is to be.")
        await pilot.press(*"root", "enter")
        await until(pilot, lambda: bookings(free)[0].owner.name == "root")


async def test_a_window_that_others_have_is_waited_for(free: BelievableHome):
    async with dashboard(free).run_test(notifications=True, size=(120, 40)) as pilot:
        await booked_and_under_the_cursor(pilot, free)
        await pilot.press("b")
        await write(pilot, "gpus", "4")
        await write(pilot, "from", "19:00")
        await told(pilot, "F2 waits for it.")
        await pilot.press("f2")
        await until(pilot, lambda: [booking.state for booking in bookings(free)] == ["booked", "waitlisted"])
        await told(pilot, "Booking 2 is on the waitlist")


@pytest.mark.parametrize(
    ("key", "words", "size"),
    [
        pytest.param("b", "on GPU", (80, 24), id="book-80x24"),
        pytest.param("b", "on GPU", (120, 40), id="book-120x40"),
        pytest.param("b", "on GPU", (200, 60), id="book-200x60"),
        pytest.param("e", "end later", (80, 24), id="extend-80x24"),
        pytest.param("T", "somebody else's", (80, 24), id="hand-over-80x24"),
    ],
)
def test_dialogs_look(free: BelievableHome, snap_compare: Any, key: str, words: str, size: tuple[int, int]):
    async def opened(pilot: Pilot[Any]) -> None:
        await booked_and_under_the_cursor(pilot, free)
        await pilot.press(key)
        await told(pilot, words)
        await pilot.pause()

    assert snap_compare(dashboard(free), terminal_size=size, run_before=opened)


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
