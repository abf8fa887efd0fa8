"""Files that appear whole or not at all."""

from __future__ import annotations

import contextlib
import os
import shutil

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
