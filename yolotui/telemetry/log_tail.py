"""The last lines of a console log, safe to show: progress bars in their last state, no escape sequence, no control."""

from __future__ import annotations

import re
from collections import deque
from pathlib import Path

from yolotui.telemetry.growing import GrowingFile

LONGEST_LINE = 4096
TORN_BYTES = 64 * 1024
BYTES_A_LINE = 512
"""How far before the end the first read begins, for each line that is wanted."""

# CSI, then OSC and its kin up to their end, then two-byte sequences.
_ESCAPES = re.compile(r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]|\x1b[\]PX^_][^\x07\x1b\n]*(?:\x07|\x1b\\)?|\x1b[ -/]*[0-~]?")
# C0 without the tab, DEL, C1, line separators, and marks that turn the direction of text.
_CONTROLS = re.compile(r"[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\u200e\u200f\ufeff]")


class LogTail:
    """The last `lines` lines of a growing log; the one that is still being written is the last."""

    def __init__(self, path: Path, lines: int = 200) -> None:
        self._file = GrowingFile(path, last_bytes=max(lines * BYTES_A_LINE, TORN_BYTES))
        self._whole: deque[str] = deque(maxlen=lines)
        self._count = lines
        self._torn = b""

    def poll(self) -> bool:
        """Read what is new; True if there was anything."""
        news = False
        for block in self._file.blocks():
            news = True
            if block.restarted:
                self._whole.clear()
                self._torn = b""
            *whole, rest = block.data.split(b"\n")
            for piece in whole:
                self._whole.append(shown(self._torn + piece))
                self._torn = b""
            self._torn = (self._torn + rest)[-TORN_BYTES:]
        return news

    @property
    def lines(self) -> tuple[str, ...]:
        """The lines, oldest first."""
        current = shown(self._torn)
        return (*self._whole, current)[-self._count :] if current else tuple(self._whole)


def shown(raw: bytes) -> str:
    """A line as a terminal would leave it: what stands after the last carriage return that something follows."""
    text = _ESCAPES.sub("", raw[-TORN_BYTES:].decode("utf-8", errors="replace"))
    states = [state for state in text.split("\r") if state.strip()]
    state = states[-1] if states else ""
    return _CONTROLS.sub("", state.expandtabs(4))[:LONGEST_LINE].rstrip()
