"""Files that appear whole or not at all."""

from __future__ import annotations

import contextlib
import os
import shutil
import threading
import time

COMPANIONS_WRITTEN_AFTER_S = 0.5
TEMPORARY_SUFFIX = ".yolotui.tmp"


def temporary_beside(path: str) -> str:
    """A name for the new content of `path`, on the same file system, recognised by `sweep`."""
    return f"{path}.{os.getpid()}{TEMPORARY_SUFFIX}"


def write_atomically(path: str, content: bytes) -> None:
    """Replace `path` durably. Raises OSError and leaves the old content when the disk is full."""
    temporary = temporary_beside(path)
    try:
        with open(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise
    fsync_directory(os.path.dirname(path))


class WriteBehind:
    """Replaces files at once, and brings them to the disk beside whatever the process goes on with.

    A kill of the process finds each file whole. A power cut may find the newest content missing.
    """

    def __init__(self, *, flush_every_s: float = 0.0) -> None:
        """What follows within `flush_every_s` of a flush is left to the kernel, which takes some seconds more."""
        self._flush_every_s = flush_every_s
        self._flushing: threading.Thread | None = None
        self._flushed_at = float("-inf")

    def wait(self) -> None:
        """Wait until what was to be flushed is on the disk: long since, unless saves follow on each other's heels."""
        if self._flushing is not None:
            self._flushing.join()

    def write(self, path: str, content: bytes) -> None:
        """Replace `path`. Raises OSError and leaves the old content when the disk is full."""
        temporary = temporary_beside(path)
        try:
            with open(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
                file.write(content)
                file.flush()
                descriptor = os.dup(file.fileno())
            os.replace(temporary, path)
        except BaseException:
            with contextlib.suppress(OSError):
                os.unlink(temporary)
            raise
        now = time.monotonic()
        if now - self._flushed_at < self._flush_every_s:
            os.close(descriptor)
            return
        self.wait()
        self._flushed_at = now
        self._flushing = threading.Thread(target=_flush, args=(descriptor, os.path.dirname(path)))
        self._flushing.start()


def _flush(descriptor: int, directory: str) -> None:
    """Wait for the disk. What it refuses now, the next save will be told."""
    # While the journal commits, whoever makes a file waits: let last.pt's companions of this epoch be written first.
    time.sleep(COMPANIONS_WRITTEN_AFTER_S)
    with contextlib.suppress(OSError):
        os.fsync(descriptor)
        fsync_directory(directory)
    os.close(descriptor)


def copy_atomically(source: str, target: str) -> None:
    """Put a copy of `source` in the place of `target`: a copy of its own, which no later write can reach."""
    temporary = temporary_beside(target)
    shutil.copyfile(source, temporary)
    replace_durably(temporary, target)


def replace_durably(source: str, target: str) -> None:
    """Put a finished file in the place of `target`."""
    with open(source, "rb") as file:
        os.fsync(file.fileno())
    os.replace(source, target)
    fsync_directory(os.path.dirname(target))


def fsync_directory(path: str) -> None:
    """Make a rename durable."""
    directory = os.open(path or ".", os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)


def sweep(directory: str) -> list[str]:
    """Remove what a killed process left half-written in `directory`; returns the names."""
    swept = []
    with contextlib.suppress(FileNotFoundError):
        for name in os.listdir(directory):
            if name.endswith(TEMPORARY_SUFFIX):
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(os.path.join(directory, name))
                swept.append(name)
    return swept
