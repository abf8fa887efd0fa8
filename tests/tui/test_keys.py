"""Every action of the registry, over a real queue."""

from __future__ import annotations

from typing import Any

import pytest
from textual.pilot import Pilot

from tests.tui.believable import BelievableHome
from tests.tui.showing import cursor_row, dashboard, main_screen, selected, settled, table, text_of, until
from yolotui.core.jobs import Priority, Request, Running
from yolotui.tui.actions import ACTIONS, Place, at
from yolotui.tui.keymap import with_keys
from yolotui.tui.screens.help import HelpScreen
from yolotui.tui.screens.queue import QueueScreen

RUNNING, WAITING, FAILED, HELD = 1, 3, 4, 11
SCREENS = ("timetable", "events", "report", "add", "jobs_file")
"""Actions that open a screen of their own."""


async def select(pilot: Pilot[Any], job_id: int) -> None:
    """Put the cursor on a job."""
    jobs = table(pilot.app)
    jobs.move(jobs._rows[job_id] - cursor_row(pilot.app))
    await pilot.pause()
    assert jobs.cursor == job_id


def request_of(night: BelievableHome, job_id: int) -> Request | None:
    status = night.store.read.job(job_id).status
    assert isinstance(status, Running)
    return status.request


def state(night: BelievableHome, job_id: int) -> str:
    return night.store.read.job(job_id).state


async def test_a_key_of_the_configuration_takes_the_place_of_ours(night: BelievableHome):
    async with dashboard(night, actions=with_keys({"sort": "Z"})).run_test(notifications=True, size=(120, 40)) as pilot:
        await settled(pilot)
        await pilot.press("s")
        assert "newest first" not in text_of(pilot.app)
        await pilot.press("Z")
        assert "newest first" in text_of(pilot.app)


@pytest.mark.presses("raise_priority", "lower_priority")
async def test_priority(night: BelievableHome):
    async with dashboard(night).run_test(notifications=True, size=(80, 24)) as pilot:
        await settled(pilot)
        await select(pilot, WAITING)
        for key, expected in (("plus", Priority.P1), ("minus", Priority.P2), ("minus", Priority.P3)):
            await pilot.press(key)
            await until(pilot, lambda: night.store.read.job(WAITING).priority is expected)  # noqa: B023 — awaited here
            await until(pilot, lambda: selected(pilot.app).priority is expected)  # noqa: B023
        assert table(pilot.app).cursor == WAITING


async def test_two_quick_presses_are_two_steps(night: BelievableHome):
    async with dashboard(night).run_test(notifications=True, size=(80, 24)) as pilot:
        await settled(pilot)
        await select(pilot, WAITING)
        await pilot.press("plus", "plus", "plus")
        await until(pilot, lambda: night.store.read.job(WAITING).priority is Priority.P0)


@pytest.mark.presses("pause")
async def test_pause_and_resume(night: BelievableHome):
    async with dashboard(night).run_test(notifications=True, size=(80, 24)) as pilot:
        await settled(pilot)
        await pilot.press("p")
        await until(pilot, lambda: "pausing" in text_of(pilot.app))
        assert state(night, RUNNING) == "pausing"


@pytest.mark.presses("hold")
async def test_hold_and_release(night: BelievableHome):
    async with dashboard(night).run_test(notifications=True, size=(80, 24)) as pilot:
        await settled(pilot)
        await select(pilot, WAITING)
        await pilot.press("H")
        await until(pilot, lambda: state(night, WAITING) == "held")
        await until(pilot, lambda: selected(pilot.app).state == "held")
        await pilot.press("H")
        await until(pilot, lambda: state(night, WAITING) == "waiting")


@pytest.mark.presses("retry")
async def test_retry(night: BelievableHome):
    async with dashboard(night).run_test(notifications=True, size=(80, 24)) as pilot:
        await settled(pilot)
        await select(pilot, FAILED)
        await pilot.press("R")
        await until(pilot, lambda: state(night, FAILED) == "waiting")
        assert state(night, 25) == "waiting"


@pytest.mark.presses("checkpoint")
async def test_checkpoint(night: BelievableHome):
    async with dashboard(night).run_test(notifications=True, size=(80, 24)) as pilot:
        await settled(pilot)
        await pilot.press("c")
        await until(pilot, lambda: request_of(night, RUNNING) is Request.CHECKPOINT)


@pytest.mark.presses("finish")
async def test_finish_asks_first(night: BelievableHome):
    async with dashboard(night).run_test(notifications=True, size=(80, 24)) as pilot:
        await settled(pilot)
        await pilot.press("f", "enter")
        assert request_of(night, RUNNING) is None
        await pilot.press("f")
        await pilot.press("y")
        await until(pilot, lambda: request_of(night, RUNNING) is Request.FINISH)


async def test_a_verb_that_fits_no_chosen_job_is_refused_with_a_sentence(night: BelievableHome):
    async with dashboard(night).run_test(notifications=True, size=(120, 40)) as pilot:
        await settled(pilot)
        await select(pilot, FAILED)
        await pilot.press("p")
        await until(pilot, lambda: "No job is chosen that runs or is paused." in text_of(pilot.app))


@pytest.mark.presses("mark")
async def test_marks_are_what_a_verb_is_for(night: BelievableHome):
    async with dashboard(night).run_test(notifications=True, size=(120, 40)) as pilot:
        await settled(pilot)
        await select(pilot, 7)
        await pilot.press("space", "space")
        assert "2 marked" in text_of(pilot.app)
        assert table(pilot.app).chosen == [7, 8]
        await pilot.press("H")
        await until(pilot, lambda: (state(night, 7), state(night, 8), state(night, 9)) == ("held", "held", "waiting"))
        await until(pilot, lambda: not table(pilot.app).marked)


