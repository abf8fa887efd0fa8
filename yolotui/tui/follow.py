"""The thread that reads run directories: the selected run as it grows, and a small curve for each row in sight."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from yolotui.core.jobs import Job, Kind
from yolotui.core.metrics import main_metric
from yolotui.telemetry.results_csv import ResultsCsv
from yolotui.tui.run_reading import Followed, RunFiles, RunThread, unreadable, view_of
from yolotui.tui.run_view import RunView
from yolotui.tui.words import squeeze

LOG_LINES = 200
CURVE_POINTS = 40
CURVES_KEPT = 500


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


class Follower(RunThread):
    """Follows one run; posts frozen views."""

    def __init__(
        self, post_run: Callable[[RunView], object], post_curves: Callable[[Mapping[int, tuple[float, ...]]], object]
    ) -> None:
        super().__init__("follower")
        self._post_run = post_run
        self._post_curves = post_curves
        self._followed: Followed | None = None
        self._files = RunFiles(LOG_LINES)
        self._wanted: Sequence[CurveOf] = ()
        self._curves: dict[int, tuple[float, ...]] = {}
        self._curve_epochs: dict[int, int] = {}

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

    def _look(self) -> bool:
        followed = self._followed
        if followed is not None:
            self._read_run(followed)
        self._read_curves(self._wanted)
        return followed is not None and followed.grows

    def _read_run(self, followed: Followed) -> None:
        try:
            if self._files.read(followed):
                self._post_run(view_of(followed, self._files.series, self._files.log))
        except OSError as error:
            self._post_run(unreadable(followed, error))

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


def curve(table: ResultsCsv) -> tuple[float, ...]:
    """The metric that a run is judged by, over its whole life."""
    rows = [table.rows[epoch].metrics for epoch in sorted(table.rows)]
    found = main_metric(rows[-1]) if rows else None
    return tuple(squeeze([row.get(found[0], float("nan")) for row in rows], CURVE_POINTS)) if found else ()
