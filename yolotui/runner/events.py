"""events.jsonl: one JSON object a line, appended whole, so that a reader can follow the file as it grows."""

from __future__ import annotations

import contextlib
import json
import math
import os
import time
from typing import Any


class EventLog:
    """Writes events. Never raises and never blocks: a full disk costs events, not the training."""

    def __init__(self, path: str | None) -> None:
        """`path` None writes nothing: only rank 0 of a training speaks."""
        self._file: int | None = None
        self._torn = False
        if path is not None:
            with contextlib.suppress(OSError):
                self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def write(self, event: str, **fields: Any) -> None:
        """Append one event with its time. NaN and infinity become null and their names are listed in `nonfinite`."""
        if self._file is None:
            return
        nonfinite: list[str] = []
        record = {"t": round(time.time(), 3), "event": event, **_finite(fields, nonfinite)}
        if nonfinite:
            record["nonfinite"] = nonfinite
        self._append((json.dumps(record, default=_plain, allow_nan=False) + "\n").encode())

    def _append(self, line: bytes) -> None:
        # After half a line (the disk was full) a line break keeps the next event readable.
        line = b"\n" + line if self._torn else line
        try:
            self._torn = os.write(self._file or 0, line) < len(line)
        except OSError:
            return


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
