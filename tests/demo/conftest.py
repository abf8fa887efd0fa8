"""A demonstration whose clock stands, made once for the tests that only look at it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from yolotui.demo.leading import demonstration
from yolotui.scheduler.wakeups import Wakeups
from yolotui.store import Store

NOW = datetime(2026, 11, 21, 14, 2, tzinfo=UTC).timestamp()


@pytest.fixture(scope="module")
def week(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """The queue of a demonstration, after its week."""
    yield from made(tmp_path_factory.mktemp("demo") / "home")


def made(root: Path, seed: int = 1) -> Iterator[Store]:
    """A demonstration's queue, while it is led."""
    with closing(Wakeups()) as wakeups, demonstration(root, NOW, seed, wakeups) as shown:
        yield shown.store