@pytest.mark.presses("filter", "back")
async def test_filter_narrows_while_written_and_esc_shows_all(night: BelievableHome):
    async with dashboard(night).run_test(notifications=True, size=(120, 40)) as pilot:
        await settled(pilot)
        await pilot.press("slash", *"tune q")
        assert "No job matches" in text_of(pilot.app)
        await pilot.press("backspace", "backspace")
        assert len(table(pilot.app)._ids) == 3
        await pilot.press("enter", "down")
        assert selected(pilot.app).name == "tune-lr-0.02"
        assert "/tune" in text_of(pilot.app)
        await pilot.press("escape")
        assert len(table(pilot.app)._ids) == 25
        assert selected(pilot.app).name == "tune-lr-0.02"


@pytest.mark.presses("sort")
async def test_sort_goes_round(night: BelievableHome):
    async with dashboard(night).run_test(notifications=True, size=(120, 40)) as pilot:
        await settled(pilot)
        await pilot.press("s")
        assert table(pilot.app)._ids[:2] == [25, 24]
        assert "newest first" in text_of(pilot.app)
        await pilot.press("s", "s", "s")
        assert "best metric" in text_of(pilot.app)
        await pilot.press("s")
        assert table(pilot.app)._ids[0] == RUNNING


@pytest.mark.presses("zoom")
async def test_zoom_and_back(night: BelievableHome):
    async with dashboard(night).run_test(notifications=True, size=(80, 24)) as pilot:
        await settled(pilot)
        assert "P / R" not in text_of(pilot.app)
        await pilot.press("z")
        assert "coco-x" not in text_of(pilot.app)
        assert "speed" in text_of(pilot.app)
        await pilot.press("down")
        await until(pilot, lambda: "#2 night-s" in text_of(pilot.app))
        await pilot.press("escape")
        assert "coco-x" in text_of(pilot.app)


@pytest.mark.presses("log")
async def test_the_log_comes_and_goes(night: BelievableHome):
    async with dashboard(night).run_test(notifications=True, size=(120, 40)) as pilot:
        await settled(pilot)
        assert "console.log" not in text_of(pilot.app)
        await pilot.press("l")
        assert "console.log" in text_of(pilot.app)
        assert "37/100      11.2G" in text_of(pilot.app)
        await pilot.press("l")
        assert "console.log" not in text_of(pilot.app)


@pytest.mark.presses("copy")
async def test_copying_the_directory(night: BelievableHome):
    async with dashboard(night).run_test(notifications=True, size=(120, 40)) as pilot:
        await settled(pilot)
        await pilot.press("y")
        assert pilot.app.clipboard == night.store.read.job(RUNNING).run_dir


@pytest.mark.presses("help")
async def test_help_names_every_key(night: BelievableHome):
    async with dashboard(night).run_test(notifications=True, size=(120, 160)) as pilot:
        await settled(pilot)
        await pilot.press("question_mark")
        assert isinstance(pilot.app.screen, HelpScreen)
        shown = text_of(pilot.app)
        assert all(action.help in shown for action in ACTIONS)
        await pilot.press("escape")
        assert isinstance(pilot.app.screen, QueueScreen)


@pytest.mark.presses("palette")
async def test_the_palette_does_what_the_keys_do(night: BelievableHome):
    async with dashboard(night).run_test(notifications=True, size=(120, 40)) as pilot:
        await settled(pilot)
        await pilot.press("colon", *"sort")
        await until(pilot, lambda: "Sort (s)" in text_of(pilot.app))
        await pilot.press("enter")
        await until(pilot, lambda: "newest first" in text_of(pilot.app))


@pytest.mark.presses("start_scheduler")
async def test_starting_a_scheduler(night: BelievableHome):
    async with dashboard(night).run_test(notifications=True, size=(120, 40)) as pilot:
        await settled(pilot)
        await pilot.press("S")
        await until(pilot, lambda: "A scheduler runs already." in text_of(pilot.app))


@pytest.mark.presses("quit")
async def test_quit(night: BelievableHome):
    async with dashboard(night).run_test(notifications=True, size=(80, 24)) as pilot:
        await settled(pilot)
        await pilot.press("q")
        assert pilot.app.return_code == 0
    assert state(night, RUNNING) == "running"


async def test_what_was_asked_for_just_before_leaving_is_done(night: BelievableHome):
    async with dashboard(night).run_test(notifications=True, size=(80, 24)) as pilot:
        await settled(pilot)
        await select(pilot, WAITING)
        await pilot.press("plus", "q")
    assert night.store.read.job(WAITING).priority is Priority.P1


async def test_a_read_only_dashboard_changes_nothing(night: BelievableHome):
    async with dashboard(night, readonly=True).run_test(notifications=True, size=(120, 40)) as pilot:
        await settled(pilot)
        before = night.store.read.revision()
        for action in at(Place.QUEUE):
            if action.changes:
                pilot.app.clear_notifications()
                await until(pilot, lambda: "a read-only dashboard" not in text_of(pilot.app))
                await pilot.press(action.keys[0])
                await until(pilot, lambda: "a read-only dashboard" in text_of(pilot.app))
                assert isinstance(pilot.app.screen, QueueScreen)
        assert night.store.read.revision() == before
        assert " read-only " in text_of(pilot.app).splitlines()[-2]


async def test_a_first_click_on_nothing_is_nothing(empty: BelievableHome):
    async with dashboard(empty).run_test(notifications=True, size=(80, 24)) as pilot:
        await settled(pilot)
        for action in at(Place.QUEUE):
            if action.name not in {"quit", "start_scheduler", "palette", "help", "filter", *SCREENS}:
                await pilot.press(action.keys[0])
        assert "The queue is empty." in text_of(pilot.app)
        assert main_screen(pilot.app).table.cursor is None
