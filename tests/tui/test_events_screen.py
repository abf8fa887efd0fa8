"""What has happened: read page by page, searched, told as it comes."""

from __future__ import annotations

import sqlite3
from functools import partial
from typing import Any

import pytest
from textual.pilot import Pilot

from tests.tui.believable import NOW, BelievableHome
from tests.tui.showing import dashboard, settled, text_of, until
from yolotui.core.jobs import Priority
from yolotui.errors import QueueOutOfReach
from yolotui.queue import Queue
from yolotui.store import Actor
from yolotui.tui.screens.events import PAGE_ROWS, EventsScreen
from yolotui.tui.screens.run import RunScreen

SIZES = [(80, 24), (120, 40), (200, 60)]


async def opened(pilot: Pilot[Any]) -> EventsScreen:
    """Open the events; wait until a page has been read."""
    await settled(pilot)
    await pilot.press("E")
    await until(pilot, lambda: isinstance(pilot.app.screen, EventsScreen))
    screen = pilot.app.screen
    assert isinstance(screen, EventsScreen)
    await until(pilot, lambda: screen._events or screen._all_read)
    await pilot.pause()
    return screen


def has_read(screen: EventsScreen, count: int) -> bool:
    return len(screen._events) >= count


async def showing(pilot: Pilot[Any]) -> None:
    await opened(pilot)


@pytest.mark.parametrize("size", SIZES, ids=["80x24", "120x40", "200x60"])
def test_looks(night: BelievableHome, snap_compare: Any, size: tuple[int, int]):
    night.store.verbs.set_priority([3], Priority.P0, Actor("jonas", 1000, "a customer waits"))
    assert snap_compare(dashboard(night), terminal_size=size, run_before=showing)


def test_looks_when_nothing_has_happened(empty: BelievableHome, snap_compare: Any):
    assert snap_compare(dashboard(empty), terminal_size=(80, 24), run_before=showing)


def test_looks_in_ascii(night: BelievableHome, snap_compare: Any):
    assert snap_compare(dashboard(night, ascii_only=True), terminal_size=(120, 40), run_before=showing)


def test_looks_without_colour(night: BelievableHome, snap_compare: Any, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("NO_COLOR", "1")
    assert snap_compare(dashboard(night), terminal_size=(120, 40), run_before=showing)


@pytest.mark.presses("events", "search", "back")
async def test_searching_finds_who_what_job_and_why(night: BelievableHome):
    night.store.verbs.set_priority([3], Priority.P0, Actor("jonas", 1000, "a customer waits"))
    async with dashboard(night).run_test(size=(120, 40)) as pilot:
        screen = await opened(pilot)
        await pilot.press("slash", *"Customer coco", "enter")
        await until(pilot, lambda: len(screen._events) == 1)
        assert "a customer waits" in text_of(pilot.app)
        assert "needs attention" not in text_of(pilot.app)
        await pilot.press("slash", *"xyz")
        await until(pilot, lambda: "No event has" in text_of(pilot.app))
        await pilot.press("escape")
        await until(pilot, lambda: len(screen._events) > 50)
        assert "needs attention  failed: #4 crops-m" in text_of(pilot.app)


async def test_what_happens_now_comes_on_top_and_the_cursor_stays_on_its_event(night: BelievableHome):
    async with dashboard(night).run_test(size=(120, 40)) as pilot:
        screen = await opened(pilot)
        await pilot.press(*["down"] * 6)
        place, above = screen.list.cursor, len(screen._notices)
        event = screen._events[place - above]
        night.store.verbs.hold([3], Actor("maria", 1000, "no hurry"))
        await until(pilot, lambda: "no hurry" in text_of(pilot.app))
        assert screen._events[screen.list.cursor - above] == event
        assert screen.list.cursor == place + 1


@pytest.mark.presses("last", "page_down", "up")
async def test_older_pages_are_read_when_they_are_wanted(night: BelievableHome):
    with sqlite3.connect(night.home.queue) as connection:
        rows = [(NOW - n, "robot", 1, "probe", 1, "{}", f"number {n}") for n in range(1000)]
        connection.executemany(
            "INSERT INTO audit (at, actor, uid, verb, job, detail, reason) VALUES (?, ?, ?, ?, ?, ?, ?)", rows
        )
    connection.close()
    async with dashboard(night).run_test(size=(80, 24)) as pilot:
        screen = await opened(pilot)
        assert len(screen._events) == PAGE_ROWS
        for pages in range(2, 6):
            await pilot.press("end")
            await until(pilot, partial(has_read, screen, PAGE_ROWS * pages))
        await pilot.press("end", "up", "pagedown")
        ids = [event.id for event in screen._events]
        assert ids == sorted(ids, reverse=True)
        assert len(set(ids)) == len(ids)


@pytest.mark.presses("open_run")
async def test_an_event_opens_its_run(night: BelievableHome):
    async with dashboard(night).run_test(size=(120, 40)) as pilot:
        screen = await opened(pilot)
        await pilot.press("enter")
        assert pilot.app.screen is screen
        await pilot.press("slash", *"run night-s", "enter")
        await until(pilot, lambda: screen.chosen and screen.chosen[0].id == 2)
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, RunScreen))
        await until(pilot, lambda: "#2 night-s" in text_of(pilot.app))


async def test_a_queue_that_can_not_be_read_is_said(night: BelievableHome, monkeypatch: pytest.MonkeyPatch):
    def refused(*_: Any, **__: Any) -> Any:
        raise QueueOutOfReach("the queue is busy")

    monkeypatch.setattr(Queue, "events", refused)
    async with dashboard(night).run_test(size=(120, 40)) as pilot:
        await settled(pilot)
        await pilot.press("E")
        await until(pilot, lambda: "the queue is busy" in text_of(pilot.app))
