"""The job table: virtual, drawn line by line, so that 10,000 jobs cost what a screenful costs.

The cursor stands on a job, not on a row: whatever is added, removed or sorted, it stays on its job. A folded group is
one row, and whatever is done there is done to all its jobs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich.segment import Segment
from textual import events
from textual.geometry import Region, Size
from textual.message import Message
from textual.reactive import var
from textual.scroll_view import ScrollView
from textual.strip import Strip

from yolotui.core.jobs import Job
from yolotui.tui.arranging import Arranged, RowId, group_row_id
from yolotui.tui.columns import Columns, RowView, columns_for, heading, row
from yolotui.tui.glyphs import UNICODE, Glyphs
from yolotui.tui.group_row import GroupView, group_row
from yolotui.tui.panels.texts import pointed_at
from yolotui.tui.snapshot import Snapshot


class JobTable(ScrollView, can_focus=True, inherit_bindings=False):
    """Jobs in a given order, with a cursor and marks."""

    cursor: var[RowId | None] = var(None)
    """The id of the job under the cursor, or the folded group there; None when the table is empty."""

    class Moved(Message):
        """The cursor is on another job, or the rows in sight changed."""

        def can_replace(self, message: Message) -> bool:
            """Only the last place matters."""
            return isinstance(message, JobTable.Moved)

    def __init__(self, glyphs: Glyphs = UNICODE, *, id: str | None = None) -> None:  # noqa: A002 — Textual's name
        super().__init__(id=id)
        self._glyphs = glyphs
        self._snapshot = Snapshot()
        self._now = 0.0
        self._arranged = Arranged()
        self._ids: Sequence[RowId] = ()
        self._rows: dict[RowId, int] = {}
        self._curves: Mapping[int, tuple[float, ...]] = {}
        self._marks: frozenset[int] = frozenset()
        self._anchor: RowId | None = None
        self._shown_marks = self._marks
        self._columns = columns_for(80)
        self._drawn: dict[int, list[Segment]] = {}

    # What is shown

    def show(self, snapshot: Snapshot, arranged: Arranged, now: float) -> None:
        """Show these rows; the cursor stays on its job, and that job where it is on the screen."""
        held_at = self._row_on_screen()
        before = self.cursor_row
        shown_before, self._arranged = self._arranged, arranged
        self._snapshot, self._ids, self._now = snapshot, arranged.rows, now
        self._rows = {row: place for place, row in enumerate(arranged.rows)}
        self._columns = self._fit_columns()
        self._marks &= snapshot.jobs.keys()
        self.virtual_size = Size(self.size.width, len(self._ids) + 1)
        if self.cursor not in self._rows:
            self.cursor = self._instead_of(self.cursor, shown_before, before or 0)
        if self._anchor not in self._rows:
            self._anchor = None
        if held_at is not None and self.cursor_row is not None and self.cursor_row != before:
            self.scroll_to(y=self.cursor_row - held_at, animate=False, immediate=True)
        self._redraw_changes()

    def _instead_of(self, gone: RowId | None, before: Arranged, place: int) -> RowId | None:
        """Where the cursor goes when its row is gone: to its group if that was folded, to the first job of a group
        that was unfolded, else to what stands in its place."""
        if isinstance(gone, int) and gone in self._snapshot.jobs:
            group = group_row_id(self._snapshot.jobs[gone].spec.group)
            if gone in self._arranged.members.get(group, ()):
                return group
        if isinstance(gone, str):
            there = [job_id for job_id in before.jobs_of(gone) if job_id in self._rows]
            if there:
                return min(there, key=self._rows.__getitem__)
        return self._ids[min(place, len(self._ids) - 1)] if self._ids else None

    def show_curves(self, curves: Mapping[int, tuple[float, ...]]) -> None:
        """Show these curves of the main metric, by job id."""
        self._curves = curves
        self._redraw_changes()

    def tick(self, now: float) -> None:
        """Let the times go on."""
        self._now = now
        self._redraw_changes()

    @property
    def cursor_row(self) -> int | None:
        """The row that the cursor is in."""
        return self._rows.get(self.cursor) if self.cursor is not None else None

    @property
    def job(self) -> Job | None:
        """The job under the cursor; None where a folded group is."""
        return self._snapshot.jobs.get(self.cursor) if isinstance(self.cursor, int) else None

    @property
    def group(self) -> str | None:
        """The group of the job under the cursor, or the folded one there."""
        if isinstance(self.cursor, str):
            return self.cursor.removeprefix("@")
        return self.job.spec.group if self.job else None

    @property
    def marked(self) -> frozenset[int]:
        """The ids of the marked jobs: one by one, or by a range that reaches from its anchor to the cursor."""
        if self._anchor is None or self.cursor_row is None:
            return self._marks
        first, last = sorted((self._rows[self._anchor], self.cursor_row))
        return self._marks.union(*map(self._arranged.jobs_of, self._ids[first : last + 1]))

    @property
    def chosen(self) -> list[int]:
        """The ids that a verb is meant for: the marked ones in the table's order, else those of the cursor's row."""
        if marked := self.marked:
            return sorted(marked, key=lambda job_id: self._rows.get(job_id, len(self._rows) + job_id))
        return [] if self.cursor is None else list(self._arranged.jobs_of(self.cursor))

    @property
    def in_sight(self) -> list[int]:
        """The ids of the jobs whose rows are on the screen."""
        first = self.scroll_offset.y
        return [row for row in self._ids[first : first + self._rows_high] if isinstance(row, int)]

    # Moving and marking

    def move(self, rows: int) -> None:
        """Move the cursor by so many rows, up to the ends."""
        if self._ids:
            self._go_to(min(len(self._ids) - 1, max(0, (self.cursor_row or 0) + rows)))

    def move_page(self, pages: int) -> None:
        """Move the cursor by screenfuls."""
        self.move(pages * max(1, self._rows_high - 1))

    def go_to(self, job_id: int) -> None:
        """Put the cursor on a job, if it is shown."""
        if self.cursor_row is not None and job_id in self._rows:
            self.move(self._rows[job_id] - self.cursor_row)

    def move_to_end(self, *, last: bool) -> None:
        """Move the cursor to the first or the last job."""
        if self._ids:
            self._go_to(len(self._ids) - 1 if last else 0)

    def toggle_mark(self) -> None:
        """Mark what is under the cursor, or take its mark away, and go on to the next."""
        if self.cursor is not None:
            here = frozenset(self._arranged.jobs_of(self.cursor))
            self._marks = self._marks - here if here <= self._marks else self._marks | here
            self._redraw_changes()
            self.move(1)

    def toggle_range(self) -> None:
        """Begin a range of marks here, or end the one that was begun here."""
        self._marks, self._anchor = self.marked, self.cursor if self._anchor is None else None
        self._redraw_changes()

    @property
    def in_range(self) -> bool:
        """Whether a range was begun and not yet ended."""
        return self._anchor is not None

    def unmark(self) -> None:
        """Take all marks away."""
        self._marks, self._anchor = frozenset(), None
        self._redraw_changes()

    def _go_to(self, place: int) -> None:
        self.cursor = self._ids[place]
        self._keep_in_sight()

    def watch_cursor(self) -> None:
        """Show the cursor where it is now."""
        self._redraw_changes()
        self.post_message(self.Moved())

    def on_click(self, event: events.Click) -> None:
        """Put the cursor where the mouse was pressed."""
        place = event.y - 1 + self.scroll_offset.y
        if event.y >= 1 and place < len(self._ids):
            self._go_to(place)

    def on_resize(self) -> None:
        """Keep the cursor in sight."""
        self.virtual_size = Size(self.size.width, len(self._ids) + 1)
        self._columns = self._fit_columns()
        self._drawn.clear()
        self._keep_in_sight()
        self.post_message(self.Moved())

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Other rows come into sight."""
        super().watch_scroll_y(old_value, new_value)
        self.post_message(self.Moved())

    @property
    def _rows_high(self) -> int:
        return max(0, self.size.height - 1)

    def _row_on_screen(self) -> int | None:
        place = self.cursor_row
        return None if place is None else place - self.scroll_offset.y

    def _keep_in_sight(self) -> None:
        place = self._row_on_screen()
        if place is None or self._rows_high == 0:
            return
        if place < 0:
            self.scroll_to(y=self.scroll_offset.y + place, animate=False, immediate=True)
        elif place >= self._rows_high:
            self.scroll_to(y=self.scroll_offset.y + place - self._rows_high + 1, animate=False, immediate=True)

    # Drawing

    def _fit_columns(self) -> Columns:
        highest = max(self._snapshot.jobs, default=1)
        return columns_for(self.size.width - 2, highest_id=highest, several_owners=self._snapshot.several_owners)

    def render_line(self, y: int) -> Strip:
        """The heading, which stays, or a row."""
        segments = self._line(y)
        self._drawn[y] = segments
        return Strip(segments).adjust_cell_length(self.size.width).apply_style(self.rich_style)

    def _line(self, y: int) -> list[Segment]:
        width = self.size.width
        if y == 0:
            return [Segment(" "), *heading(self._columns, width - 2, self._glyphs)]
        place = y - 1 + self.scroll_offset.y
        if place >= len(self._ids):
            return [Segment(" " * width)]
        here = self._ids[place]
        segments = self._job_row(here) if isinstance(here, int) else self._group_row(here)
        if here != self.cursor:
            return [Segment(" "), *segments]
        return pointed_at(segments, width, self._glyphs)

    def _job_row(self, job_id: int) -> list[Segment]:
        view = RowView(
            job=self._snapshot.jobs[job_id],
            entry=self._snapshot.entries.get(job_id),
            now=self._now,
            stale=self._snapshot.stale(self._now),
            marked=job_id in self._shown_marks,
            curve=self._curves.get(job_id, ()),
        )
        return row(view, self._columns, self._glyphs)

    def _group_row(self, name: str) -> list[Segment]:
        return group_row(self._group(name), self._columns, self._glyphs)

    @property
    def folded_group(self) -> GroupView | None:
        """The folded group under the cursor, if there is one."""
        return self._group(self.cursor) if isinstance(self.cursor, str) else None

    def _group(self, name: str) -> GroupView:
        jobs = [self._snapshot.jobs[job_id] for job_id in self._arranged.jobs_of(name)]
        return GroupView(
            name=name,
            jobs=jobs,
            entries=[self._snapshot.entries.get(job.id) for job in jobs],
            now=self._now,
            stale=self._snapshot.stale(self._now),
            marked=all(job.id in self._shown_marks for job in jobs),
        )

    def _redraw_changes(self) -> None:
        """Repaint only the lines that look different now: over SSH every byte counts."""
        self._shown_marks = self.marked
        for y in range(self.size.height):
            if self._drawn.get(y) != self._line(y):
                self.refresh(Region(0, y, self.size.width, 1))
