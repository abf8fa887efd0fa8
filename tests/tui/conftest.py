"""What makes the dashboard look the same every time. Textual reads its variables when it is imported."""

from __future__ import annotations

import os

os.environ["TEXTUAL_ANIMATIONS"] = "none"
os.environ.pop("NO_COLOR", None)

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from textual.app import App

from tests.tui.believable import BelievableHome, bad_night, busy_night, many_jobs


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
def failing(tmp_path: Path) -> Iterator[BelievableHome]:
    """A night in which nothing goes well, with a leader."""
    bad = bad_night(tmp_path / "home")
    with bad.led():
        yield bad
    bad.store.close()


@pytest.fixture
def huge(tmp_path: Path) -> Iterator[BelievableHome]:
    """A queue of 10,000 jobs, with a leader."""
    crowd = many_jobs(tmp_path / "home", 10_000)
    with crowd.led():
        yield crowd
    crowd.store.close()


@pytest.fixture
def empty(tmp_path: Path) -> Iterator[BelievableHome]:
    """A home without jobs, without a leader."""
    nothing = BelievableHome(tmp_path / "home")
    yield nothing
    nothing.store.close()


@pytest.fixture(autouse=True)
def _presses_what_it_says(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A test marked `presses("kill")` fails if that action was never run."""
    said = {name for mark in request.node.iter_markers("presses") for name in mark.args}
    run: set[str] = set()
    if said:
        original = App.run_action

        async def remembered(app: App[Any], action: Any, *rest: Any, **options: Any) -> bool:
            run.add(action if isinstance(action, str) else action[1])
            return await original(app, action, *rest, **options)

        monkeypatch.setattr(App, "run_action", remembered)
    yield
    assert said <= run, f"never pressed: {', '.join(sorted(said - run))}"
