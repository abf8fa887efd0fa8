"""What the GPUs were used for, over a period."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
from textual.pilot import Pilot

from tests.tui.believable import BelievableHome
from tests.tui.showing import dashboard, settled, text_of, until
from yolotui.core.reporting import Period
from yolotui.tui.screens.queue import QueueScreen
from yolotui.tui.screens.report import ReportScreen
from yolotui.tui.screens.run import RunScreen


def shows(screen: ReportScreen, period: Period) -> bool:
    return screen.period is period and screen.report is not None


SIZES = [(80, 24), (120, 40), (200, 60)]


async def opened(pilot: Pilot[Any]) -> ReportScreen:
    """Open the report; wait until it has been made."""
    await settled(pilot)
    await pilot.press("w")
    await until(pilot, lambda: isinstance(pilot.app.screen, ReportScreen))
    screen = pilot.app.screen
    assert isinstance(screen, ReportScreen)
    await until(pilot, lambda: screen.report)
    await pilot.pause()
    return screen


async def showing(pilot: Pilot[Any]) -> None:
    await opened(pilot)


@pytest.mark.parametrize("size", SIZES, ids=["80x24", "120x40", "200x60"])
def test_looks(night: BelievableHome, snap_compare: Any, size: tuple[int, int]):
    assert snap_compare(dashboard(night), terminal_size=size, run_before=showing)


def test_looks_when_nothing_ran(empty: BelievableHome, snap_compare: Any):
    assert snap_compare(dashboard(empty), terminal_size=(80, 24), run_before=showing)


def test_looks_in_ascii(night: BelievableHome, snap_compare: Any):
    assert snap_compare(dashboard(night, ascii_only=True), terminal_size=(120, 40), run_before=showing)


def test_looks_without_colour(night: BelievableHome, snap_compare: Any, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("NO_COLOR", "1")
    assert snap_compare(dashboard(night), terminal_size=(120, 40), run_before=showing)


@pytest.mark.presses("report", "period", "back")
async def test_periods(night: BelievableHome):
    async with dashboard(night).run_test(size=(120, 40)) as pilot:
        screen = await opened(pilot)
        hours = {}
        for period in (Period.TODAY, Period.NIGHT, Period.WEEK):
            await until(pilot, partial(shows, screen, period))
            assert f"Report: {period.value}" in text_of(pilot.app)
            hours[period] = screen.report.gpu_s / 3600 if screen.report else 0
            await pilot.press("t")
        assert screen.period is Period.TODAY
        # 12 sweeps of 1.6 hours, 0.6 hours of the failure, and what has run of the two that run.
        assert hours[Period.WEEK] == pytest.approx(12 * 1.6 + 0.6 + 1.2 + 0.5)
        assert hours[Period.TODAY] < hours[Period.WEEK]
        await pilot.press("escape")
        assert isinstance(pilot.app.screen, QueueScreen)


async def test_a_run_is_opened_from_the_report(night: BelievableHome):
    async with dashboard(night).run_test(size=(120, 40)) as pilot:
        screen = await opened(pilot)
        await pilot.press("enter")
        assert pilot.app.screen is screen
        assert screen.report
        last = screen.report.runs[-1]
        await pilot.press("end")
        assert f"Enter opens #{last.job_id}" in text_of(pilot.app)
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, RunScreen))
