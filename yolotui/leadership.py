"""Who leads: a lock that exactly one scheduler holds, and how anybody starts one when nobody does.

The lock is `flock` on a file of the home: the kernel gives it back when its holder dies, however it dies.
"""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from yolotui.locations import Home


class Lock:
    """An advisory lock on a file, held until released or until the process dies. Not inherited by children."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor: int | None = None

    def acquire(self, *, shared: bool = False) -> bool:
        """Take the lock without waiting; False when another process holds it in a way that forbids this."""
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return False
        self._descriptor = descriptor
        return True

    def is_intact(self) -> bool:
        """Whether the lock is held on the file that others would lock: somebody may have removed it."""
        if self._descriptor is None:
            return False
        try:
            here, there = os.fstat(self._descriptor), self._path.stat()
        except OSError:
            return False
        return (here.st_dev, here.st_ino) == (there.st_dev, there.st_ino)

    def release(self) -> None:
        """Give the lock back."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def is_led(home: Home) -> bool:
    """Whether a scheduler holds the lock right now. To ask takes no right to write: a disk may be read-only or full."""
    try:
        descriptor = os.open(home.scheduler_lock, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def scheduler_command(*arguments: str) -> list[str]:
    """The command line of a scheduler, run by this interpreter; what lies in its working directory is not imported."""
    return [sys.executable, "-P", "-m", "yolotui.scheduler", *arguments]


def scheduler_environment(home: Home) -> dict[str, str]:
    """The environment of a detached scheduler: this process's own, with the home pinned."""
    return {**os.environ, "YOLOTUI_HOME": str(home.root)}


def runs_inside_a_job() -> bool:
    """Whether this process belongs to an attempt: what it starts would end with the attempt, and see its GPUs alone."""
    return "YOLOTUI_ATTEMPT" in os.environ


def ensure_leader(home: Home) -> bool:
    """Start a detached scheduler if nobody leads; True if so. It outlives this process and its terminal.

    Inside a job none is started: the job's own shim does that when the job has ended. A demonstration has its own.
    """
    if runs_inside_a_job() or is_led(home) or home.demo_mark.exists():
        return False
    start_detached(home, "yolotui.scheduler", "--until-idle")
    return True


def start_detached(home: Home, module: str, *arguments: str) -> None:
    """Run a module of ours for a home in a session of its own; it outlives this process and speaks into its log."""
    log = os.open(home.scheduler_log, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    try:
        # The shell leaves at once, so that a scheduler that ends is init's to bury and no zombie of a dashboard.
        subprocess.run(
            ["/bin/sh", "-c", '"$@" &', "sh", sys.executable, "-P", "-m", module, *arguments],
            env=scheduler_environment(home),
            cwd=home.root,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            check=False,
        )
    finally:
        os.close(log)


@contextmanager
def watching(home: Home) -> Iterator[None]:
    """Keep a leader from leaving while this block runs: somebody looks at it."""
    lock = Lock(home.watchers_lock)
    # A leader that asks whether anybody watches holds the lock for an instant.
    while not lock.acquire(shared=True):
        time.sleep(0.001)
    try:
        yield
    finally:
        lock.release()
