"""Rows that scroll: a log, a list, a page of facts. Virtual and drawn line by line, so that length costs nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from rich.segment import Segment
from textual import events
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from yolotui.tui.glyphs import Glyphs
from yolotui.tui.panels.texts import pointed_at
from yolotui.tui.plot import Row

Content = Callable[[int], Sequence[Row]]
"""From a width in cells to rows; a sequence that makes its rows when they are asked for is welcome."""


class Pager(ScrollView, can_focus=False, inherit_bindings=False):
    """Rows of any number. With a cursor it is a list, without one a text.

    `follows` keeps the end in sight while rows are added; scrolling up lets go of it, going to the end takes it up.
    """

    class Moved(Message):
        """The cursor is on another row, or other rows are in sight."""

        def __init__(self, pager: Pager) -> None:
            super().__init__()
            self.pager = pager

        @property
        def control(self) -> Pager:
            """For `@on(Pager.Moved, "#id")`."""
            return self.pager

        def can_replace(self, message: Message) -> bool:
            """Only the last place matters."""
            return isinstance(message, Pager.Moved) and message.pager is self.pager

    def __init__(
        self,
        content: Content,
        glyphs: Glyphs,
        *,
        has_cursor: bool = False,
        follows: bool = False,
        id: str | None = None,  # noqa: A002 — Textual's name
    ) -> None:
        super().__init__(id=id)
        self._content = content
        self._glyphs = glyphs
        self._has_cursor = has_cursor
        self.follows = follows
        self.cursor = 0
        self._rows: Sequence[Row] = ()
        self._drawn: dict[int, Row] = {}

    # What is shown

    def repaint(self, *, cursor: int | None = None) -> None:
        """Ask for the rows anew; only those in sight that look different are drawn. `cursor` is the row to stand on."""
        if not self.display or self.size.width == 0:
            return
        self._rows = self._content(self.size.width - (2 if self._has_cursor else 0))
        self.cursor = max(0, min(self.cursor if cursor is None else cursor, len(self._rows) - 1))
        self.virtual_size = Size(self.size.width, len(self._rows))
        if self.follows:
            self._scroll(len(self._rows))
        elif self._has_cursor:
            self._keep_in_sight()
        elif self.scroll_offset.y > self._furthest:
            self._scroll(self._furthest)
        self._redraw_changes()

    @property
    def count(self) -> int:
        """How many rows there are."""
        return len(self._rows)

    @property
    def in_sight(self) -> range:
        """The places of the rows on the screen."""
        first = self.scroll_offset.y
        return range(first, min(len(self._rows), first + self.size.height))

    # Moving

    def move(self, rows: int) -> None:
        """Move the cursor, or what is in sight, by so many rows, up to the ends."""
        if self._has_cursor:
            self.go_to(self.cursor + rows)
        else:
            self.follows = self.follows and rows > 0
            self._scroll(self.scroll_offset.y + rows)
            self.post_message(self.Moved(self))

    def move_page(self, pages: int) -> None:
        """Move by screenfuls."""
        self.move(pages * max(1, self.size.height - 1))

    def move_to_end(self, *, last: bool) -> None:
        """Move to the first or the last row; a text that grows is followed from there on."""
        self.follows = last and not self._has_cursor
        if self._has_cursor:
            self.go_to(len(self._rows) if last else 0)
        else:
            self._scroll(self._furthest if last else 0)
            self.post_message(self.Moved(self))

    def go_to(self, place: int) -> None:
        """Put the cursor, or the middle of what is in sight, on a row."""
        if self._has_cursor:
            self.cursor = max(0, min(place, len(self._rows) - 1))
            self._keep_in_sight()
        else:
            self.follows = False
            self._scroll(place - self.size.height // 2)
        self._redraw_changes()
        self.post_message(self.Moved(self))

    @property
    def _furthest(self) -> int:
        return max(0, len(self._rows) - self.size.height)

    def _scroll(self, y: int) -> None:
        # Textual learns only with the next layout that there is more than fits: until then it wants to be forced.
        self.scroll_to(y=max(0, min(y, self._furthest)), animate=False, immediate=True, force=True)

    def _keep_in_sight(self) -> None:
        on_screen, height = self.cursor - self.scroll_offset.y, self.size.height
        if on_screen < 0:
            self._scroll(self.cursor)
        elif height and on_screen >= height:
            self._scroll(self.cursor - height + 1)

    def on_click(self, event: events.Click) -> None:
        """Put the cursor where the mouse was pressed."""
        place = event.y + self.scroll_offset.y
        if self._has_cursor and place < len(self._rows):
            self.go_to(place)

    def on_mouse_scroll_up(self) -> None:
        """The wheel."""
        self.move(-3)

    def on_mouse_scroll_down(self) -> None:
        """The wheel."""
        self.move(3)

    def on_resize(self) -> None:
        """Other rows fit now."""
        self._drawn.clear()
        self.repaint()

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Other rows come into sight."""
        super().watch_scroll_y(old_value, new_value)
        self._drawn.clear()

    # Drawing

    def render_line(self, y: int) -> Strip:
        """One row."""
        row = self._line(y)
        self._drawn[y] = row
        return Strip(row).adjust_cell_length(self.size.width).apply_style(self.rich_style)

    def _line(self, y: int) -> Row:
        place = y + self.scroll_offset.y
        if place >= len(self._rows):
            return []
        row = self._rows[place]
        if not self._has_cursor:
            return row
        if place != self.cursor:
            return [Segment(" "), *row]
        return pointed_at(row, self.size.width, self._glyphs)

    def _redraw_changes(self) -> None:
        """Repaint only the lines that look different now: over SSH every byte counts."""
        for y in range(self.size.height):
            if self._drawn.get(y) != self._line(y):
                self.refresh(Region(0, y, self.size.width, 1))
