"""Has people told what happened: by a process beside the leader, so that no network ever holds it up."""

from __future__ import annotations

import time

from yolotui.errors import WrongFile
from yolotui.leadership import Lock, start_detached
from yolotui.locations import Home
from yolotui.notify.channels import channels
from yolotui.notify.telling import VERBS
from yolotui.store import Store

LOOK_EVERY_S = 1.0
START_EVERY_S = 10.0  # a sender that fails at once is not started again and again


class Teller:
    """Starts a sender when there is something to tell and none is at it."""

    def __init__(self, home: Home, store: Store) -> None:
        """Notes who is to be told what happens from now on. A configuration with mistakes changes nothing of that."""
        self._home = home
        self._store = store
        self._looked_at = -LOOK_EVERY_S
        self._started_at = -START_EVERY_S
        self._has_channels = False
        try:
            addresses = {channel.address for channel in channels(home, store.read.owner_uids())}
        except WrongFile:  # told where the leader reads it
            return
        store.outbox.know(addresses)
        self._has_channels = bool(addresses)

    def look(self) -> None:
        """Start a sender if one is needed; at most once a second."""
        now = time.monotonic()
        if not self._has_channels or now < max(self._looked_at + LOOK_EVERY_S, self._started_at + START_EVERY_S):
            return
        self._looked_at = now
        if not self._store.outbox.is_due(VERBS, time.time()):
            return
        lock = Lock(self._home.notify_lock)
        if lock.acquire():
            lock.release()
            self._started_at = now
            start_detached(self._home, "yolotui.notify")
