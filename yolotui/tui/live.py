"""The queue as the dashboard last read it, for all of its screens."""

from __future__ import annotations

from dataclasses import dataclass, field

from yolotui.tui.feed import Feed
from yolotui.tui.snapshot import Snapshot


@dataclass
class Live:
    """The thread that reads the queue, and the newest that it has posted. One for the whole dashboard."""

    feed: Feed
    snapshot: Snapshot = field(default_factory=Snapshot)
