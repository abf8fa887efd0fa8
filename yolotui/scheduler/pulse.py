"""How long trainings have been silent, and their rhythm: what the watchdog goes by."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from yolotui.core.jobs import Attempt, Job
from yolotui.core.limits import TRAINING, Pulse
from yolotui.locations import attempt_directory
from yolotui.telemetry import RunSeries

# Between two looks no more than this counts as silence: a scheduler that was stopped itself, or a machine that slept,
# must not take its own absence for that of the training.
LONGEST_LOOK_S = 5.0

_Signs = tuple[object, ...]


class Pulses:
    """Listens to trainings. `series_of` gives what is known of a job's run, freshly read."""

    def __init__(self, series_of: Callable[[Job], RunSeries], clock: Callable[[], float] = time.monotonic) -> None:
        self._series_of = series_of
        self._clock = clock
        self._last: dict[str, tuple[float, float, _Signs]] = {}  # looked at, silent for, signs of life then

    def take(self, job: Job, attempt: Attempt) -> Pulse:
        """The pulse of an attempt that runs; its silence begins with the first look."""
        series = self._series_of(job)
        phase = series.phase
        now = self._clock()
        signs = _signs(series, phase, attempt_directory(job.run_dir, attempt.number))
        looked_at, silent_s, before = self._last.get(attempt.uuid, (now, 0.0, signs))
        silent_s = silent_s + min(now - looked_at, LONGEST_LOOK_S) if signs == before else 0.0
        self._last[attempt.uuid] = (now, silent_s, signs)
        own = [point for point in series.batch_tail if point.attempt == attempt.number]
        times_s = [(point.wait_s or 0.0) + (point.compute_s or 0.0) for point in own]
        return Pulse(silent_s=silent_s, phase=phase, batch_s=max(times_s, default=None), epoch_s=_longest_epoch(series))

    def forget(self, uuid: str) -> None:
        """Let go of an attempt that has ended."""
        self._last.pop(uuid, None)


def _signs(series: RunSeries, phase: str, attempt_dir: Path) -> _Signs:
    """What changes as long as it lives. Between batches its events alone count: a training that hangs may still print.

    Where it makes no events (caching images, validating), its progress bar will do.
    """
    newest = series.newest
    heard = (newest.number, newest.last_at_s, len(series.epochs)) if newest else ()
    return heard if phase == TRAINING else (*heard, _size(attempt_dir / "console.log"))


def _size(file: Path) -> int:
    try:
        return file.stat().st_size
    except OSError:
        return 0


def _longest_epoch(series: RunSeries) -> float | None:
    return max((row.epoch_s for row in series.epochs if row.epoch_s is not None), default=None)
