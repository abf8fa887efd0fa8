"""The end of a run's log. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from rich.segment import Segment

from yolotui.tui.glyphs import Glyphs
from yolotui.tui.palette import DIM, MUTED, QUIET, ink
from yolotui.tui.plot import Row
from yolotui.tui.words import fit, plain


def log_rows(lines: Sequence[str], path: str, width: int, height: int, glyphs: Glyphs) -> list[Row]:
    """A heading with the file's name, and below it the newest lines that fit."""
    if height < 2:
        return []
    rows: list[Row] = [[Segment("log ", QUIET), Segment(fit(path, width - 4, glyphs.ellipsis), DIM)]]
    shown = list(lines[-(height - 1) :])
    if not shown:
        return [*rows, [Segment("Nothing was written yet.", DIM)]]
    return rows + [[Segment(fit(plain(line.expandtabs(4)), width, glyphs.ellipsis), ink(MUTED))] for line in shown]
