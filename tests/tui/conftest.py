"""What makes the dashboard look the same every time. Textual reads its variables when it is imported."""

from __future__ import annotations

import os

os.environ["TEXTUAL_ANIMATIONS"] = "none"
os.environ.pop("NO_COLOR", None)

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.tui.believable import BelievableHome, busy_night


@pytest.fixture(autouse=True)
def _utc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "UTC")
    monkeypatch.setenv("YOLOTUI_USER", "maria")
    monkeypatch.setenv("COLORTERM", "truecolor")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.fixture
def night(tmp_path: Path) -> Iterator[BelievableHome]:
    """A busy night, with a leader."""
    busy = busy_night(tmp_path / "home")
    with busy.led():
        yield busy
    busy.store.close()


@pytest.fixture
def empty(tmp_path: Path) -> Iterator[BelievableHome]:
    """A home without jobs, without a leader."""
    nothing = BelievableHome(tmp_path / "home")
    yield nothing
    nothing.store.close()
