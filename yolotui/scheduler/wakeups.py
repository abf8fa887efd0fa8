"""What wakes the leader: a process that ends, a file that appears, a commit, a signal, another thread, the clock."""

from __future__ import annotations

import os
import selectors
import signal
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import NamedTuple

from inotify_simple import INotify, flags


class _Watched(NamedTuple):
    on_wake: Callable[[], None]


class Wakeups:
    """Waits for the first of many things. Not for use by several threads, but for `nudge`."""

    def __init__(self) -> None:
        self._selector = selectors.DefaultSelector()
        self._inotify = INotify()
        self._nudges = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._paths: dict[Path, int] = {}
        self._processes: dict[int, int] = {}
        self._selector.register(self._inotify.fileno(), selectors.EVENT_READ, _Watched(self._drain_inotify))
        self._selector.register(self._nudges, selectors.EVENT_READ, _Watched(self._drain_nudges))
        self.asked_to_leave = False

    def leave_on(self, *numbers: signal.Signals) -> None:
        """Let these signals set `asked_to_leave` and wake the waiter."""
        for number in numbers:
            signal.signal(number, self._note_signal)

    def nudge(self) -> None:
        """Wake the waiter, from any thread or from a signal handler."""
        os.eventfd_write(self._nudges, 1)

    def watch_file(self, path: Path) -> None:
        """Wake when the file is touched."""
        self._add_path(path, flags.ATTRIB)

    def watch_directory(self, path: Path) -> None:
        """Wake when a file appears in the directory."""
        self._add_path(path, flags.CREATE | flags.MOVED_TO)

    def unwatch(self, path: Path) -> None:
        """Stop watching a path."""
        if (watch := self._paths.pop(path, None)) is not None:
            with suppress(OSError):  # the directory may be gone, and its watch with it
                self._inotify.rm_watch(watch)

    def watch_process(self, pid: int) -> bool:
        """Wake when the process ends; False if there is none. The caller makes sure that the pid is the right one."""
        if pid in self._processes:
            return True
        try:
            descriptor = os.pidfd_open(pid)
        except ProcessLookupError:
            return False
        self._processes[pid] = descriptor
        self._selector.register(descriptor, selectors.EVENT_READ, _Watched(lambda: self.unwatch_process(pid)))
        return True

    def unwatch_process(self, pid: int) -> None:
        """Stop waiting for a process."""
        if (descriptor := self._processes.pop(pid, None)) is not None:
            self._selector.unregister(descriptor)
            os.close(descriptor)

    def wait(self, timeout_s: float) -> None:
        """Wait until something happens, at most so long."""
        for key, _ in self._selector.select(max(0.0, timeout_s)):
            key.data.on_wake()

    def close(self) -> None:
        """Let go of every descriptor."""
        for pid in list(self._processes):
            self.unwatch_process(pid)
        self._selector.close()
        self._inotify.close()
        os.close(self._nudges)

    def _add_path(self, path: Path, mask: flags) -> None:
        if path not in self._paths:
            self._paths[path] = self._inotify.add_watch(str(path), mask)

    def _drain_inotify(self) -> None:
        self._inotify.read(timeout=0)

    def _drain_nudges(self) -> None:
        with suppress(BlockingIOError):
            os.eventfd_read(self._nudges)

    def _note_signal(self, number: int, frame: FrameType | None) -> None:
        del number, frame
        self.asked_to_leave = True
        self.nudge()
