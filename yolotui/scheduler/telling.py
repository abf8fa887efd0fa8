"""Has people told what happened: by a process beside the leader, so that no network ever holds it up."""

from __future__ import annotations

import logging
import time

from yolotui.errors import WrongFile
from yolotui.locations import Home
from yolotui.notify.channels import channels, written_at
from yolotui.notify.starting import ensure_sender
from yolotui.store import Store

LOOK_EVERY_S = 1.0
START_EVERY_S = 10.0  # a sender that fails at once is not started again and again
OWNERS_EVERY_S = 60.0  # who has jobs is asked of all jobs that ever were

log = logging.getLogger("yolotui.scheduler")


class Teller:
    """Starts a sender when there is something to tell and none is at it."""

    def __init__(self, home: Home, store: Store) -> None:
        """Notes who is to be told what happens from now on."""
        self._home = home
        self._store = store
        self._looked_at = -LOOK_EVERY_S
        self._started_at = -START_EVERY_S
        self._has_channels = False
        self._owners: set[int] = set()
        self._owners_at = -OWNERS_EVERY_S
        self._read_from: object = None
        self._read_configurations(time.monotonic())

    def look(self) -> None:
        """Start a sender if one is needed; at most once a second."""
        now = time.monotonic()
        if now < self._looked_at + LOOK_EVERY_S:
            return
        self._looked_at = now
        self._read_configurations(now)
        if not self._has_channels or now < self._started_at + START_EVERY_S:
            return
        if ensure_sender(self._home, self._store):
            self._started_at = now

    def hand_over(self) -> None:
        """Before leaving: what waits to be told, now or later, is left to a sender that lives."""
        ensure_sender(self._home, self._store, also_for_later=True)

    def _read_configurations(self, now: float) -> None:
        """Look who is to be told, where that was written since; what has mistakes changes nothing."""
        if now >= self._owners_at + OWNERS_EVERY_S:
            self._owners_at, self._owners = now, self._store.read.owner_uids()
        if (written := written_at(self._home, self._owners)) == self._read_from:
            return
        self._read_from = written
        try:
            addresses = {channel.address for channel in channels(self._home, self._owners)}
        except WrongFile as error:
            log.error("%s\nWho is told what stays as it was until this is mended.", error)
            return
        self._store.outbox.know(addresses)
        self._has_channels = bool(addresses)
