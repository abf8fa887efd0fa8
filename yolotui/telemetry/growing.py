"""Files that another process appends to: only what is new is read."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

BLOCK_BYTES = 1024**2
LONGEST_LINE_BYTES = 1024**2


class Block(NamedTuple):
    """New bytes. `restarted`: the file was truncated or replaced, and these are its first ones."""

    data: bytes
    restarted: bool


class GrowingFile:
    """Follows one path. A missing file has nothing new yet; a truncated or replaced one is read from its start."""

    def __init__(self, path: Path, *, last_bytes: int | None = None) -> None:
        """With `last_bytes` the first read begins at most that far before the end."""
        self.path = path
        self._last_bytes = last_bytes
        self._offset = 0
        self._identity: tuple[int, int] | None = None

    def blocks(self) -> Iterator[Block]:
        """What is new since the last call, in blocks of at most a MiB."""
        try:
            seen = self.path.stat()
            if not stat.S_ISREG(seen.st_mode):  # whoever opens a pipe waits for its other end
                return
            if (seen.st_dev, seen.st_ino) == self._identity and seen.st_size == self._offset:
                return
            with self.path.open("rb") as file:
                restarted = self._take_place(os.fstat(file.fileno()))
                file.seek(self._offset)
                while data := file.read(BLOCK_BYTES):
                    self._offset += len(data)
                    yield Block(data, restarted)
                    restarted = False
                if restarted:
                    yield Block(b"", restarted=True)
        except OSError:  # not there yet, between two renames, or not to be read just now: the next poll tries again
            return

    def _take_place(self, status: os.stat_result) -> bool:
        identity = (status.st_dev, status.st_ino)
        first = self._identity is None
        restarted = not first and (identity != self._identity or status.st_size < self._offset)
        if first and self._last_bytes is not None:
            self._offset = max(status.st_size - self._last_bytes, 0)
        elif restarted:
            self._offset = 0
        self._identity = identity
        return restarted


class IncrementalLines:
    """The whole lines of a growing text file, each once.

    A torn last line is kept until it is whole. Lines that are no UTF-8 or longer than a MiB are left out.
    `generation` goes up when the file was truncated or replaced, and its lines come anew.
    """

    def __init__(self, path: Path) -> None:
        self._file = GrowingFile(path)
        self._torn = b""
        self._overlong = False
        self.generation = 0

    def read(self) -> Iterator[str]:
        """What is new since the last call, a line at a time, without line ends."""
        for block in self._file.blocks():
            if block.restarted:
                self.generation += 1
                self._torn, self._overlong = b"", False
            *whole, rest = block.data.split(b"\n")
            for piece in whole:
                yield from self._finished(self._torn + piece)
                self._torn = b""
            self._torn += rest
            if len(self._torn) > LONGEST_LINE_BYTES:
                self._torn, self._overlong = b"", True

    def _finished(self, line: bytes) -> Iterator[str]:
        if self._overlong:
            self._overlong = False
            return
        with suppress(UnicodeDecodeError):
            yield line.removesuffix(b"\r").decode("utf-8")
