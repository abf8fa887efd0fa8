"""How anything gets out: JSON documents, tables, sentences. stdout carries data, stderr narration.

A table is drawn by rich on a terminal and is plain aligned text in a pipe; rich is imported only for the former.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple
from unicodedata import category, east_asian_width

import click
import msgspec

from yolotui.harmless import clean

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table as RichTable

SCHEMA = 1
NARROW = 110
ELASTIC = frozenset({"name", "group", "best"})
"""Columns that give way on a narrow terminal; the last one wraps."""

OBEYED = re.compile("[\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]")
"""What a terminal obeys and JSON leaves as it is: written as \\uXXXX. Such letters occur inside of strings alone."""


class Cell(NamedTuple):
    """A text, with the style and the glyph that a terminal shows it with."""

    text: str
    style: str = ""
    glyph: str = ""


@dataclass
class Table:
    """Rows under titles. Columns named in `right` are numbers; the last column takes the room that is left."""

    titles: tuple[str, ...]
    right: frozenset[str] = frozenset()
    rows: list[tuple[Cell, ...]] = field(default_factory=list)

    def add(self, *cells: str | Cell) -> None:
        """Add a row: a cell for each title."""
        assert len(cells) == len(self.titles)
        row = (cell if isinstance(cell, Cell) else Cell(cell) for cell in cells)
        self.rows.append(tuple(cell._replace(text=clean(cell.text)) for cell in row))


def print_document(subject: str, content: object) -> None:
    """Print one JSON object: the schema's version, and the content under its subject. NaN and infinity become null."""
    document: dict[str, Any] = {"schema": SCHEMA, subject: content}
    text = msgspec.json.format(msgspec.json.encode(document), indent=2).decode()
    click.echo(OBEYED.sub(lambda match: f"\\u{ord(match[0]):04x}", text))


def print_table(table: Table) -> None:
    """Print a table to stdout, as suits what reads it."""
    if not sys.stdout.isatty():
        for line in plain_lines(table):
            click.echo(line)
        return
    console().print(rich_table(table))


def is_narrow() -> bool:
    """Whether a table is drawn on a terminal that has no room for many columns."""
    return sys.stdout.isatty() and console().size.width < NARROW


def narrate(*sentences: str) -> None:
    """Tell the person, on stderr, a line each; a script reads on undisturbed."""
    for sentence in sentences:
        click.echo(clean(sentence), err=True)


def plain_lines(table: Table) -> list[str]:
    """The table as aligned text: two spaces between columns, `-` for what is empty, so that words can be counted."""
    texts = [table.titles, *(tuple(cell.text or "-" for cell in row) for row in table.rows)]
    widths = [max(map(display_width, column)) for column in zip(*texts, strict=True)]
    rights = [title in table.right for title in table.titles]
    return ["  ".join(map(_pad, row, widths, rights)).rstrip() for row in texts]


def display_width(text: str) -> int:
    """How many columns a terminal gives to a clean text."""
    if text.isascii():
        return len(text)
    return sum(0 if category(each) == "Mn" else 2 if east_asian_width(each) in "WF" else 1 for each in text)


def _pad(text: str, width: int, right: bool) -> str:
    room = " " * (width - display_width(text))
    return room + text if right else text + room


def console() -> Console:
    """rich's console on stdout, which knows NO_COLOR; nothing in a text is taken for markup."""
    from rich.console import Console

    return Console(highlight=False, markup=False, emoji=False)


def rich_table(table: Table) -> RichTable:
    """The table as rich draws it."""
    from rich import box
    from rich.table import Table as RichTable
    from rich.text import Text

    drawn = RichTable(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), header_style="bold", show_edge=False)
    for position, title in enumerate(table.titles):
        last = position == len(table.titles) - 1
        drawn.add_column(
            title,
            justify="right" if title in table.right else "left",
            # rich cuts columns that may wrap before it touches the others.
            no_wrap=not (last or title in ELASTIC),
            overflow="fold",
            ratio=1 if last else None,
        )
    for row in table.rows:
        *cells, last_cell = (Text(f"{cell.glyph} {cell.text}".lstrip(), cell.style) for cell in row)
        for text in cells:
            text.no_wrap, text.overflow = True, "ellipsis"
        drawn.add_row(*cells, last_cell)
    return drawn


def print_facts(facts: Sequence[tuple[str, str]]) -> None:
    """Print a short list of names with what they are."""
    width = max((display_width(name) for name, _ in facts), default=0)
    for name, value in facts:
        click.echo(f"{_pad(name, width, False)}  {clean(value)}")
