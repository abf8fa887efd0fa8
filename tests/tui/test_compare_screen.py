"""Runs over one another: their curves, what each came to, what differs, what misleads."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from textual.pilot import Pilot

from tests.core.test_comparing_runs import run
from tests.tui.believable import NOW, BelievableHome
from tests.tui.showing import dashboard, settled, table, text_of, until
from yolotui.core.comparing_runs import compare
from yolotui.tui.glyphs import UNICODE
from yolotui.tui.panels.comparing import Axis, table_rows, value_at
from yolotui.tui.screens.compare import CompareScreen
from yolotui.tui.screens.queue import QueueScreen

SIZES = [(80, 24), (120, 40), (200, 60)]


async def opened(pilot: Pilot[Any], *job_ids: int) -> CompareScreen:
    """Mark these jobs and compare them; wait until they have been read."""
    await settled(pilot)
    table(pilot.app)._marks = frozenset(job_ids)
    await pilot.press("V")
    await until(pilot, lambda: isinstance(pilot.app.screen, CompareScreen))
    screen = pilot.app.screen
    assert isinstance(screen, CompareScreen)
    await until(pilot, lambda: screen.comparison)
    await pilot.pause()
    return screen


def showing(*job_ids: int) -> Callable[[Pilot[Any]], Any]:
    async def run_before(pilot: Pilot[Any]) -> None:
        await opened(pilot, *job_ids)

    return run_before


@pytest.fixture
def changed(night: BelievableHome) -> BelievableHome:
    """Job 2 went on with half of its batch."""
    events = Path(night.store.read.job(2).run_dir) / "attempt-1" / "events.jsonl"
    with events.open("a") as file:
        change = {"t": NOW - 60, "event": "changed", "what": "batch", "from": 64, "to": 32, "why": "out of memory"}
        file.write(json.dumps(change) + "\n")
    return night


@pytest.mark.parametrize("size", SIZES, ids=["80x24", "120x40", "200x60"])
def test_looks(changed: BelievableHome, snap_compare: Any, size: tuple[int, int]):
    assert snap_compare(dashboard(changed), terminal_size=size, run_before=showing(1, 2, 13, 14, 15))


def test_looks_without_an_epoch(night: BelievableHome, snap_compare: Any):
    assert snap_compare(dashboard(night), terminal_size=(80, 24), run_before=showing(3, 5))


def test_looks_in_ascii(changed: BelievableHome, snap_compare: Any):
    app = dashboard(changed, ascii_only=True)
    assert snap_compare(app, terminal_size=(120, 40), run_before=showing(1, 2, 13, 14, 15))


def test_looks_without_colour(changed: BelievableHome, snap_compare: Any, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("NO_COLOR", "1")
    assert snap_compare(dashboard(changed), terminal_size=(120, 40), run_before=showing(1, 2, 13, 14, 15))


@pytest.mark.presses("compare", "axis", "next_metric", "left", "right", "back")
async def test_curves_by_epoch_and_by_time_with_a_cursor(changed: BelievableHome):
    async with dashboard(changed).run_test(size=(120, 40)) as pilot:
        screen = await opened(pilot, 1, 2)
        shown = text_of(pilot.app)
        assert "mAP50-95 by epoch" in shown
        assert f"A {changed.metrics(1, 37)['metrics/mAP50-95(B)']:.3f}" in shown
        assert f"B {changed.metrics(2, 14)['metrics/mAP50-95(B)']:.3f}" in shown
        assert "#2 night-s went on with batch 32 instead of 64: out of memory." in shown
        await pilot.press("left", "left", "right")
        assert screen.cursor == 36
        assert "epoch 36" in text_of(pilot.app)
        await pilot.press("t")
        assert screen.axis is Axis.TIME
        assert "by hours of training" in text_of(pilot.app)
        await pilot.press("m")
        assert "mAP50-95 by" not in text_of(pilot.app)
        await pilot.press("left", "escape", "escape")
        assert isinstance(pilot.app.screen, QueueScreen)


async def test_one_run_alone_is_no_comparison(night: BelievableHome):
    async with dashboard(night).run_test(notifications=True, size=(120, 40)) as pilot:
        await settled(pilot)
        await pilot.press("V")
        await until(pilot, lambda: "Mark 2 to 16 runs" in text_of(pilot.app))
        assert isinstance(pilot.app.screen, QueueScreen)


async def test_news_of_a_run_are_read(night: BelievableHome):
    async with dashboard(night).run_test(size=(120, 40)) as pilot:
        screen = await opened(pilot, 1, 2)
        night.write_run(2, 20)
        night.reach(2, 20)
        await until(pilot, lambda: len(screen.facts[1].epochs) == 20)
        assert "20/100" in text_of(pilot.app)


def test_a_value_between_two_epochs_lies_between_theirs_and_nowhere_else():
    places, values = [1.0, 2.0, 4.0], [10.0, 20.0, 40.0]
    assert [value_at(places, values, where) for where in (1, 1.5, 2, 3, 4)] == [10, 15, 20, 30, 40]
    assert math.isnan(value_at(places, values, 0.5))
    assert math.isnan(value_at(places, values, 4.1))
    assert math.isnan(value_at([], [], 1))


@pytest.mark.parametrize("width", [80, 200])
def test_what_runs_were_made_with_is_told_below_their_arguments(width: int):
    made = [
        {"commit": "a1b2c3d4e5f6", "ultralytics": "8.3.1"},
        {"commit": "0f1e2d3c4b5a with changes 77aa", "driver": "x"},
    ]
    facts = [replace(run(number, 0.5), made_from=each) for number, each in enumerate(made, 1)]
    told = ["".join(piece.text for piece in row) for row in table_rows(compare(facts, 0), width, UNICODE)]
    assert all(len(row) <= width for row in told)
    below = told[told.index("Made with") :]
    (commit,) = (row for row in below if row.startswith("commit"))
    assert "a1b2c3d4e5f6" in commit
    assert "0f1e2d3c4b5a with changes 77aa" in commit
    assert not any(row.startswith(("ultralytics", "driver")) for row in below)  # of the other nothing is known
