"""Opening the dashboard on a believable home, with a clock that stands, and waiting until it shows what there is."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

from textual.app import App
from textual.pilot import Pilot

from yolotui.core.jobs import Job
from yolotui.queue import Queue
from yolotui.tui.app import Dashboard
from yolotui.tui.run_reading import Followed
from yolotui.tui.screens.queue import QueueScreen
from yolotui.tui.widgets.job_table import JobTable


class Shown(Protocol):
    """A home that stands still."""

    @property
    def root(self) -> Path:
        """Where it is."""

    @property
    def clock(self) -> Callable[[], float]:
        """Its clock."""


def dashboard(home: Shown, *, readonly: bool = False, ascii_only: bool = False, **rest: Any) -> Dashboard:
    """A dashboard that never starts a real scheduler."""

    def open_queue() -> Queue:
        return Queue(home.root, readonly=readonly, start_scheduler=False, clock=home.clock)

    return Dashboard(
        open_queue, readonly=readonly, ascii_only=ascii_only, now=home.clock, refresh_s=3600.0, **rest
    )  # fmt: skip


def main_screen(app: App[Any]) -> QueueScreen:
    """The main screen, also while a dialog lies on it."""
    return next(screen for screen in app.screen_stack if isinstance(screen, QueueScreen))


def table(app: App[Any]) -> JobTable:
    """The job table."""
    return main_screen(app).query_one(JobTable)


def selected(app: App[Any]) -> Job:
    """The job under the cursor."""
    job = table(app).job
    assert job is not None
    return job


def cursor_row(app: App[Any]) -> int:
    """The row that the cursor is in."""
    row = table(app).cursor_row
    assert row is not None
    return row


def text_of(app: App[Any]) -> str:
    """Everything that is on the screen, row by row."""
    return "\n".join(strip.text.rstrip() for strip in app.screen._compositor.render_strips())


async def until(pilot: Pilot[Any], condition: Callable[[], object], timeout_s: float = 20.0) -> None:
    """Let the app go on until the condition holds. Raises AssertionError with what is on the screen otherwise."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, f"not within {timeout_s} s; on the screen:\n{text_of(pilot.app)}"
        await asyncio.sleep(0.01)
        await pilot.pause()


async def settled(pilot: Pilot[Any]) -> None:
    """Wait until the queue, the selected run and the curves in sight have been read and drawn."""
    app = pilot.app
    assert isinstance(app, Dashboard)
    screen = main_screen(app)

    def shows_all() -> bool:
        job, follower = screen.table.job, screen._follower
        run_shown = (
            job is None
            or screen.has_class("tiny")
            or (follower._files.followed == Followed.of(job) and job.id in screen._runs)
        )
        return bool(
            screen.snapshot.read_at
            and not screen.snapshot.reading
            and run_shown
            and all(curve.job_id in screen.table._curves for curve in follower._wanted)
        )

    await until(pilot, shows_all)
    await pilot.pause()
