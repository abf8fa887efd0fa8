"""Shared by the tests of all rooms."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def eventually(predicate: Callable[[], T], timeout_s: float = 30.0, *, every_s: float = 0.02) -> T:
    """Wait until `predicate` returns something true, and return that. Raises AssertionError at the deadline."""
    deadline = time.monotonic() + timeout_s
    while True:
        result = predicate()
        if result:
            return result
        assert time.monotonic() < deadline, f"not within {timeout_s} s: {predicate}"
        time.sleep(every_s)
