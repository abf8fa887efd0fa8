"""Leaving cleanly when the terminal hangs up or somebody ends the process, even when the event loop stands still."""

from __future__ import annotations

import os
import select
import signal
import sys
import termios
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType

GRACE_S = 2.0
SIGNALS = (signal.SIGHUP, signal.SIGTERM)


@contextmanager
def leaving_on_signals(leave: Callable[[int], None]) -> Iterator[None]:
    """Call `leave(128 + signal)` on SIGHUP or SIGTERM, from the main thread; it must only ask the loop to end.

    A terminal that reads nothing can block the loop for good: a timer then restores its settings and ends the process.
    The handler is Python's and not the loop's, because the loop's would wait for the loop. Where a terminal goes
    without a signal (under nohup, or when it is not the process's own), that is noticed, too.
    """
    modes = _terminal_modes()

    def on_signal(number: int, _frame: FrameType | None) -> None:
        code = 128 + number
        backstop = threading.Timer(GRACE_S, _end_now, (code, modes))
        backstop.daemon = True
        backstop.start()
        leave(code)

    before = {number: signal.signal(number, on_signal) for number in SIGNALS}
    threading.Thread(target=_signal_hang_up, daemon=True).start()
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _signal_hang_up() -> None:
    """Wait until the terminal has gone."""
    terminal = select.poll()
    terminal.register(sys.__stdin__ or 0, 0)  # asked for nothing: it answers when it is hung up
    if any(event & select.POLLHUP for _, event in terminal.poll()):
        os.kill(os.getpid(), signal.SIGHUP)


def _terminal_modes() -> list[object] | None:
    with suppress(termios.error, OSError, ValueError):
        return list(termios.tcgetattr(sys.__stdin__ or 0))
    return None


def _end_now(code: int, modes: list[object] | None) -> None:
    if modes is not None:
        with suppress(termios.error, OSError, ValueError):
            termios.tcsetattr(sys.__stdin__ or 0, termios.TCSANOW, modes)  # type: ignore[arg-type]
    os._exit(code)
