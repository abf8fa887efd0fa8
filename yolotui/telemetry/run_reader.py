"""A run directory as one continuous series over all its attempts."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Mapping, Sequence
from pathlib import Path

from msgspec.structs import replace

from yolotui.telemetry.attempt_reader import AttemptReader, finite
from yolotui.telemetry.events import Epoch
from yolotui.telemetry.pace import Pace
from yolotui.telemetry.results_csv import CsvRow, ResultsCsv
from yolotui.telemetry.series import BatchPoint, EpochRow, RunSeries

TAIL_POINTS = 300

_ATTEMPT = re.compile(r"attempt-(\d{1,9})")


class RunReader:
    """Follows RUN_DIR: its attempts' events, and results.csv (in `train/`, or of a run that was started by hand)."""

    def __init__(self, run_dir: str | Path) -> None:
        self.run_dir = run_dir = Path(run_dir)
        self._attempts: dict[int, AttemptReader] = {}
        self._tables = [ResultsCsv(run_dir / "train" / "results.csv"), ResultsCsv(run_dir / "results.csv")]
        self._tail: deque[BatchPoint] = deque(maxlen=TAIL_POINTS)
        self._series: RunSeries | None = None

    def poll(self) -> bool:
        """Read what is new; True if there was anything."""
        self._find_attempts()
        news = False
        for _, attempt in sorted(self._attempts.items()):
            news |= attempt.poll(self._tail)
        for table in self._tables:
            news |= table.poll()
        if news:
            self._series = None
        return news

    @property
    def series(self) -> RunSeries:
        """The run as of the last poll, frozen."""
        if self._series is None:
            self._series = self._build()
        return self._series

    def _find_attempts(self) -> None:
        try:
            names = [path.name for path in self.run_dir.iterdir()]
        except OSError:  # not made yet
            return
        for name in names:
            match = _ATTEMPT.fullmatch(name)
            if match and int(match[1]) not in self._attempts:
                number = int(match[1])
                self._attempts[number] = AttemptReader(number, self.run_dir / name / "events.jsonl")

    def _build(self) -> RunSeries:
        attempts = [attempt for _, attempt in sorted(self._attempts.items())]
        epochs = _filled(_told(attempts), self._csv_rows(), _newest_cut(attempts))
        starts = [attempt.start for attempt in attempts if attempt.start]
        newest_row = next((r for a in reversed(attempts) for r in reversed(a.rows.values())), None)
        total = newest_row.epochs if newest_row and newest_row.epochs else starts[-1].epochs if starts else None
        tail = tuple(self._tail)
        return RunSeries(
            epochs=tuple(epochs[number] for number in sorted(epochs)),
            batch=tail[-1] if tail else None,
            batch_tail=tail,
            attempts=tuple(attempt.info for attempt in attempts),
            changes=tuple(change for attempt in attempts for change in attempt.changes),
            epochs_total=total,
            best_epoch=newest_row.best_epoch if newest_row else None,
            paces=_paces(attempts),
        )

    def _csv_rows(self) -> Mapping[int, CsvRow]:
        return next((table.rows for table in self._tables if table.rows), {})


def _told(attempts: Sequence[AttemptReader]) -> dict[int, EpochRow]:
    """The epochs that events tell of. Those above the epoch that a later attempt resumed from are superseded by it."""
    merged: dict[int, EpochRow] = {}
    earlier_s = 0.0
    for attempt in attempts:
        keep = attempt.resumed_after
        if keep is None:
            continue
        merged = {number: row for number, row in merged.items() if number <= keep}
        for event in sorted(attempt.rows.values(), key=lambda row: row.epoch):
            elapsed_s = earlier_s + max(event.t - attempt.began_at_s, 0.0)
            merged[event.epoch] = _row(event, elapsed_s, attempt.number)
        earlier_s += attempt.spent_s
    return _never_falling(merged)


def _paces(attempts: Sequence[AttemptReader]) -> dict[int, Pace]:
    """How each epoch went, where it was trained last."""
    merged: dict[int, Pace] = {}
    for attempt in attempts:
        keep = attempt.resumed_after
        if keep is not None:
            merged = {number: pace for number, pace in merged.items() if number <= keep}
        merged |= attempt.paces
    return merged


def _row(event: Epoch, elapsed_s: float, attempt: int) -> EpochRow:
    # Epoch and time are Ultralytics' columns too; `time` restarts with every process, so ours stands for it.
    columns = {name: value for name, value in event.metrics.items() if name not in {"epoch", "time"}}
    metrics = finite(columns)
    return EpochRow(
        epoch=event.epoch,
        elapsed_s=elapsed_s,
        metrics=metrics,
        at_s=event.t,
        attempt=attempt,
        epoch_s=event.epoch_s,
        fitness=event.fitness,
        nonfinite=tuple(sorted(columns.keys() - metrics.keys())),
    )


def _never_falling(rows: dict[int, EpochRow]) -> dict[int, EpochRow]:
    """A clock that was set back must not make elapsed time fall."""
    highest_s = 0.0
    steady = {}
    for number in sorted(rows):
        row = rows[number]
        highest_s = max(highest_s, row.elapsed_s)
        steady[number] = row if row.elapsed_s == highest_s else replace(row, elapsed_s=highest_s)
    return steady


def _newest_cut(attempts: Sequence[AttemptReader]) -> int | None:
    """The last epoch that the newest attempt claims beyond its rows; None without an attempt that says anything."""
    for attempt in reversed(attempts):
        if attempt.resumed_after is not None:
            return max(attempt.resumed_after, attempt.end.epochs_done or 0 if attempt.end else 0)
    return None


def _filled(told: dict[int, EpochRow], table: Mapping[int, CsvRow], cut: int | None) -> dict[int, EpochRow]:
    """The told epochs, and from results.csv those between them whose event was lost; all of it where nothing is told.

    Rows of the table after the newest epoch that is told may be of an attempt that was superseded: they don't count.
    """
    end = None if cut is None else max([cut, *told])
    rows = dict(told)
    ceiling_s = float("inf")
    for number in sorted({*told, *table}, reverse=True):
        if number in told:
            ceiling_s = told[number].elapsed_s
        elif end is None or number <= end:
            row = table[number]
            rows[number] = EpochRow(
                epoch=number,
                elapsed_s=min(row.elapsed_s, ceiling_s),
                metrics=row.metrics,
                epoch_s=row.epoch_s,
                nonfinite=row.nonfinite,
            )
    return _never_falling(rows)
