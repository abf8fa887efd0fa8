"""control.json, through which a training is asked to pause, to save or to finish."""

from __future__ import annotations

import json
import os
import time
from typing import NamedTuple

LOOK_EVERY_S = 0.5
PAUSE, CHECKPOINT, FINISH = "pause", "checkpoint", "finish"
REQUESTS = (PAUSE, CHECKPOINT, FINISH)


class Request(NamedTuple):
    """One request; ids grow."""

    id: int
    request: str


class ControlFile:
    """Looks at the file, seldom and cheaply: a `stat` every half second, a read when it changed."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._looked_at = 0.0
        self._seen: tuple[int, int] | None = None
        self._handled = -1

    def look(self, *, now: bool = False) -> Request | None:
        """A request that wasn't returned before. `now` looks even if the last look was a moment ago."""
        clock = time.monotonic()
        if not now and clock - self._looked_at < LOOK_EVERY_S:
            return None
        self._looked_at = clock
        try:
            status = os.stat(self._path)
            seen = (status.st_mtime_ns, status.st_ino)
            if seen == self._seen:
                return None
            with open(self._path, encoding="utf-8") as file:
                content = json.load(file)
            self._seen = seen
            request = Request(int(content["id"]), str(content["request"]))
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            return None
        if request.id <= self._handled or request.request not in REQUESTS:
            return None
        self._handled = request.id
        return request
