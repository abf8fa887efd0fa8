"""Ending jobs: what the dialog names, what it defaults to, and that it means what it has named."""

from __future__ import annotations

import pytest

from tests.tui.believable import NOW, BelievableHome
from tests.tui.showing import dashboard, settled, table, text_of, until
from yolotui.core.jobs import Outcome, Priority, Succeeded
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
        assert "Last checkpoint 3m ago" in shown


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
    async with dashboard(night).run_test(notifications=True, size=(120, 40)) as pilot:
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
