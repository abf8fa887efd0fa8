"""Ending jobs: what the dialog names, what it defaults to, and that it means what it has named."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from textual.app import App

from tests.tui.believable import NOW, BelievableHome, many_jobs
from tests.tui.showing import dashboard, main_screen, settled, table, text_of, until
from yolotui.core.jobs import Cancelled, Outcome, Priority, Succeeded
from yolotui.errors import NotPossible
from yolotui.queue import Queue
from yolotui.store import Actor
from yolotui.tui import deeds
from yolotui.tui.screens.confirm import ConfirmDialog, kill_dialog
from yolotui.tui.screens.queue import QueueScreen


def state(night: BelievableHome, job_id: int) -> str:
    return night.store.read.job(job_id).state


@pytest.mark.presses("kill")
async def test_the_dialog_names_job_run_time_epochs_and_loss(night: BelievableHome):
    async with dashboard(night).run_test(notifications=True, size=(80, 24)) as pilot:
        await settled(pilot)
        await pilot.press("x")
        shown = text_of(pilot.app)
        assert "Kill #1 night-n?" in shown
        assert "running, ran 1h12m, 37 of 100 epochs" in shown
        assert "Loses at most 3m, 1.6 epochs: what came after its last checkpoint." in shown


async def test_cancel_is_the_default_and_the_opening_key_does_not_confirm(night: BelievableHome):
    async with dashboard(night).run_test(notifications=True, size=(80, 24)) as pilot:
        await settled(pilot)
        for leave in ("enter", "escape", "n"):
            await pilot.press("x")
            assert pilot.app.screen.query_one("#cancel").has_focus
            await pilot.press("x", "x")
            assert "Kill #1 night-n?" in text_of(pilot.app)
            await pilot.press(leave)
            assert isinstance(pilot.app.screen, QueueScreen)
        await pilot.press("x", "right", "left", "enter")
        await settled(pilot)
        assert state(night, 1) == "running"


async def test_yes_kills_what_was_named_although_everything_moved_meanwhile(night: BelievableHome):
    async with dashboard(night).run_test(notifications=True, size=(80, 24)) as pilot:
        await settled(pilot)
        await pilot.press("down", "x")
        assert "#2 night-s" in text_of(pilot.app)
        (urgent,) = night.submit("urgent", priority=Priority.P0)
        night.end(1, Succeeded(NOW), hours_ago=0, outcome=Outcome.SUCCEEDED)
        night.start(urgent, gpus=("GPU-0",))
        await until(pilot, lambda: table(pilot.app)._ids[0] == urgent)
        await pilot.press("y")
        await until(pilot, lambda: state(night, 2) == "stopping")
        assert state(night, urgent) == "running"
        await until(pilot, lambda: "ago, asked by maria" in text_of(pilot.app))
        assert "▼ stopping" in text_of(pilot.app)


async def test_marked_jobs_are_killed_or_cancelled_as_their_state_asks_for(night: BelievableHome):
    async with dashboard(night).run_test(notifications=True, size=(120, 40)) as pilot:
        await settled(pilot)
        await pilot.press("space", "down", "down", "space", "x")
        assert "Kill these 2 jobs?" in text_of(pilot.app)
        await pilot.press("right", "enter")
        await until(pilot, lambda: (state(night, 1), state(night, 3)) == ("stopping", "cancelled"))


async def test_a_waiting_job_that_has_started_meanwhile_is_not_killed_by_surprise(night: BelievableHome):
    async with dashboard(night, confirm="always").run_test(notifications=True, size=(120, 40)) as pilot:
        await settled(pilot)
        await pilot.press("down", "down", "down", "x")
        assert "no work is lost" in text_of(pilot.app)
        night.start(3, gpus=("GPU-9",))
        await pilot.press("y")
        await until(pilot, lambda: "can't cancel it" in text_of(pilot.app))
        assert state(night, 3) == "running"


async def test_an_ended_job_opens_no_dialog(night: BelievableHome):
    async with dashboard(night).run_test(notifications=True, size=(80, 24)) as pilot:
        await settled(pilot)
        await pilot.press("end", "x")
        assert isinstance(pilot.app.screen, QueueScreen)


async def test_several_jobs_lose_so_much_in_all(night: BelievableHome):
    async with dashboard(night).run_test(notifications=True, size=(80, 24)) as pilot:
        await settled(pilot)
        await pilot.press("space", "space", "x")
        assert "In all at most 4m of 1h42m that they ran." in text_of(pilot.app)


async def test_a_hundred_jobs_are_named_as_far_as_anybody_reads(tmp_path: Path):
    crowd = many_jobs(tmp_path / "home", 1000)
    async with dashboard(crowd).run_test(notifications=True, size=(120, 40)) as pilot:
        await settled(pilot)
        await pilot.press("slash", *"waiting", "enter", "v", "end", "x")
        dialog = pilot.app.screen
        assert isinstance(dialog, ConfirmDialog)
        assert "Cancel these 92 jobs?" in text_of(pilot.app)
        lines = [str(line) for line in dialog._lines]
        assert "and 42 more: 42 waiting" in lines
    crowd.store.close()


@pytest.mark.parametrize(
    ("confirm", "asks_to_kill", "asks_to_cancel"),
    [("always", True, True), ("marked", True, False), ("never", False, False)],
)
async def test_what_asks_is_a_setting(night: BelievableHome, confirm: Any, asks_to_kill: bool, asks_to_cancel: bool):
    async with dashboard(night, confirm=confirm).run_test(notifications=True, size=(80, 24)) as pilot:
        await settled(pilot)
        await pilot.press("x")
        assert isinstance(pilot.app.screen, ConfirmDialog) is asks_to_kill
        if asks_to_kill:
            await pilot.press("y")
        await until(pilot, lambda: state(night, 1) == "stopping")
        await pilot.press("down", "down", "down")
        await pilot.press("x")
        assert isinstance(pilot.app.screen, ConfirmDialog) is asks_to_cancel
        if asks_to_cancel:
            await pilot.press("y")
        await until(pilot, lambda: state(night, 3) == "cancelled")


async def test_term_the_wait_and_kill_are_told_as_they_happen(night: BelievableHome):
    async with dashboard(night).run_test(notifications=True, size=(120, 40)) as pilot:
        await settled(pilot)
        night.store.verbs.kill([1], Actor("maria", os.getuid()))
        for waited, kill in (
            (0, "KILL in 30s"),
            (12, "KILL in 18s to what is left."),
            (31, "KILL to all that is left"),
        ):
            night.clock.at = NOW + waited
            main_screen(pilot.app)._tick()
            told = f"TERM {waited}s ago, asked by maria; {kill}"
            await until(pilot, lambda: told in flat(pilot.app))  # noqa: B023 — awaited here
        night.end(1, Cancelled(NOW + 32, "maria"), hours_ago=0, outcome=Outcome.STOPPED, exit_code=None, signal=9,
                  explanation="ended with KILL: it did not leave within 30 s")  # fmt: skip
        await until(pilot, lambda: "ended with KILL" in flat(pilot.app))


def flat(app: App[Any]) -> str:
    """What is on the right-hand side of the screen, without its line breaks."""
    return " ".join(" ".join(line[70:].split()) for line in text_of(app).splitlines())


async def test_a_dialog_of_a_read_only_dashboard_does_nothing(night: BelievableHome):
    """Even if a dialog were open when there is nothing to decide: the answer is guarded, too."""
    async with dashboard(night, readonly=True).run_test(notifications=True, size=(80, 24)) as pilot:
        await settled(pilot)
        screen = main_screen(pilot.app)
        screen._ask(kill_dialog([night.store.read.job(1)], [], NOW), deeds.end([1], []))
        await pilot.press("y")
        await until(pilot, lambda: "a read-only dashboard" in text_of(pilot.app))
        assert state(night, 1) == "running"
    with (
        Queue(night.root, readonly=True, start_scheduler=False) as queue,
        pytest.raises(NotPossible, match="read-only"),
    ):
        deeds.end([1], [])(queue)
