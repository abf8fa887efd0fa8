"""A console log as it grows, line by line, safe to print."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from yolotui.telemetry.growing import GrowingFile
from yolotui.telemetry.log_tail import TORN_BYTES, shown


class ConsoleLog:
    """The lines of one file, each once: progress bars in their last state, no escapes. A missing file is empty yet."""

    def __init__(self, path: Path, *, last_bytes: int | None = None) -> None:
        """With `last_bytes` only so much of what is there already."""
        self._file = GrowingFile(path, last_bytes=last_bytes)
        self._torn = b""

    def new_lines(self) -> Iterator[str]:
        """The lines that were completed since the last call."""
        for block in self._file.blocks():
            if block.restarted:
                self._torn = b""
            *whole, rest = block.data.split(b"\n")
            for piece in whole:
                yield shown(self._torn + piece)
                self._torn = b""
            self._torn = (self._torn + rest)[-TORN_BYTES:]

    def all_lines(self) -> Iterator[str]:
        """What is left, with a last line that was never completed: for when nobody writes any more."""
        yield from self.new_lines()
        if torn := shown(self._torn):
            yield torn
        self._torn = b""
