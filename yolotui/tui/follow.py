"""The thread that reads run directories: the selected run as it grows, and a small curve for each row in sight."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from yolotui.core.jobs import ACTIVE, Job, Kind
from yolotui.core.metrics import main_metric
from yolotui.telemetry import LogTail, RunReader
from yolotui.telemetry.results_csv import ResultsCsv
from yolotui.telemetry.series import BatchPoint, RunSeries
from yolotui.tui.run_view import BatchNow, RunView
from yolotui.tui.words import squeeze

INTERVAL_S = 0.5
LOG_LINES = 200
CURVE_POINTS = 40
CURVES_KEPT = 500
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
        return self.run_dir / f"attempt-{self.attempt}" / "console.log"


@dataclass(frozen=True)
class CurveOf:
    """A row in sight whose curve is wanted; another number of epochs makes it stale."""

    job_id: int
    run_dir: Path
    epochs: int

    @classmethod
    def of(cls, job: Job) -> CurveOf | None:
        """The curve of a training that has any epochs."""
        epochs = job.progress.epochs_done
        return cls(job.id, Path(job.run_dir), epochs) if epochs and job.spec.kind is Kind.TRAIN else None


class Follower(threading.Thread):
    """Follows one run, twice a second, while it may grow; posts frozen views."""

    def __init__(
        self, post_run: Callable[[RunView], object], post_curves: Callable[[Mapping[int, tuple[float, ...]]], object]
    ) -> None:
        super().__init__(name="follower", daemon=True)
        self._post_run = post_run
        self._post_curves = post_curves
        self._wake = threading.Event()
        self._stopped = threading.Event()
        self._followed: Followed | None = None
        self._shown: Followed | None = None
        self._wanted: Sequence[CurveOf] = ()
        self._curves: dict[int, tuple[float, ...]] = {}
        self._curve_epochs: dict[int, int] = {}
        self._readers: dict[Path, RunReader] = {}
        self._logs: dict[Path, LogTail] = {}

    def follow(self, followed: Followed | None) -> None:
        """Follow this run from now on, or none."""
        if followed != self._followed:
            self._followed = followed
            self._wake.set()

    def want_curves(self, wanted: Sequence[CurveOf]) -> None:
        """Read the curves of these rows, as far as they are not known."""
        if wanted != self._wanted:
            self._wanted = wanted
            self._wake.set()

    def stop(self) -> None:
        """Leave the loop; does not wait."""
        self._stopped.set()
        self._wake.set()

    def run(self) -> None:
        """Read until stopped."""
        while not self._stopped.is_set():
            followed = self._followed
            if followed is not None:
                self._read_run(followed)
            self._read_curves(self._wanted)
            grows = followed is not None and followed.grows
            self._wake.wait(INTERVAL_S if grows else None)
            self._wake.clear()

    def _read_run(self, followed: Followed) -> None:
        reader = _newest(self._readers, followed.run_dir, RunReader)
        log = _newest(self._logs, followed.log, lambda path: LogTail(path, lines=LOG_LINES))
        try:
            news = reader.poll()
            news |= log.poll()
        except OSError as error:  # another user's directory, a disk that went away: said where the log would be
            self._shown = followed
            self._post_run(
                RunView(followed.job_id, log=(f"It can't be read: {error}.",), log_path=str(followed.run_dir))
            )
            return
        if news or followed != self._shown:
            self._shown = followed
            self._post_run(view_of(followed, reader.series, log.lines))

    def _read_curves(self, wanted: Sequence[CurveOf]) -> None:
        stale = [each for each in wanted if self._curve_epochs.get(each.job_id) != each.epochs]
        for each in stale:
            table = ResultsCsv(each.run_dir / "train" / "results.csv")
            table.poll()
            self._curves[each.job_id] = curve(table)
            self._curve_epochs[each.job_id] = each.epochs
            if self._stopped.is_set() or self._wanted is not wanted:
                break
        while len(self._curves) > CURVES_KEPT:
            oldest = next(iter(self._curves))
            del self._curves[oldest], self._curve_epochs[oldest]
        if stale:
            self._post_curves(dict(self._curves))


def _newest(kept: dict[Path, Reader], path: Path, make: Callable[[Path], Reader]) -> Reader:
    """The reader of a path; of those that were used long ago none is kept."""
    reader = kept.pop(path, None) or make(path)
    kept[path] = reader
    while len(kept) > READERS_KEPT:
        del kept[next(iter(kept))]
    return reader


def curve(table: ResultsCsv) -> tuple[float, ...]:
    """The metric that a run is judged by, over its whole life."""
    rows = [table.rows[epoch].metrics for epoch in sorted(table.rows)]
    found = main_metric(rows[-1]) if rows else None
    return tuple(squeeze([row.get(found[0], float("nan")) for row in rows], CURVE_POINTS)) if found else ()


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
        log_path=f"{followed.run_dir.name}/attempt-{followed.attempt}/console.log",
    )


def _batch(point: BatchPoint) -> BatchNow:
    spent = (point.wait_s or 0.0) + (point.compute_s or 0.0)
    return BatchNow(
        epoch=point.epoch,
        batch=point.batch,
        batches=point.batches or 0,
        images_per_s=point.images_per_s,
        wait_share=point.wait_s / spent if point.wait_s is not None and spent > 0 else None,
        memory_bytes=point.memory_bytes,
        lr=next(iter(point.lr.values()), None),
    )
