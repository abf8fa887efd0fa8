"""A log that is searched and followed."""

from __future__ import annotations

from collections.abc import Sequence

from yolotui.tui.glyphs import Glyphs
from yolotui.tui.palette import QUIET
from yolotui.tui.panels.searching import FoundLines, next_place, places_of
from yolotui.tui.panels.texts import pieces
from yolotui.tui.plot import Row
from yolotui.tui.widgets.pager import Pager


class LogPager(Pager):
    """Lines of text; those with the words that are looked for are marked, and can be gone to one by one."""

    def __init__(self, glyphs: Glyphs, *, id: str | None = None) -> None:  # noqa: A002 — Textual's name
        super().__init__(self._found_lines, glyphs, follows=True, id=id)
        self._lines: Sequence[str] = ()
        self.words = ""
        self._at: int | None = None

    def show(self, lines: Sequence[str]) -> None:
        """Show these lines from now on."""
        self._lines = lines
        self.repaint()

    @property
    def matches(self) -> list[int]:
        """The places of the lines that have the words."""
        return places_of(self._lines, self.words)

    def look_for(self, words: str) -> None:
        """Mark the words wherever they stand, and go to the newest line that has them."""
        self.words, self._at = words, None
        self.repaint()
        if words:
            self.go_to_match(-1)

    def go_to_match(self, step: int) -> bool:
        """Go to the next line with the words, or to the one before; False if there is none."""
        place = next_place(self.matches, self.count if self._at is None else self._at, step)
        if place is not None:
            self._at = place
            self.go_to(place)
        return place is not None

    def _found_lines(self, width: int) -> Sequence[Row]:
        if not self._lines:
            return [pieces(("Nothing was written yet.", QUIET))]
        return FoundLines(self._lines, self.words, width, self._glyphs)
