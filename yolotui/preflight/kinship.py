"""A check leaves nothing behind: its processes end with whoever started them."""

from __future__ import annotations

import ctypes
import signal


def die_with_parent() -> None:
    """Have the kernel end this process with the one that started it, however that ends."""
    ctypes.CDLL(None, use_errno=True).prctl(1, signal.SIGKILL, 0, 0, 0)  # PR_SET_PDEATHSIG
