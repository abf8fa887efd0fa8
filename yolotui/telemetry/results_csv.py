"""Ultralytics' results.csv, as it grows: for runs without events of ours, and for epochs whose event was lost."""

from __future__ import annotations

import csv
from math import isfinite
from pathlib import Path

from msgspec import Struct

from yolotui.telemetry.growing import IncrementalLines


class CsvRow(Struct, frozen=True):
    """A row: `epoch` from 1; `elapsed_s` over all processes that wrote the file, 0 where it has no `time`."""

    epoch: int
    elapsed_s: float
    epoch_s: float | None
    metrics: dict[str, float]
    nonfinite: tuple[str, ...]


class ResultsCsv:
    """The rows of a results.csv by epoch, the last of each; columns by name, whatever they are."""

    def __init__(self, path: Path) -> None:
        self._lines = IncrementalLines(path)
        self._generation = 0
        self._forget()

    def _forget(self) -> None:
        self.rows: dict[int, CsvRow] = {}
        self._header: list[str] = []
        self._first_epoch: int | None = None
        self._earlier_s = 0.0
        self._time_s = 0.0

    def poll(self) -> bool:
        """Read what is new; True if there was anything."""
        news = False
        for line in self._lines.read():
            self._notice_restart()
            news |= self._take(line)
        return self._notice_restart() or news

    def _notice_restart(self) -> bool:
        restarted = self._lines.generation != self._generation
        if restarted:
            self._generation = self._lines.generation
            self._forget()
        return restarted

    def _take(self, line: str) -> bool:
        try:
            (cells,) = csv.reader([line])
        except (csv.Error, ValueError):  # an empty line, a NUL, a field without an end
            return False
        cells = [cell.strip() for cell in cells]  # older versions pad the columns
        if "epoch" in cells:
            self._header = cells
            return False
        values = _numbers(self._header, cells)
        epoch = values.pop("epoch", None)
        if epoch is None or not isfinite(epoch) or len(cells) != len(self._header):
            return False
        self._add(int(epoch), values)
        return True

    def _add(self, epoch: int, values: dict[str, float]) -> None:
        if self._first_epoch is None:
            self._first_epoch = epoch
        epoch += self._first_epoch == 0  # the first versions counted from 0
        time_s = values.pop("time", 0.0)
        restarted = not time_s >= self._time_s
        if restarted:  # it restarts with every process
            self._earlier_s += self._time_s
            self._time_s = 0.0
        known = isfinite(time_s) and time_s > 0
        epoch_s = time_s - self._time_s if known else None
        self._time_s = time_s if known else self._time_s
        self.rows[epoch] = CsvRow(
            epoch=epoch,
            elapsed_s=self._earlier_s + self._time_s,
            epoch_s=epoch_s,
            metrics={name: value for name, value in values.items() if isfinite(value)},
            nonfinite=tuple(name for name, value in values.items() if not isfinite(value)),
        )


def _numbers(header: list[str], cells: list[str]) -> dict[str, float]:
    values = {}
    for name, cell in zip(header, cells, strict=False):
        try:
            values[name] = float(cell)
        except ValueError:
            continue
    return values
