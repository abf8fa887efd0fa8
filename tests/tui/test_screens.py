"""How the dashboard looks, on a home and a clock that stand still. `pytest --snapshot-update` makes them anew."""

from __future__ import annotations

import os
from typing import Any

import pytest
from textual.pilot import Pilot

from tests.tui.believable import GIB, NOW, BelievableHome, h100
from tests.tui.showing import dashboard, settled
from yolotui.core.bookings import Booked, Booking, Open
from yolotui.core.gpus import Excluded, Foreign
from yolotui.core.jobs import Owner
from yolotui.store import Actor
from yolotui.tui.app import Dashboard
from yolotui.tui.themes import theme_named

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
        pytest.param(("z",), id="zoom"),
        pytest.param(("l",), id="log"),
        pytest.param(("O", "down", "v", "down"), id="folded"),
    ],
)
def test_after_keys(night: BelievableHome, snap_compare: Compare, keys: tuple[str, ...]):
    assert snap_compare(dashboard(night), terminal_size=(80, 24), run_before=after(*keys))


@pytest.mark.parametrize("size", SIZES, ids=["80x24", "120x40", "200x60"])
def test_failing(failing: BelievableHome, snap_compare: Compare, size: tuple[int, int]):
    assert snap_compare(dashboard(failing), terminal_size=size, run_before=after())


@pytest.mark.parametrize("size", SIZES, ids=["80x24", "120x40", "200x60"])
def test_huge(huge: BelievableHome, snap_compare: Compare, size: tuple[int, int]):
    assert snap_compare(dashboard(huge), terminal_size=size, run_before=after())


@pytest.mark.parametrize("size", SIZES, ids=["80x24", "120x40", "200x60"])
def test_ascii(night: BelievableHome, snap_compare: Compare, size: tuple[int, int]):
    assert snap_compare(dashboard(night, ascii_only=True), terminal_size=size, run_before=after())


@pytest.mark.parametrize("size", SIZES, ids=["80x24", "120x40", "200x60"])
def test_no_color(
    night: BelievableHome, snap_compare: Compare, monkeypatch: pytest.MonkeyPatch, size: tuple[int, int]
):  # fmt: skip
    monkeypatch.setenv("NO_COLOR", "1")
    app: Dashboard = dashboard(night)
    assert app.no_color
    assert snap_compare(app, terminal_size=size, run_before=after())


def test_many_cards_in_little_room(night: BelievableHome, snap_compare: Compare):
    drained = h100(7, 0, 0, availability=Excluded("drained by maria"))
    night.publish(gpus=[*night.gpus, *(h100(index, 8.0 * index, 12 * index) for index in range(4, 7)), drained])
    assert snap_compare(dashboard(night), terminal_size=(80, 24), run_before=after())


@pytest.mark.parametrize("theme", ["nord", "solarized-light"])
def test_theme(night: BelievableHome, snap_compare: Compare, theme: str):
    app = dashboard(night, theme=theme_named(theme))
    assert snap_compare(app, terminal_size=(120, 40), run_before=after("space"))


@pytest.mark.parametrize("size", SIZES, ids=["80x24", "120x40", "200x60"])
def test_cards_in_trouble(night: BelievableHome, snap_compare: Compare, size: tuple[int, int]):
    night.store.verbs.drain(["GPU-3"], Actor("anna", os.getuid(), "new fan"))
    jonas = Owner("jonas", 1001)
    night.publish(
        gpus=[
            h100(0, 30, 96, foreign_bytes=4 * GIB),
            h100(1, 12, 88, ecc_errors=2),
            h100(2, 44, 100, availability=Foreign((8123, 8124), 44 * GIB)),
            h100(3, 0, 0),
        ],
        resting=("GPU-1",),
        demands=(night.demand(1, 40), night.demand(2, 12)),
        bookings=(
            Booking(id=1, owner=jonas, starts_at=NOW - 3600, ends_at=NOW + 7200, count=1, gpus=("GPU-2",), made_at=NOW,
                    status=Open(NOW)),
            Booking(id=2, owner=jonas, starts_at=NOW + 7200, ends_at=NOW + 9900, count=1, gpus=("GPU-1",), made_at=NOW,
                    status=Booked(NOW)),
        ),
    )  # fmt: skip
    assert snap_compare(dashboard(night), terminal_size=size, run_before=after())


def test_no_scheduler(empty: BelievableHome, snap_compare: Compare):
    empty.submit("night-n", "night-s")
    empty.publish(seconds_ago=3600)
    assert empty.clock() == NOW
    assert snap_compare(dashboard(empty), terminal_size=(80, 24), run_before=after())


def test_a_terminal_that_is_too_small(night: BelievableHome, snap_compare: Compare):
    assert snap_compare(dashboard(night), terminal_size=(40, 10), run_before=after())
