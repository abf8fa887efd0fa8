"""events.jsonl: one JSON object a line, appended whole, so that a reader can follow the file as it grows.

A training may last for weeks: when the file is long, what it tells of single batches is added up by epoch.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import time
from typing import Any

from .condensing import condense
from .durable import write_atomically

LONG_BYTES = 8 * 1024**2  # what half a day writes


class EventLog:
    """Writes events. Never raises and never blocks: a full disk costs events, not the training."""

    def __init__(self, path: str | None, *, long_bytes: int = LONG_BYTES) -> None:
        """`path` None writes nothing: only rank 0 of a training speaks."""
        self._path = path
        self._torn = False
        self._long_bytes = self._shorten_at_bytes = long_bytes

    def write(self, event: str, **fields: Any) -> None:
        """Append one event with its time. NaN and infinity become null and their names are listed in `nonfinite`."""
        if self._path is None:
            return
        nonfinite: list[str] = []
        record = {"t": round(time.time(), 3), "event": event, **_finite(fields, nonfinite)}
        if nonfinite:
            record["nonfinite"] = nonfinite
        with contextlib.suppress(OSError):
            if self._append(self._path, (json.dumps(record, default=_plain, allow_nan=False) + "\n").encode()):
                self._shorten(self._path)

    def _append(self, path: str, line: bytes) -> bool:
        """Whether the file is long by now. It is opened each time: another process may have shortened it since."""
        # After half a line (the disk was full) a line break keeps the next event readable.
        line = b"\n" + line if self._torn else line
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            self._torn = os.write(file, line) < len(line)
            return os.fstat(file).st_size > self._shorten_at_bytes
        finally:
            os.close(file)

    def _shorten(self, path: str) -> None:
        """Takes a fraction of a second. What the disk refuses is tried again when the file has doubled."""
        try:
            with open(path, "rb") as file:
                lines = file.read().splitlines(keepends=True)
            write_atomically(path, b"".join(condense(lines)))
        finally:
            self._shorten_at_bytes = max(self._long_bytes, 2 * os.stat(path).st_size)


def _finite(fields: dict[str, Any], nonfinite: list[str]) -> dict[str, Any]:
    clean: dict[str, Any] = {}
    for name, value in fields.items():
        if isinstance(value, dict):
            clean[name] = _finite(value, nonfinite)
        elif isinstance(value, float) and not math.isfinite(value):
            clean[name] = None
            nonfinite.append(name)
        else:
            clean[name] = value
    return clean


def _plain(value: object) -> Any:
    """Numbers of numpy and torch as numbers, everything else as text."""
    try:
        number = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return str(value)
    return number if math.isfinite(number) else None
