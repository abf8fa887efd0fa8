"""Lines of text with what was looked for in them. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import overload

from rich.segment import Segment
from rich.style import Style

from yolotui.tui.glyphs import Glyphs
from yolotui.tui.palette import BACKGROUND, MUTED, YELLOW, ink
from yolotui.tui.plot import Row
from yolotui.tui.words import fit, plain

FOUND = Style(color=BACKGROUND, bgcolor=YELLOW, bold=True, underline=True)


class FoundLines(Sequence[Row]):
    """Lines as rows that are made when they are asked for; what was looked for is marked in them."""

    def __init__(self, lines: Sequence[str], words: str, width: int, glyphs: Glyphs) -> None:
        self._lines = lines
        self._words = words
        self._width = width
        self._glyphs = glyphs

    def __len__(self) -> int:
        return len(self._lines)

    @overload
    def __getitem__(self, place: int) -> Row: ...

    @overload
    def __getitem__(self, place: slice) -> Sequence[Row]: ...

    def __getitem__(self, place: int | slice) -> Row | Sequence[Row]:
        if isinstance(place, slice):
            return FoundLines(self._lines[place], self._words, self._width, self._glyphs)
        text = fit(plain(self._lines[place].expandtabs(4)), self._width, self._glyphs.ellipsis)
        return marked(text, self._words, ink(MUTED))


def marked(text: str, words: str, style: Style) -> Row:
    """The text with every place where the words stand marked, whatever their case."""
    row: Row = []
    rest, folded, needle = text, text.lower(), words.lower()
    while needle and len(folded) == len(rest) and (at := folded.find(needle)) >= 0:
        row += [Segment(rest[:at], style), Segment(rest[at : at + len(needle)], FOUND)]
        rest, folded = rest[at + len(needle) :], folded[at + len(needle) :]
    return [*(segment for segment in row if segment.text), Segment(rest, style)]


def places_of(lines: Sequence[str], words: str) -> list[int]:
    """The places of the lines in which the words stand, whatever their case."""
    needle = words.lower()
    return [place for place, line in enumerate(lines) if needle in line.lower()] if needle else []


def next_place(places: Sequence[int], here: int, step: int) -> int | None:
    """The first of `places` after `here` (before it with a negative `step`), from the other end if there is none."""
    if not places:
        return None
    if step > 0:
        return next((place for place in places if place > here), places[0])
    return next((place for place in reversed(places) if place < here), places[-1])
