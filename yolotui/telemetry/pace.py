"""How an epoch went, batch by batch: throughput, time lost to data, memory. Summed up as its batches are told."""

from __future__ import annotations

from msgspec import Struct

from yolotui.telemetry.events import Batch


class Pace(Struct, frozen=True):
    """The batches of an epoch that were told. None is what none of them told.

    `images_per_s`, `wait_s` and `compute_s` (the two parts of a step's time) are their means; `wait_share` is the part
    (0 to 1) that went into waiting for data. `memory_bytes` is the most GPU memory reserved, `gradient_norm` the
    largest norm of the gradients.
    """

    images_per_s: float | None = None
    wait_s: float | None = None
    compute_s: float | None = None
    wait_share: float | None = None
    memory_bytes: int | None = None
    gradient_norm: float | None = None


class PaceSum:
    """Adds up the batches of one epoch."""

    def __init__(self) -> None:
        self._speeds = 0.0
        self._speed_count = 0
        self._wait_s = 0.0
        self._compute_s = 0.0
        self._timed = 0
        self._memory_bytes: int | None = None
        self._gradient_norm: float | None = None

    def add(self, batch: Batch) -> None:
        """One more batch, or several that one stands for."""
        if batch.images_per_s is not None:
            self._speeds += batch.stands_for * batch.images_per_s
            self._speed_count += batch.stands_for
        if batch.wait_s is not None and batch.compute_s is not None:
            self._wait_s += batch.stands_for * batch.wait_s
            self._compute_s += batch.stands_for * batch.compute_s
            self._timed += batch.stands_for
        if batch.memory_bytes is not None:
            self._memory_bytes = max(int(batch.memory_bytes), self._memory_bytes or 0)
        if batch.gradient_norm is not None:
            self._gradient_norm = max(batch.gradient_norm, self._gradient_norm or 0.0)

    @property
    def pace(self) -> Pace:
        """What they come to."""
        spent_s = self._wait_s + self._compute_s
        return Pace(
            images_per_s=self._speeds / self._speed_count if self._speed_count else None,
            wait_s=self._wait_s / self._timed if self._timed else None,
            compute_s=self._compute_s / self._timed if self._timed else None,
            wait_share=self._wait_s / spent_s if spent_s > 0 else None,
            memory_bytes=self._memory_bytes,
            gradient_norm=self._gradient_norm,
        )
