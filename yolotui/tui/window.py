"""The stretch of time that a timetable shows: panning, zooming, and the marks of its axis. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Final

ZOOMS: Final = (60.0, 120.0, 300.0, 600.0, 900.0, 1800.0, 3600.0, 7200.0, 14_400.0)
"""Seconds that a cell stands for."""
TICKS_S: Final = (600.0, 900.0, 1800.0, 3600.0, 7200.0, 10_800.0, 21_600.0, 43_200.0, 86_400.0, 172_800.0, 604_800.0)
LABEL_CELLS = 9
HISTORY_SHARE = 0.25
"""How much of a fresh window lies before now."""


@dataclass(frozen=True)
class Window:
    """`width` cells of `cell_s` seconds each, from `starts_at` (UTC seconds) on."""

    starts_at: float
    cell_s: float
    width: int

    @classmethod
    def around(cls, now: float, last_at: float, width: int) -> Window:
        """A window with now at its first quarter that reaches until `last_at`, as finely as it can."""
        ahead = max(1.0, width * (1 - HISTORY_SHARE))
        cell_s = next((zoom for zoom in ZOOMS[2:] if zoom * ahead >= last_at - now), ZOOMS[-1])
        return cls(now - HISTORY_SHARE * width * cell_s, cell_s, width)

    @property
    def ends_at(self) -> float:
        """The first moment that is no longer shown."""
        return self.starts_at + self.width * self.cell_s

    def column(self, at: float) -> int:
        """The cell of a moment; it may lie outside."""
        return int((at - self.starts_at) // self.cell_s)

    def time(self, column: float) -> float:
        """The moment at the left edge of a cell."""
        return self.starts_at + column * self.cell_s

    def resized(self, width: int) -> Window:
        """As many cells as there is room for, from the same moment on."""
        return replace(self, width=max(1, width))

    def moved(self, cells: float) -> Window:
        """So many cells later."""
        return replace(self, starts_at=self.starts_at + cells * self.cell_s)

    def zoomed(self, steps: int, around: float) -> Window:
        """Coarser (+) or finer (-), with the moment `around` where it was."""
        place = min(range(len(ZOOMS)), key=lambda n: abs(ZOOMS[n] - self.cell_s))
        cell_s = ZOOMS[min(len(ZOOMS) - 1, max(0, place + steps))]
        return Window(around - (around - self.starts_at) / self.cell_s * cell_s, cell_s, self.width)

    def showing(self, at: float, margin: int = 2) -> Window:
        """Moved as little as it takes for the moment to be in sight."""
        column = self.column(at)
        if column < margin:
            return self.moved(column - margin)
        if column >= self.width - margin:
            return self.moved(column - self.width + margin + 1)
        return self

    def ticks(self) -> Iterator[tuple[int, str]]:
        """The columns of round local times, with what to write there: the day where one begins."""
        step_s = next((step for step in TICKS_S if step / self.cell_s >= LABEL_CELLS), TICKS_S[-1])
        moment = _midnight_before(self.starts_at)
        while moment.timestamp() < self.ends_at:
            column = self.column(moment.timestamp())
            if 0 <= column < self.width:
                is_day = moment.hour == moment.minute == 0
                yield column, f"{moment:%a %d}" if is_day else f"{moment:%H:%M}"
            moment = _later(moment, step_s)


def _midnight_before(at: float) -> datetime:
    local = datetime.fromtimestamp(at, UTC).astimezone()
    return local.replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=local.toordinal() % 7)


def _later(moment: datetime, step_s: float) -> datetime:
    """By the clock on the wall: a tick at midnight stays one when the clocks change."""
    return (moment.replace(tzinfo=None) + timedelta(seconds=step_s)).astimezone()
