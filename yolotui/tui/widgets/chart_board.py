"""The charts of a run on a shared axis, with a cursor that reads their values."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from yolotui.tui.glyphs import Glyphs
from yolotui.tui.palette import QUIET
from yolotui.tui.panels.run_charts import Grid, axis_row, chart_rows, grid_for, run_charts
from yolotui.tui.panels.run_facts import preflight_rows
from yolotui.tui.panels.texts import pieces, wrapped
from yolotui.tui.plot import Chart, Row
from yolotui.tui.run_book import RunBook
from yolotui.tui.run_view import RunView
from yolotui.tui.widgets.lines import Lines


class ChartBoard(Lines):
    """As many charts as stay readable; the others come into sight by scrolling.

    `cursor` is a place among the run's epochs; None stands for the newest and goes on with the run.
    """

    def __init__(self, glyphs: Glyphs, now: Callable[[], float], *, id: str | None = None) -> None:  # noqa: A002 — Textual's name
        super().__init__(self._draw_charts, id=id)
        self._glyphs = glyphs
        self._now = now
        self.book = RunBook(RunView(0))
        self._charts: tuple[Chart, ...] = ()
        self.cursor: int | None = None
        self._top = 0
        self._why = ""
        self._said = ""

    def show(self, book: RunBook, said: str = "", why: str = "") -> None:
        """Show this run from now on; without curves what is `said` instead, and `why` the job is as it is."""
        self.book = book
        self._why = why
        self._said = said
        self._charts = run_charts(book)
        if self.cursor is not None and self.cursor >= len(book.run.epochs):
            self.cursor = None
        self.repaint()

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to draw yet."""
        return not self._charts

    @property
    def hidden(self) -> int:
        """How many charts lie below those in sight."""
        return max(0, len(self._charts) - self._grid.across * (self._top + self._grid.floors_in_sight))

    def move(self, rows: int) -> None:
        """Scroll by rows of charts."""
        self._top = max(0, min(self._top + rows, self._grid.floors - self._grid.floors_in_sight))
        self.repaint()

    def move_page(self, pages: int) -> None:
        """Move the cursor by a tenth of the epochs."""
        self.move_cursor(pages * max(1, len(self.book.run.epochs) // 10))

    def move_to_end(self, *, last: bool) -> None:
        """Move the cursor to the first epoch, or let it go."""
        self.move_cursor(-len(self.book.run.epochs))
        if last:
            self.cursor = None
            self.repaint()

    def move_cursor(self, epochs: int) -> None:
        """Move the cursor by epochs; it begins at the newest."""
        newest = len(self.book.run.epochs) - 1
        if newest >= 0:
            self.cursor = max(0, min(newest, (newest if self.cursor is None else self.cursor) + epochs))
            self.repaint()

    @property
    def _grid(self) -> Grid:
        return grid_for(len(self._charts), max(1, self.size.width), max(1, self.size.height - 1))

    def _draw_charts(self, width: int, _height: int) -> Sequence[Row]:
        if not self._charts:
            return self._draw_nothing(width)
        grid = self._grid
        self._top = max(0, min(self._top, grid.floors - grid.floors_in_sight))
        rows = chart_rows(self._charts, grid, self._top, self.cursor, self._glyphs)
        return [*rows, axis_row(self.book, grid, self.cursor, width)]

    def _draw_nothing(self, width: int) -> list[Row]:
        """Why there are no curves, and what was found before the start."""
        rows: list[Row] = [[], *(wrapped(f"  {self._why}", width - 2, indent="  ") if self._why else [])]
        rows.append(pieces((f"  {self._said}", QUIET)))
        if self.book.preflight:
            found = preflight_rows(self.book.preflight, self._now(), width - 4, self._glyphs)
            rows += [[], *([*pieces(("  ", QUIET)), *row] for row in found)]
        return rows
