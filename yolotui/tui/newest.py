"""A thread that does one thing to the newest of what it is given: for questions asked faster than answered."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

Item = TypeVar("Item")


class Newest(threading.Thread, Generic[Item]):
    """Works on one item after another; of those that came meanwhile only the last."""

    def __init__(self, name: str, work: Callable[[Item], object]) -> None:
        """`work` is called from this thread."""
        super().__init__(name=name, daemon=True)
        self._work = work
        self._items: list[Item] = []
        self._wake = threading.Event()
        self._stopped = False

    def ask(self, item: Item) -> None:
        """Work on this one next."""
        self._items = [item]
        self._wake.set()

    def stop(self) -> None:
        """Leave; does not wait."""
        self._stopped = True
        self._wake.set()

    def run(self) -> None:
        """Work until stopped."""
        while True:
            self._wake.wait()
            self._wake.clear()
            if self._stopped:
                return
            if self._items:
                self._work(self._items.pop())
