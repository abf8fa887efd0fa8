"""A widget that shows rows which a pure function draws for its size, and repaints only those that changed."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from yolotui.tui.plot import Row

Draw = Callable[[int, int], Sequence[Row]]
"""From a width and a height in cells to at most so many rows."""


class Lines(Widget):
    """Rows drawn by `draw(width, height)`."""

    def __init__(self, draw: Draw, *, id: str | None = None) -> None:  # noqa: A002 — Textual's name
        super().__init__(id=id)
        self._draw = draw
        self._rows: list[Row] = []

    def repaint(self) -> None:
        """Draw anew; only rows that look different are sent to the terminal. A hidden widget draws nothing."""
        width, height = self.size
        if not self.display or width == 0 or height == 0:
            self._rows = []
            return
        rows = [list(row) for row in self._draw(width, height)[:height]]
        rows += [[] for _ in range(height - len(rows))]
        before, self._rows = self._rows, rows
        if len(before) != height:
            self.refresh()
            return
        for y, (old, new) in enumerate(zip(before, rows, strict=True)):
            if old != new:
                self.refresh(Region(0, y, width, 1))

    def on_resize(self) -> None:
        """Other rows fit now."""
        self._rows = []
        self.repaint()

    def render_line(self, y: int) -> Strip:
        """One row."""
        row = self._rows[y] if y < len(self._rows) else []
        return Strip(row).adjust_cell_length(self.size.width).apply_style(self.rich_style)
