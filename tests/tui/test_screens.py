"""How the dashboard looks, on a home and a clock that stand still. `pytest --snapshot-update` makes them anew."""

from __future__ import annotations

from typing import Any

import pytest
from textual.pilot import Pilot

from tests.tui.believable import NOW, BelievableHome, h100
from tests.tui.showing import dashboard, settled
from yolotui.core.gpus import Excluded
from yolotui.tui.app import Dashboard

SIZES = [(80, 24), (120, 40), (200, 60)]
Compare = Any


def after(*keys: str) -> Any:
    """Wait until all is read, press, wait again."""

    async def run_before(pilot: Pilot[Any]) -> None:
        await settled(pilot)
        await pilot.press(*keys)
        await settled(pilot)

    return run_before


@pytest.mark.parametrize("size", SIZES, ids=["80x24", "120x40", "200x60"])
def test_busy(night: BelievableHome, snap_compare: Compare, size: tuple[int, int]):
    assert snap_compare(dashboard(night), terminal_size=size, run_before=after())


@pytest.mark.parametrize("size", SIZES, ids=["80x24", "120x40", "200x60"])
def test_empty(empty: BelievableHome, snap_compare: Compare, size: tuple[int, int]):
    assert snap_compare(dashboard(empty), terminal_size=size, run_before=after())


@pytest.mark.parametrize(
    "keys",
    [
        pytest.param(("space", "space", "x"), id="kill"),
        pytest.param(("question_mark",), id="help"),
        pytest.param(("slash", *"failed", "enter"), id="failed"),
        pytest.param(("slash", *"tune"), id="filtering"),
        pytest.param(("enter",), id="zoom"),
        pytest.param(("l",), id="log"),
    ],
)
def test_after_keys(night: BelievableHome, snap_compare: Compare, keys: tuple[str, ...]):
    assert snap_compare(dashboard(night), terminal_size=(80, 24), run_before=after(*keys))


def test_ascii(night: BelievableHome, snap_compare: Compare):
    assert snap_compare(dashboard(night, ascii_only=True), terminal_size=(120, 40), run_before=after())


def test_no_color(night: BelievableHome, snap_compare: Compare, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("NO_COLOR", "1")
    app: Dashboard = dashboard(night)
    assert app.no_color
    assert snap_compare(app, terminal_size=(120, 40), run_before=after())


def test_many_cards_in_little_room(night: BelievableHome, snap_compare: Compare):
    drained = h100(7, 0, 0, availability=Excluded("drained by maria"))
    night.publish(gpus=[*night.gpus, *(h100(index, 8.0 * index, 12 * index) for index in range(4, 7)), drained])
    assert snap_compare(dashboard(night), terminal_size=(80, 24), run_before=after())


def test_no_scheduler(empty: BelievableHome, snap_compare: Compare):
    empty.submit("night-n", "night-s")
    empty.publish(seconds_ago=3600)
    assert empty.clock() == NOW
    assert snap_compare(dashboard(empty), terminal_size=(80, 24), run_before=after())


def test_a_terminal_that_is_too_small(night: BelievableHome, snap_compare: Compare):
    assert snap_compare(dashboard(night), terminal_size=(40, 10), run_before=after())
