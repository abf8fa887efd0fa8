"""The timetable: how it looks, and every key of it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import msgspec
import pytest
from textual.pilot import Pilot

from tests.tui.believable import NOW, BelievableHome
from tests.tui.showing import dashboard, main_screen, settled, table, text_of, until
from yolotui.core.bookings import Booked, Booking, Open
from yolotui.core.jobs import Owner
from yolotui.tui.owners import ColourBy
from yolotui.tui.panels.timetable import legend_row
from yolotui.tui.screens.timetable import TimetableScreen
from yolotui.tui.window import Window

SIZES = [pytest.param(size, id=f"{size[0]}x{size[1]}") for size in ((80, 24), (120, 40), (200, 60))]
RUNNING, PAST, WAITING = "night-n", "sweep-12", "tune-lr-0.05"


@pytest.fixture
def planned(night: BelievableHome) -> BelievableHome:
    """A night whose forecasts have intervals, with two bookings: what no change of the plan can move."""
    night.entries = [
        msgspec.structs.replace(
            entry,
            finish_low_at=entry.finish_at - 0.2 * (entry.finish_at - NOW),
            finish_high_at=entry.finish_at + 0.3 * (entry.finish_at - NOW),
        )
        for entry in night.entries
        if entry.finish_at
    ]
    jonas, maria = Owner("jonas", 1000), Owner("maria", 1000)
    hour = 3600.0
    night.publish(
        bookings=(
            Booking(id=1, owner=jonas, starts_at=NOW + hour, ends_at=NOW + 5 * hour, count=2, gpus=("GPU-2", "GPU-3"),
                    note="demo for the customer", made_at=NOW, status=Booked(NOW)),
            Booking(id=2, owner=maria, starts_at=NOW - hour, ends_at=NOW + hour, count=1, gpus=("GPU-0",), made_at=NOW,
                    job_id=1, status=Open(NOW - hour, NOW - hour)),
        )
    )  # fmt: skip
    return night


def opened(*keys: str) -> Any:
    """Wait until all is read, open the timetable, press more."""

    async def run_before(pilot: Pilot[Any]) -> None:
        await open_timetable(pilot)
        await pilot.press(*keys)
        await pilot.pause()

    return run_before


async def open_timetable(pilot: Pilot[Any]) -> TimetableScreen:
    await settled(pilot)
    await pilot.press("t")
    await until(pilot, lambda: isinstance(pilot.app.screen, TimetableScreen) and "by owner" in text_of(pilot.app))
    screen = pilot.app.screen
    assert isinstance(screen, TimetableScreen)
    return screen


async def find(pilot: Pilot[Any], name: str) -> None:
    await pilot.press("slash", *name, "enter")
    await until(pilot, lambda: name in details(pilot))


def details(pilot: Pilot[Any]) -> str:
    """What is told of the place under the cursor."""
    lines = pilot.app.screen.query_one("#details").region
    return "\n".join(text_of(pilot.app).splitlines()[lines.y : lines.bottom])


def window(screen: TimetableScreen) -> Window:
    assert screen._window is not None
    return screen._window


@pytest.mark.parametrize("size", SIZES)
def test_looks(planned: BelievableHome, snap_compare: Any, size: tuple[int, int]):
    assert snap_compare(dashboard(planned), terminal_size=size, run_before=opened())


def test_looks_without_colour(planned: BelievableHome, snap_compare: Any, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("NO_COLOR", "1")
    assert snap_compare(dashboard(planned), terminal_size=(120, 40), run_before=opened())


def test_looks_in_ascii(planned: BelievableHome, snap_compare: Any):
    assert snap_compare(dashboard(planned, ascii_only=True), terminal_size=(120, 40), run_before=opened())


async def test_the_legend_tells_every_pattern_however_small_the_terminal(planned: BelievableHome):
    async with dashboard(planned).run_test(size=(80, 24)) as pilot:
        screen = await open_timetable(pilot)
        view = screen._view()
        ghosts = {"GPU-0": next(iter(view.tracks.values()))}
        said = "".join(segment.text for segment in legend_row(replace(view, ghosts=ghosts), 80))
        assert len(said) <= 80
        assert all(word in said for word in ("was", "runs", "forecast", "booked", "what if", "jonas"))


async def test_a_booking_under_the_cursor_is_told(planned: BelievableHome):
    async with dashboard(planned).run_test(size=(120, 40)) as pilot:
        await open_timetable(pilot)
        await pilot.press(*["down"] * 3, "right_square_bracket")
        assert "booking 1" in details(pilot)
        assert "15:02 to 19:02, 4h" in details(pilot)
        assert "demo for the customer" in details(pilot)


def test_looks_when_there_is_nothing(empty: BelievableHome, snap_compare: Any):
    async def run_before(pilot: Pilot[Any]) -> None:
        await settled(pilot)
        await pilot.press("t")
        await until(pilot, lambda: "No timetable yet" in text_of(pilot.app))

    assert snap_compare(dashboard(empty), terminal_size=(80, 24), run_before=run_before)


@pytest.mark.presses("timetable", "leave_timetable")
async def test_it_begins_on_the_job_of_the_queue_and_goes_back(planned: BelievableHome):
    async with dashboard(planned).run_test(size=(120, 40)) as pilot:
        await open_timetable(pilot)
        assert RUNNING in details(pilot)
        assert "maria" in details(pilot)
        await pilot.press("escape")
        await until(pilot, lambda: pilot.app.screen is main_screen(pilot.app))


@pytest.mark.presses("find_job", "show_job")
async def test_to_a_job_and_from_there_to_the_queue(planned: BelievableHome):
    async with dashboard(planned).run_test(size=(120, 40)) as pilot:
        await open_timetable(pilot)
        await find(pilot, WAITING)
        assert "starts" in details(pilot)
        assert "Waits for a GPU" in details(pilot)
        await pilot.press("enter")
        await until(pilot, lambda: pilot.app.screen is main_screen(pilot.app))
        job = table(pilot.app).job
        assert job is not None
        assert job.name == WAITING


async def test_a_search_for_nothing_says_so_and_escape_leaves_it(planned: BelievableHome):
    async with dashboard(planned).run_test(notifications=True, size=(120, 40)) as pilot:
        screen = await open_timetable(pilot)
        await pilot.press("slash", *"nowhere", "enter")
        await until(pilot, lambda: "No job on these tracks" in text_of(pilot.app))
        await pilot.press("slash", "escape")
        assert pilot.app.screen is screen


@pytest.mark.presses("previous_span", "next_span", "to_now")
async def test_along_a_track(planned: BelievableHome):
    async with dashboard(planned).run_test(size=(120, 40)) as pilot:
        screen = await open_timetable(pilot)
        await pilot.press("down", "left_square_bracket")
        assert PAST in details(pilot)
        await pilot.press("right_square_bracket")
        assert "night-s" in details(pilot)
        await pilot.press("right_square_bracket", "right_square_bracket", "n")
        assert screen.cursor_at == planned.clock()


@pytest.mark.presses("track_above", "track_below")
async def test_over_the_tracks_up_to_the_ends(planned: BelievableHome):
    async with dashboard(planned).run_test(size=(120, 40)) as pilot:
        await open_timetable(pilot)
        await pilot.press("k", "k", "k", "k")
        assert "#1 night-n" in details(pilot)
        await pilot.press("down")
        assert "#2 night-s" in details(pilot)


@pytest.mark.presses("earlier", "later", "earlier_page", "later_page")
async def test_in_time_and_the_window_follows(planned: BelievableHome):
    async with dashboard(planned).run_test(size=(120, 40)) as pilot:
        screen = await open_timetable(pilot)
        before = screen.cursor_at
        await pilot.press("h")
        assert screen.cursor_at == before - window(screen).cell_s
        await pilot.press("l")
        assert screen.cursor_at == before
        start = window(screen).starts_at
        await pilot.press("pageup")
        assert window(screen).starts_at < start
        assert window(screen).starts_at <= screen.cursor_at < window(screen).ends_at
        await pilot.press("pagedown")
        assert window(screen).starts_at == pytest.approx(start)


@pytest.mark.presses("finer", "coarser")
async def test_zoom(planned: BelievableHome):
    async with dashboard(planned).run_test(size=(120, 40)) as pilot:
        screen = await open_timetable(pilot)
        cell_s = window(screen).cell_s
        await pilot.press("minus")
        assert window(screen).cell_s > cell_s
        await pilot.press("plus")
        assert window(screen).cell_s == cell_s


@pytest.mark.presses("colour_by")
async def test_colours_by_group(planned: BelievableHome):
    async with dashboard(planned).run_test(size=(120, 40)) as pilot:
        screen = await open_timetable(pilot)
        await pilot.press("o")
        assert screen._by is ColourBy.GROUP
        assert "by group" in text_of(pilot.app)
        assert "n night" in text_of(pilot.app).splitlines()[-2]


async def test_a_moment_without_a_job_tells_since_when_and_until_when(planned: BelievableHome):
    async with dashboard(planned).run_test(size=(120, 40)) as pilot:
        await open_timetable(pilot)
        await pilot.press(*["pagedown"] * 3)
        assert "is free since" in details(pilot)
        assert "nothing planned after it" in details(pilot)


async def test_what_lies_under_the_cursor_can_be_killed(planned: BelievableHome):
    async with dashboard(planned).run_test(notifications=True, size=(120, 40)) as pilot:
        await open_timetable(pilot)
        await pilot.press("x")
        await until(pilot, lambda: f"{RUNNING}?" in text_of(pilot.app))
        await pilot.press("y")
        await until(pilot, lambda: planned.store.read.job(1).state == "stopping")
