"""A training must not die of its observer."""

from __future__ import annotations

from typing import Any, Callable

from .events import EventLog
from .verdict import describe

Callback = Callable[[Any], None]


class Guard:
    """Wraps callbacks so that their errors end here, as `trouble` events.

    Nothing of them reaches the console: why a training failed is looked for there.
    """

    def __init__(self, events: EventLog) -> None:
        self._events = events
        self._told: set[tuple[str, str]] = set()

    def __call__(self, callback: Callback) -> Callback:
        """The same callback, guarded. Stopped passes: it is no Exception, and it is meant."""

        def call(subject: Any) -> None:
            try:
                callback(subject)
            except Exception as problem:  # noqa: BLE001 - whatever it is, the training goes on
                self._tell(callback.__name__, problem)

        return call

    def _tell(self, callback: str, problem: Exception) -> None:
        """Once of each kind: what fails in one batch fails in all of them."""
        kind = (callback, type(problem).__name__)
        if kind not in self._told:
            self._told.add(kind)
            self._events.write("trouble", callback=callback.lstrip("_"), error=describe(problem))
