"""The screen that lays runs over one another."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path

from textual import work
from textual.message import Message
from textual.widget import Widget

from yolotui.core.comparing_runs import Comparison, RunFacts, compare
from yolotui.core.jobs import Job
from yolotui.telemetry import RunReader
from yolotui.telemetry.facts import facts_of
from yolotui.tui.actions import Place, bindings
from yolotui.tui.live import Live
from yolotui.tui.palette import QUIET, STRONG
from yolotui.tui.panels.comparing import Axis, Shown, curve_rows, curves_of, span_of, table_rows
from yolotui.tui.panels.texts import pieces, spread
from yolotui.tui.plot import Row
from yolotui.tui.screens.acting import Setting
from yolotui.tui.screens.view import Moves, ViewScreen
from yolotui.tui.widgets.pager import Pager
from yolotui.tui.words import metric_name, number

TIME_STEPS = 100


class CompareScreen(ViewScreen):
    """Two to sixteen runs. They are read again whenever the queue knows news of one of them."""

    PLACE = Place.COMPARE
    BINDINGS = [*bindings(Place.COMPARE)]  # noqa: RUF012 — Textual's way

    class Read(Message):
        """The runs, as their directories tell now."""

        def __init__(self, facts: Sequence[RunFacts], comparison: Comparison) -> None:
            super().__init__()
            self.facts = facts
            self.comparison = comparison

    def __init__(self, setting: Setting, live: Live, job_ids: Sequence[int]) -> None:
        super().__init__(setting, live)
        self._ids = tuple(job_ids)
        self._readers: dict[int, RunReader] = {}
        self._reading = threading.Lock()
        self._revisions: tuple[int, ...] = ()
        self.facts: Sequence[RunFacts] = ()
        self.comparison: Comparison | None = None
        self.axis = Axis.EPOCH
        self.cursor: float | None = None
        self._curve = 0
        self.add_lines(curves=self._curves)
        self.table = Pager(self._rows, self._glyphs, id="comparison")

    def body(self) -> Iterable[Widget]:
        """Curves above, figures below."""
        return (self.lines["curves"], self.table)

    @property
    def chosen(self) -> list[Job]:
        """The runs, as the queue has them now."""
        return [self.snapshot.jobs[job_id] for job_id in self._ids if job_id in self.snapshot.jobs]

    @property
    def moves(self) -> Moves:
        """What the keys for moving are for."""
        return self.table

    # Reading

    def snapshot_changed(self) -> None:
        """Read the runs again if the queue knows news of one."""
        jobs = self.chosen
        revisions = tuple(job.revision for job in jobs)
        if revisions != self._revisions:
            self._revisions = revisions
            self._read(jobs)
        super().snapshot_changed()

    @work(thread=True, exclusive=True, group="compare")
    def _read(self, jobs: Sequence[Job]) -> None:
        with self._reading:
            facts = []
            for job in jobs:
                reader = self._readers.setdefault(job.id, RunReader(Path(job.run_dir)))
                with suppress(OSError):  # another user's directory: it is compared with nothing known of it
                    reader.poll()
                facts.append(facts_of(job, reader.series))
        self.post_message(self.Read(facts, compare(facts, self.setting.now())))

    def on_compare_screen_read(self, message: Read) -> None:
        """Show them."""
        self.facts, self.comparison = message.facts, message.comparison
        self.repaint()

    # What is shown

    def repaint(self) -> None:
        """Draw what is in sight."""
        super().repaint()
        self.table.repaint()

    @property
    def column(self) -> str | None:
        """The column whose curves are shown."""
        columns = curves_of(self.facts)
        return columns[self._curve % len(columns)] if columns else None

    def title_row(self, width: int) -> Row:
        """What is compared."""
        left = pieces((" Compare ", STRONG), (f"{len(self._ids)} runs", QUIET))
        by = f"{metric_name(self.column) if self.column else 'nothing'} by {self.axis.value} "
        return spread(left, pieces((by, STRONG)), width, self._glyphs.ellipsis)

    def status_row(self, width: int) -> Row:
        """Where the cursor is."""
        if self.cursor is None:
            said = " Left and Right read values; t: by epoch or by time; m: the next metric"
            return spread(pieces((said, QUIET)), [], width, self._glyphs.ellipsis)
        where = f"{self.cursor:.0f}" if self.axis is Axis.EPOCH else number(self.cursor)
        return pieces((f" {self.axis.value} {where}", STRONG), ("   Esc: newest values", QUIET))

    def _curves(self, width: int, height: int) -> Sequence[Row]:
        if self.comparison is None:
            return [[], pieces(("  Reading the runs.", QUIET))]
        if self.column is None:
            return [[], pieces(("  None of them has an epoch yet: curves show up here by themselves.", QUIET))]
        shown = Shown(self.column, self.axis, self.cursor)
        return curve_rows(self.facts, shown, width, height, self._glyphs)

    def _rows(self, width: int) -> Sequence[Row]:
        return table_rows(self.comparison, width, self._glyphs) if self.comparison else []

    # Keys

    def action_axis(self) -> None:
        """By epoch, or by time."""
        self.axis = Axis.TIME if self.axis is Axis.EPOCH else Axis.EPOCH
        self.cursor = None
        self.repaint()

    def action_next_metric(self) -> None:
        """The next column."""
        self._curve += 1
        self.repaint()

    def _move_cursor(self, step: int) -> None:
        low, high = span_of(self.facts, self.axis)
        if high > low:
            size = 1.0 if self.axis is Axis.EPOCH else (high - low) / TIME_STEPS
            self.cursor = max(low, min(high, (high if self.cursor is None else self.cursor) + step * size))
            self.repaint()

    def action_left(self) -> None:
        """Back."""
        self._move_cursor(-1)

    def action_right(self) -> None:
        """On."""
        self._move_cursor(1)

    def action_back(self) -> None:
        """Let go of the cursor; else back."""
        if self.cursor is not None:
            self.cursor = None
            self.repaint()
        else:
            super().action_back()
