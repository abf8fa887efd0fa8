"""SIGTERM and SIGINT: stop now. What can be saved is on the disk already: checkpoints are written atomically."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from typing import Callable

SIGNALS = (signal.SIGTERM, signal.SIGINT)


class Stopped(BaseException):
    """The training was told to stop. `exit_code` is 128 + the signal."""

    def __init__(self, signum: int) -> None:
        super().__init__(f"stopped by signal {signum}")
        self.exit_code = 128 + signum


class StopSignals:
    """Raises Stopped in the main thread, once; calls `overdue` when the main thread hasn't left in time.

    A thread stuck in native code (NCCL that waits for a lost peer) never sees a Python exception; a helper thread,
    woken through the interpreter's wake-up pipe, then ends the process.
    """

    def __init__(self, leave_within_s: float, overdue: Callable[[int], None]) -> None:
        self.received: int | None = None
        self._leave_within_s = leave_within_s
        self._overdue = overdue
        self._left = threading.Event()

    def install(self) -> None:
        """Handle the signals from now on; forked children (data workers) get the default actions back."""
        reader, writer = os.pipe()
        os.set_blocking(writer, False)
        signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
        for signum in SIGNALS:
            signal.signal(signum, self._handle)
        os.register_at_fork(after_in_child=_forget)
        threading.Thread(target=self._watch, args=(reader,), daemon=True, name="stop-watch").start()

    def check(self) -> None:
        """Raise again if the first Stopped was swallowed on its way (an exception inside `__del__` is)."""
        if self.received is not None and not self._left.is_set():
            raise Stopped(self.received)

    def leave(self) -> None:
        """The main thread is on its way out: nothing is overdue any more."""
        self._left.set()

    def _handle(self, signum: int, _frame: object) -> None:
        if self.received is None and not self._left.is_set():
            self.received = signum
            raise Stopped(signum)

    def _watch(self, reader: int) -> None:
        while True:
            for signum in os.read(reader, 64):
                if signum in SIGNALS and not self._left.wait(self._leave_within_s):
                    self._overdue(signum)
                    return


def _forget() -> None:
    with contextlib.suppress(ValueError):  # forked from another thread than the main one
        signal.set_wakeup_fd(-1)
        for signum in SIGNALS:
            signal.signal(signum, signal.SIG_DFL)
