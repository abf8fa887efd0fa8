"""A demonstration whose clock stands, for the tests that look at screens."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.tui.believable import LEADER, NOW, Clock
from yolotui.demo.leading import demonstration
from yolotui.scheduler.wakeups import Wakeups
from yolotui.store import Store


@dataclass
class DemoHome:
    """Where it is, what reads and writes its queue, and the clock that stands."""

    root: Path
    store: Store
    clock: Clock


@contextmanager
def demo_home(root: Path, seed: int = 1) -> Iterator[DemoHome]:
    """A home with a week of history, with a leader that does nothing."""
    with closing(Wakeups()) as wakeups, demonstration(root, NOW, seed, wakeups, LEADER) as shown:
        yield DemoHome(root, shown.store, Clock())
