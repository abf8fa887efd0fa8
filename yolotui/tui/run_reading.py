"""What the threads that read runs share: which run, its series and its log, and when to look again."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from yolotui.core.jobs import ACTIVE, Job
from yolotui.locations import console_log
from yolotui.telemetry import LogTail, RunReader
from yolotui.telemetry.series import BatchPoint, RunSeries
from yolotui.tui.run_view import BatchNow, RunView

INTERVAL_S = 0.5
READERS_KEPT = 8

Reader = TypeVar("Reader")


@dataclass(frozen=True)
class Followed:
    """The run to follow, and whether it may still grow."""

    job_id: int
    run_dir: Path
    attempt: int
    grows: bool

    @classmethod
    def of(cls, job: Job) -> Followed:
        """What there is to read of a job."""
        return cls(
            job.id, Path(job.run_dir), job.attempts[-1].number if job.attempts else 0, isinstance(job.status, ACTIVE)
        )

    @property
    def log(self) -> Path:
        """What its newest attempt printed."""
        return console_log(self.run_dir, self.attempt)


class RunThread(threading.Thread, ABC):
    """Looks twice a second while what it reads may grow, and otherwise when something else is to be read."""

    def __init__(self, name: str) -> None:
        super().__init__(name=name, daemon=True)
        self._wake = threading.Event()
        self._stopped = threading.Event()

    def stop(self) -> None:
        """Leave the loop; does not wait."""
        self._stopped.set()
        self._wake.set()

    def run(self) -> None:
        """Read until stopped."""
        while not self._stopped.is_set():
            grows = self._look()
            self._wake.wait(INTERVAL_S if grows else None)
            self._wake.clear()

    @abstractmethod
    def _look(self) -> bool:
        """Read what there is, and post what is news; whether there may soon be more."""


class RunFiles:
    """The series of the run that was read last, and the last lines of its log; of other runs a few are kept."""

    def __init__(self, log_lines: int) -> None:
        self._log_lines = log_lines
        self.followed: Followed | None = None
        self._readers: dict[Path, RunReader] = {}
        self._logs: dict[Path, LogTail] = {}
        self.series = RunSeries()
        self.log: Sequence[str] = ()

    def read(self, followed: Followed) -> bool:
        """Read on; whether there is news: more of this run, or another one. Raises OSError if it can't be read."""
        reader = _newest(self._readers, followed.run_dir, RunReader)
        log = _newest(self._logs, followed.log, lambda path: LogTail(path, lines=self._log_lines))
        is_other = followed != self.followed
        try:
            has_grown = reader.poll() | log.poll()
        finally:
            self.followed = followed
        self.series, self.log = reader.series, log.lines
        return has_grown or is_other


def _newest(kept: dict[Path, Reader], path: Path, make: Callable[[Path], Reader]) -> Reader:
    """The reader of a path; of those that were used long ago none is kept."""
    reader = kept.pop(path, None) or make(path)
    kept[path] = reader
    while len(kept) > READERS_KEPT:
        del kept[next(iter(kept))]
    return reader


def unreadable(followed: Followed, error: OSError) -> RunView:
    """Another user's directory, or a disk that went away: said where the log would be."""
    return RunView(followed.job_id, log=(f"It can't be read: {error}.",), log_path=str(followed.run_dir))


def view_of(followed: Followed, series: RunSeries, log: Sequence[str]) -> RunView:
    """A run's series, column by column."""
    names = dict.fromkeys(name for row in series.epochs for name in row.metrics)
    nan = float("nan")
    return RunView(
        job_id=followed.job_id,
        epochs=tuple(row.epoch for row in series.epochs),
        columns={name: tuple(row.metrics.get(name, nan) for row in series.epochs) for name in names},
        batch=_batch(series.batch) if series.batch else None,
        images_per_s=tuple(p.images_per_s for p in series.batch_tail if p.images_per_s is not None),
        batch_losses=tuple(sum(p.losses.values()) for p in series.batch_tail if p.losses),
        phase=series.phase,
        log=tuple(log),
        log_path=str(followed.log.relative_to(followed.run_dir.parent)),
    )


def _batch(point: BatchPoint) -> BatchNow:
    spent = (point.wait_s or 0.0) + (point.compute_s or 0.0)
    return BatchNow(
        epoch=point.epoch,
        batch=point.batch,
        batches=point.batches or 0,
        images_per_s=point.images_per_s,
        wait_share=point.wait_s / spent if point.wait_s is not None and spent > 0 else None,
        step_s=spent or None,
        gradient_norm=point.gradient_norm,
        memory_bytes=point.memory_bytes,
        lr=next(iter(point.lr.values()), None),
    )
