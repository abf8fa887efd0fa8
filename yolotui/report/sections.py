"""A report as titles, sentences and tables: what the terminal, Markdown and the page all show. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

from msgspec import Struct

from yolotui.harmless import clean
from yolotui.report.gathering import Strip


class HeatStrips(Struct, frozen=True, kw_only=True):
    """A strip a card; `moments` are points of time in words, evenly spaced from its beginning to its end."""

    strips: tuple[Strip, ...]
    moments: tuple[str, ...]


class Line(Struct, frozen=True):
    """A value by epoch, and whose or which it is."""

    label: str
    points: tuple[tuple[int, float], ...]


class LineChart(Struct, frozen=True, kw_only=True):
    """Lines over epochs; `marks` are epochs after which something of note happened, which `marked` says."""

    title: str
    lines: tuple[Line, ...]
    marks: tuple[int, ...] = ()
    marked: str = ""


Chart: TypeAlias = HeatStrips | LineChart


class Section(Struct, frozen=True, kw_only=True):
    """A title, sentences, and a table where there is something to list; columns in `right` are figures.

    `drawing` are lines of text that keep their places, for where no `charts` can be drawn. `bars` has a share of 0 to 1
    for each row.
    """

    title: str
    sentences: tuple[str, ...] = ()
    drawing: tuple[str, ...] = ()
    charts: tuple[Chart, ...] = ()
    columns: tuple[str, ...] = ()
    right: frozenset[str] = frozenset()
    rows: tuple[tuple[str, ...], ...] = ()
    bars: tuple[float, ...] = ()


def markdown(told: Sequence[Section]) -> str:
    """The sections as Markdown."""
    parts = []
    for number, section in enumerate(told):
        parts += [f"{'#' if number == 0 else '##'} {_escaped(section.title)}", *map(_escaped, section.sentences)]
        if section.drawing:
            parts.append("\n".join(("```text", *section.drawing, "```")))
        if section.rows:
            rule = ["---:" if column in section.right else "---" for column in section.columns]
            rows = [section.columns, tuple(rule), *(tuple(map(_escaped, row)) for row in section.rows)]
            parts.append("\n".join(f"| {' | '.join(row)} |" for row in rows))
    return "\n\n".join(parts) + "\n"


def _escaped(text: str) -> str:
    """A text of people or of a trainer, as a cell that stays one: no markup of its own, no line breaks, no escapes."""
    text = clean(text)
    for letter in "\\`*_[]<>|":
        text = text.replace(letter, f"\\{letter}")
    return " ".join(text.split())
