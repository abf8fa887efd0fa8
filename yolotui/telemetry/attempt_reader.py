"""One attempt's events.jsonl, as it grows."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from math import isfinite
from pathlib import Path

from yolotui.telemetry.events import (
    Batch,
    Changed,
    Checkpoint,
    Control,
    End,
    Epoch,
    Event,
    Phase,
    Start,
    decode,
)
from yolotui.telemetry.growing import IncrementalLines
from yolotui.telemetry.pace import Pace, PaceSum
from yolotui.telemetry.series import AttemptInfo, BatchPoint, Change

MOST_NOTES = 100


class AttemptReader:
    """What one attempt has told so far. `rows` are its epoch events by epoch, the last of each."""

    def __init__(self, number: int, path: Path) -> None:
        self.number = number
        self._lines = IncrementalLines(path)
        self._generation = 0
        self._forget()

    def _forget(self) -> None:
        self.rows: dict[int, Epoch] = {}
        self._paces: dict[int, PaceSum] = {}
        self.start: Start | None = None
        self.end: End | None = None
        self.changes: deque[Change] = deque(maxlen=MOST_NOTES)
        self._controls: deque[Control] = deque(maxlen=MOST_NOTES)
        self._phase = ""
        self._first_at_s: float | None = None
        self._last_at_s: float | None = None
        self._checkpoint_at_s: float | None = None

    def poll(self, tail: deque[BatchPoint]) -> bool:
        """Read what is new, batches into `tail`; True if there was anything."""
        news = False
        for line in self._lines.read():
            self._notice_restart(tail)
            if (event := decode(line)) is not None:
                news = True
                self._take(event, tail)
        return self._notice_restart(tail) or news

    def _notice_restart(self, tail: deque[BatchPoint]) -> bool:
        """Forget what a file said that was truncated or replaced since."""
        restarted = self._lines.generation != self._generation
        if restarted:
            self._generation = self._lines.generation
            self._forget()
            tail.clear()
        return restarted

    def _take(self, event: Event, tail: deque[BatchPoint]) -> None:
        if self._first_at_s is None:
            self._first_at_s = event.t
        self._last_at_s = max(event.t, self._last_at_s or event.t)
        match event:
            case Batch():
                if event.stands_for == 1:
                    tail.append(_point(event, self.number))
                self._paces.setdefault(event.epoch, PaceSum()).add(event)
            case Epoch():
                self.rows.pop(event.epoch, None)  # so that the newest is the last in order, too
                self.rows[event.epoch] = event
            case Start():
                self.start = event
            case Phase():
                self._phase = event.name
            case Checkpoint():
                self._checkpoint_at_s = event.t
            case Changed():
                self.changes.append(Change(self.number, event.t, event.what, event.before, event.to, event.why))
            case Control():
                self._controls.append(event)
            case End():
                self.end = event

    @property
    def paces(self) -> dict[int, Pace]:
        """How each epoch went, of those whose batches were told."""
        return {epoch: total.pace for epoch, total in self._paces.items()}

    @property
    def resumed_after(self) -> int | None:
        """The last epoch that earlier attempts keep: 0 after a fresh start, None while nothing is known."""
        if self.start is not None:
            return self.start.resumed_from_epoch or 0
        return min(self.rows) - 1 if self.rows else None

    @property
    def began_at_s(self) -> float:
        """When its time starts to count, in UTC seconds."""
        return self.start.t if self.start else self._first_at_s or 0.0

    @property
    def spent_s(self) -> float:
        """Seconds from its start to the last that is known of it."""
        return max((self._last_at_s or 0.0) - self.began_at_s, 0.0)

    @property
    def info(self) -> AttemptInfo:
        """The attempt for others to read."""
        return AttemptInfo(
            number=self.number,
            start=self.start,
            end=self.end,
            first_at_s=self._first_at_s,
            last_at_s=self._last_at_s,
            phase=self._phase,
            checkpoint_at_s=self._checkpoint_at_s,
            controls=tuple(self._controls),
        )


def finite(values: Mapping[str, float | None]) -> dict[str, float]:
    """The values that are numbers."""
    return {name: value for name, value in values.items() if value is not None and isfinite(value)}


def _point(event: Batch, attempt: int) -> BatchPoint:
    return BatchPoint(
        at_s=event.t,
        attempt=attempt,
        epoch=event.epoch,
        batch=event.batch,
        batches=event.batches,
        losses=finite(event.losses),
        lr=finite(event.lr),
        wait_s=event.wait_s,
        compute_s=event.compute_s,
        images_per_s=event.images_per_s,
        memory_bytes=None if event.memory_bytes is None else int(event.memory_bytes),
        gradient_norm=event.gradient_norm,
        nonfinite=tuple(event.nonfinite),
    )
