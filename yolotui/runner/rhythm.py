"""The rhythm of a training: how long it waits for data, how long it computes, and when to say so."""

from __future__ import annotations

import time

# Densely while one looks whether it goes well, thinly when it has settled: (up to so many seconds, a report so often).
DENSE_S, DENSE_EVERY_S = 10.0, 0.1
LIVE_S, LIVE_EVERY_S = 1800.0, 0.5
THIN_EVERY_S = 2.0


class Rhythm:
    """Counts batches and adds up times between two reports."""

    def __init__(self) -> None:
        self._batch = 0
        self._began_at: float | None = None
        self._reported_at = 0.0
        self._mark = time.perf_counter()
        self._batch_started_at = self._mark
        self._clear()

    def start_epoch(self) -> None:
        """Batches count from 1 again, and the first one is always reported."""
        self._batch = 0
        self._mark = time.perf_counter()
        self._clear()

    def start_batch(self) -> None:
        """The data is there."""
        now = time.perf_counter()
        self._batch_started_at = now
        self._wait_s += now - self._mark

    def end_batch(self) -> bool:
        """The batch is computed. True when a report is due."""
        now = self._mark = time.perf_counter()
        self._compute_s += now - self._batch_started_at
        self._batch += 1
        self._batches += 1
        if self._began_at is None:
            self._began_at = now
        return self._batch == 1 or now - self._reported_at >= report_every_s(now - self._began_at)

    def take(self, batch_size: int) -> tuple[int, dict[str, float]]:
        """The number of the batch in its epoch, and the mean times since the last report in seconds."""
        elapsed_s = self._wait_s + self._compute_s
        timing = {
            "wait_s": round(self._wait_s / self._batches, 6),
            "compute_s": round(self._compute_s / self._batches, 6),
            "images_per_s": round(batch_size * self._batches / elapsed_s, 2) if elapsed_s > 0 else 0.0,
        }
        self._reported_at = time.perf_counter()
        self._clear()
        return self._batch, timing

    def _clear(self) -> None:
        self._wait_s = self._compute_s = 0.0
        self._batches = 0


def report_every_s(age_s: float) -> float:
    """How much time lies between two reports of a training that has trained for so long, in seconds."""
    if age_s < DENSE_S:
        return DENSE_EVERY_S
    return LIVE_EVERY_S if age_s < LIVE_S else THIN_EVERY_S
