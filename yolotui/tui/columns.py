"""The rows of the job table as coloured text of an exact width. Pure.

A row is state, id, priority, name and owner on the left, one time on the right, and between them either what a run has
reached (bar, epochs, curve, metric) or why there is nothing to show: the reason takes the room of the numbers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.segment import Segment

from yolotui.core.jobs import ACTIVE, Job, Paused, Succeeded
from yolotui.core.metrics import main_metric
from yolotui.core.timetable import Entry
from yolotui.tui.glyphs import Glyphs
from yolotui.tui.palette import DIM, MUTED, PLAIN, QUIET, STATE_COLOURS, STRONG, TEXT, YELLOW, ink
from yolotui.tui.panels.findings import complaint_sign
from yolotui.tui.words import fit, fit_ends, interval, number, plain, reason, squeeze, state_word, when

STATE_WIDTH = 11
WHEN_WIDTH = 10
INTERVAL_WIDTH = 13
METRIC_WIDTH = 5
PRIORITY_COLOURS = (YELLOW, TEXT, MUTED, MUTED)


@dataclass(frozen=True)
class Columns:
    """The widths of the columns, 0 for one that is left out. Together with the gaps between them they fill the row."""

    id: int
    name: int
    owner: int
    bar: int
    epochs: int
    spark: int
    why: int
    interval: int = 0

    @property
    def middle(self) -> int:
        """The room between the name and the time."""
        parts = [self.bar, self.epochs, METRIC_WIDTH, self.spark, self.why]
        return sum(part + 1 for part in parts if part) - 1


def columns_for(width: int, *, highest_id: int = 999, several_owners: bool = False) -> Columns:
    """Columns for a row of `width` cells: what matters least goes first when there is little room."""
    id_width = max(3, len(str(highest_id)))
    owner = 10 if several_owners and width >= 96 else 0
    epochs = 7
    bar = 8 if width < 100 else 12
    spark = 0 if width < 76 else 8 if width < 120 else 14
    why = 0 if width < 150 else min(60, (width - 100) // 2)
    interval = INTERVAL_WIDTH if width >= 110 else 0
    fixed = 2 + STATE_WIDTH + 1 + id_width + 1 + 2 + 1 + (owner and owner + 1) + 1 + WHEN_WIDTH
    fixed += interval and interval + 1
    middle = Columns(0, 0, 0, bar, epochs, spark, why).middle
    name = width - fixed - middle - 1
    if name < 12 and spark:
        name, spark = name + spark + 1, 0
    if name < 12:
        shorter = min(bar - 4, 12 - name)
        name, bar = name + shorter, bar - shorter
    return Columns(id_width, max(4, name), owner, bar, epochs, spark, why, interval)


def heading(columns: Columns, width: int, glyphs: Glyphs) -> list[Segment]:
    """The names of the columns."""
    left = [("", 1), ("STATE", STATE_WIDTH), ("ID".rjust(columns.id), columns.id), ("P", 2), ("NAME", columns.name)]
    middle = [
        ("OWNER", columns.owner),
        ("PROGRESS" if columns.bar >= 8 else "DONE", columns.bar),
        ("EPOCHS".rjust(columns.epochs), columns.epochs),
        ("BEST".rjust(METRIC_WIDTH), METRIC_WIDTH),
        ("CURVE", columns.spark),
        ("WHY", columns.why),
    ]
    cells = [fit(text, size, "") for text, size in [*left, *middle] if size]
    times = f" {'WHEN'.rjust(WHEN_WIDTH)}" + (f" {'BETWEEN'.rjust(columns.interval)}" if columns.interval else "")
    return [Segment(fit(" ".join(cells) + times, width, glyphs.ellipsis), QUIET)]


@dataclass(frozen=True)
class RowView:
    """Everything that a row shows."""

    job: Job
    entry: Entry | None
    now: float
    stale: bool
    marked: bool
    curve: tuple[float, ...]


def row(view: RowView, columns: Columns, glyphs: Glyphs) -> list[Segment]:
    """One row of the table, without its cursor."""
    job = view.job
    colour = STATE_COLOURS[job.state]
    cells = [
        [Segment(glyphs.mark if view.marked else " ", ink(YELLOW, bold=True))],
        _state(view, glyphs),
        [Segment(str(job.id).rjust(columns.id), QUIET)],
        [Segment(f"P{int(job.priority)}", ink(PRIORITY_COLOURS[job.priority]))],
        [Segment(fit_ends(plain(job.name), columns.name, glyphs.ellipsis), QUIET if job.ended else PLAIN)],
    ]
    if columns.owner:
        cells.append([Segment(fit(plain(job.owner.name), columns.owner, glyphs.ellipsis), QUIET)])
    if _has_numbers(job):
        cells += _numbers(view, columns, glyphs)
        if columns.why:
            cells.append([Segment(fit(reason(job, view.entry), columns.why, glyphs.ellipsis), QUIET)])
    else:
        why_style = ink(colour) if job.state in {"failed", "unknown"} else QUIET
        cells.append([Segment(fit(reason(job, view.entry), columns.middle, glyphs.ellipsis), why_style)])
    time = when(job, view.entry, view.now, stale=view.stale)
    cells.append([Segment(fit(time.rjust(WHEN_WIDTH), WHEN_WIDTH, glyphs.ellipsis), QUIET if job.ended else PLAIN)])
    if columns.interval:
        between = interval(job, view.entry, view.now, stale=view.stale, dash=glyphs.none)
        cells.append([Segment(fit(between.rjust(columns.interval), columns.interval, glyphs.ellipsis), QUIET)])
    return spaced(cells)


def _state(view: RowView, glyphs: Glyphs) -> list[Segment]:
    """Its state; if something is wrong with it a sign in the last cell, which no such state needs."""
    job, colour = view.job, ink(STATE_COLOURS[view.job.state])
    word = f"{glyphs.state(job.state)} {state_word(job, view.entry)}"
    if job.complaint is None:
        return [Segment(fit(word, STATE_WIDTH, ""), colour)]
    return [Segment(fit(word, STATE_WIDTH - 1, ""), colour), complaint_sign([job], glyphs)]


def spaced(cells: Sequence[Sequence[Segment]]) -> list[Segment]:
    """The cells of a row with a gap between each two."""
    return [segment for cell in cells for segment in (*cell, Segment(" "))][:-1]


def _has_numbers(job: Job) -> bool:
    """Whether what it has reached says more than why it is where it is."""
    return isinstance(job.status, (*ACTIVE, Succeeded, Paused)) and job.state != "unknown"


def _numbers(view: RowView, columns: Columns, glyphs: Glyphs) -> list[list[Segment]]:
    job, progress = view.job, view.job.progress
    done, total = progress.epochs_done, progress.epochs_total or job.spec.epochs
    colour = STATE_COLOURS[job.state]
    if total:
        full, empty = glyphs.progress(done / total, columns.bar)
        bar, epochs = [Segment(full, ink(colour)), Segment(empty, DIM)], f"{done}/{total}"
    else:
        bar, epochs = [Segment(fit(job.spec.kind.value, columns.bar, glyphs.ellipsis), QUIET)], ""
    found = main_metric(progress.best)
    metric = number(found[1])[:METRIC_WIDTH] if found else ""
    cells = [
        bar,
        [Segment(fit(epochs.rjust(columns.epochs), columns.epochs, ""), QUIET)],
        [Segment(metric.rjust(METRIC_WIDTH), PLAIN if job.ended else STRONG)],
    ]
    if columns.spark:
        curve = glyphs.sparkline(squeeze(view.curve, columns.spark), columns.spark)
        cells.append([Segment(fit(curve, columns.spark, ""), DIM if job.ended else ink(colour))])
    return cells
