"""Small helpers that put text together into rows. Pure."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style

from yolotui.tui.glyphs import Glyphs
from yolotui.tui.palette import CURSOR, PLAIN, SKY, ink
from yolotui.tui.plot import Row
from yolotui.tui.words import fit

Piece = tuple[str, Style]
CURSOR_ROW = Style(bgcolor=CURSOR)


def pieces(*parts: Piece) -> Row:
    """A row from texts with their styles; empty texts leave no trace."""
    return [Segment(text, style) for text, style in parts if text]


def row_length(row: Sequence[Segment]) -> int:
    """Cells that a row takes."""
    return sum(cell_len(segment.text) for segment in row)


def joined(parts: Sequence[Row], separator: Row, width: int) -> Row:
    """The parts in one row, as many from the first on as fit whole."""
    row: Row = []
    for part in parts:
        longer = [*row, *separator, *part] if row else list(part)
        if row and row_length(longer) > width:
            continue
        row = longer
    return row


def pointed_at(row: Sequence[Segment], width: int, glyphs: Glyphs) -> Row:
    """The row that the cursor is on, behind its sign and in its colour over the whole width."""
    pointer = Segment(glyphs.cursor, ink(SKY, bold=True))
    room = Segment(" " * max(0, width - 1 - row_length(row)))
    return list(Segment.apply_style([pointer, *row, room], CURSOR_ROW))


def cut(row: Row, width: int, ellipsis: str) -> Row:
    """A row that takes at most `width` cells."""
    kept: Row = []
    room = width
    for segment in row:
        size = cell_len(segment.text)
        if size > room:
            if room > 0:
                kept.append(Segment(fit(segment.text, room, ellipsis), segment.style))
            return kept
        kept.append(segment)
        room -= size
    return kept


def spread(left: Row, right: Row, width: int, ellipsis: str) -> Row:
    """Left and right ends of one row of `width` cells; the left one gives way."""
    right = cut(right, width, ellipsis)
    left = cut(left, width - row_length(right) - 1, ellipsis)
    return [*left, Segment(" " * (width - row_length(left) - row_length(right))), *right]


def wrapped(text: str, width: int, style: Style = PLAIN, *, indent: str = "") -> list[Row]:
    """A text in as many rows as it takes."""
    lines = textwrap.wrap(text, max(10, width), subsequent_indent=indent)
    return [[Segment(line, style)] for line in lines]
