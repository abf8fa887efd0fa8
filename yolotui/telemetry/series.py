"""A run as it looks from outside: frozen, and the same whoever wrote it."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from yolotui.telemetry.events import Control, End, Start
from yolotui.telemetry.pace import Pace


class EpochRow(Struct, frozen=True):
    """An epoch (from 1), over all attempts.

    `elapsed_s`: seconds of training up to its end, earlier attempts with their lost work included; it never falls.
    `at_s`: UTC seconds, where known. `metrics`: finite values by column of results.csv; the names of the others are in
    `nonfinite`. `attempt` is 0 where only results.csv tells of it.
    """

    epoch: int
    elapsed_s: float
    metrics: dict[str, float]
    at_s: float | None = None
    attempt: int = 0
    epoch_s: float | None = None
    fitness: float | None = None
    nonfinite: tuple[str, ...] = ()


class BatchPoint(Struct, frozen=True):
    """A moment within an epoch. Losses and rates by name, finite ones only; times in seconds, memory in bytes."""

    at_s: float
    attempt: int
    epoch: int
    batch: int
    batches: int | None
    losses: dict[str, float]
    lr: dict[str, float]
    wait_s: float | None
    compute_s: float | None
    images_per_s: float | None
    memory_bytes: int | None
    gradient_norm: float | None = None
    nonfinite: tuple[str, ...] = ()


class Change(Struct, frozen=True):
    """Something that is not as it was asked for: `what` went from `before` to `to`."""

    attempt: int
    at_s: float
    what: str
    before: Any
    to: Any
    why: str


class AttemptInfo(Struct, frozen=True):
    """One attempt as its events tell it; times in UTC seconds."""

    number: int
    start: Start | None
    end: End | None
    first_at_s: float | None
    last_at_s: float | None
    phase: str
    checkpoint_at_s: float | None
    controls: tuple[Control, ...]


class RunSeries(Struct, frozen=True):
    """Everything that is known of a run, as one series over its attempts: `epochs` ascend, without doubles.

    `resumed_from_epoch`, `epochs_total`, `best_epoch`, `phase` and `end` are the newest attempt's. `paces` tells of
    epochs by number, of the one that is not whole yet, too.
    """

    epochs: tuple[EpochRow, ...] = ()
    batch: BatchPoint | None = None
    batch_tail: tuple[BatchPoint, ...] = ()
    attempts: tuple[AttemptInfo, ...] = ()
    changes: tuple[Change, ...] = ()
    epochs_total: int | None = None
    best_epoch: int | None = None
    paces: dict[int, Pace] = {}

    @property
    def newest(self) -> AttemptInfo | None:
        """The attempt that runs, or ran last."""
        return self.attempts[-1] if self.attempts else None

    @property
    def phase(self) -> str:
        """What it is doing, in the trainer's word; empty when it has ended or nothing is known."""
        return self.newest.phase if self.newest and self.newest.end is None else ""

    @property
    def end(self) -> End | None:
        """How the newest attempt ended in its own words, if it has."""
        return self.newest.end if self.newest else None

    @property
    def resumed_from_epoch(self) -> int | None:
        """The last whole epoch before the newest attempt."""
        return self.newest.start.resumed_from_epoch if self.newest and self.newest.start else None

    @property
    def checkpoint_at_s(self) -> float | None:
        """When the newest checkpoint was written, in UTC seconds."""
        return max((a.checkpoint_at_s for a in self.attempts if a.checkpoint_at_s is not None), default=None)
