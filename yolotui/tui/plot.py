"""Charts as rows of coloured cells: two by four braille dots a cell, or one sign a cell in ASCII. Pure.

Long series are decimated to the lowest and highest value of each column of dots, so a spike never disappears and a
chart of 10,000 points costs what one of 100 does.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isfinite

from rich.segment import Segment
from rich.style import Style

from yolotui.tui.glyphs import Glyphs
from yolotui.tui.palette import CURSOR, DIM, MUTED, QUIET, STRONG, ink
from yolotui.tui.words import fit, number

LABEL_WIDTH = 7
DOTS = ((0x01, 0x02, 0x04, 0x40), (0x08, 0x10, 0x20, 0x80))
"""The bit of each braille dot: by column from the left, by row from the top."""
SIGN = -1
"""Stands for a line's own sign in place of dots."""

Row = list[Segment]


@dataclass(frozen=True)
class Line:
    """One line of a chart: its name, its values from left to right (NaN: a gap), its colour, whether it is dashed.

    A `sign` (one cell) stands at its end, and for the whole line in ASCII: so that many are told apart without colour.
    """

    name: str
    values: tuple[float, ...]
    colour: str
    dashed: bool = False
    sign: str = ""


@dataclass(frozen=True)
class Chart:
    """Lines over a shared axis. The first line lies on top. `first` and `last` label the ends of the x-axis.

    `cursor` is the place of a value, counted from 0: it is marked, and the heading tells the values there instead of
    the newest.
    """

    title: str
    lines: tuple[Line, ...]
    first: str = ""
    last: str = ""
    cursor: int | None = None


def draw(chart: Chart, width: int, height: int, glyphs: Glyphs) -> list[Row]:
    """The chart in `height` rows of `width` cells: a heading, the plot with its extremes, the ends of the x-axis."""
    axis_rows = 1 if height >= 5 and (chart.first or chart.last) else 0
    plot_width, plot_height = width - LABEL_WIDTH, height - 1 - axis_rows
    rows = [_heading(chart, width, glyphs)]
    if plot_width < 2 or plot_height < 1:
        return rows[:height]
    values = [value for line in chart.lines for value in line.values if isfinite(value)]
    if not values:
        nothing = fit("no values yet", plot_width, glyphs.ellipsis)
        rows += [[Segment(" " * LABEL_WIDTH), Segment(nothing if y == plot_height // 2 else " " * plot_width, DIM)]
                 for y in range(plot_height)]  # fmt: skip
    else:
        low, high = min(values), max(values)
        labels = {0: number(high), plot_height - 1: number(low)} if high > low else {plot_height // 2: number(high)}
        for y, row in enumerate(_plot(chart, (low, high), plot_width, plot_height, glyphs)):
            label = fit(labels.get(y, "").rjust(LABEL_WIDTH - 1), LABEL_WIDTH - 1, glyphs.ellipsis)
            rows.append([Segment(label + " ", QUIET), *row])
    if axis_rows:
        gap = " " * max(1, plot_width - len(chart.first) - len(chart.last))
        rows.append([Segment(fit(" " * LABEL_WIDTH + chart.first + gap + chart.last, width, ""), DIM)])
    return rows


def _heading(chart: Chart, width: int, glyphs: Glyphs) -> Row:
    """The title, and each line's name in its colour with its newest value."""
    row, used = [Segment(fit(chart.title, LABEL_WIDTH, " "), STRONG)], LABEL_WIDTH
    for number_, line in enumerate(chart.lines):
        told = _told(line, chart.cursor)
        sample = line.sign or _sample(line, number_, glyphs)
        name = f"{sample} {line.name}" if line.name else sample
        value = f" {number(told)}" if told is not None else ""
        if used + len(name) + len(value) > width:
            value = ""
        if used + len(name) > width:
            break
        gap = " " * min(2, width - used - len(name) - len(value))
        row += [Segment(name, ink(line.colour)), Segment(value + gap, ink(MUTED))]
        used += len(name) + len(value) + len(gap)
    return [*row, Segment(" " * max(0, width - used))]


def _sample(line: Line, number_: int, glyphs: Glyphs) -> str:
    return glyphs.lines[number_ % len(glyphs.lines)] if glyphs.lines else "╌" if line.dashed else "━"


def _told(line: Line, cursor: int | None) -> float | None:
    """The value at the cursor; without one the newest that there is."""
    if cursor is None:
        return next((value for value in reversed(line.values) if isfinite(value)), None)
    return line.values[cursor] if cursor < len(line.values) and isfinite(line.values[cursor]) else None


def cell_of(place: int, count: int, width: int, *, across: int) -> int:
    """The cell, of `width` with `across` dots each, in which the value at `place` of `count` is drawn."""
    dots = width * across
    dot = place * dots // count if count > dots else round(place * (dots - 1) / max(1, count - 1))
    return min(width - 1, max(0, dot // across))


def _plot(chart: Chart, span: tuple[float, float], width: int, height: int, glyphs: Glyphs) -> list[Row]:
    lines = chart.lines
    across, down = (2, 4) if glyphs.braille else (1, 1)
    dots = [[0] * width for _ in range(height)]
    owners: list[list[int]] = [[-1] * width for _ in range(height)]
    ends: dict[tuple[int, int], int] = {}
    for index in range(len(lines) - 1, -1, -1):
        line = lines[index]
        columns = _columns(line.values, span, width * across, height * down)
        if line.sign and (end := _free_end(columns, across, down, ends)):
            ends[end] = index
        for x, (top, bottom) in enumerate(columns):
            if top < 0 or (line.dashed and glyphs.braille and x % 4 == 3):
                continue
            for y in range(top, bottom + 1):
                dots[y // down][x // across] |= DOTS[x % across][y % down] if glyphs.braille else 1
                owners[y // down][x // across] = index
    styles = [ink(line.colour) for line in lines]
    for (x, y), index in ends.items():
        dots[y][x], owners[y][x] = SIGN, index
    signs = [line.sign for line in lines]
    rows = [_cells(dots[y], owners[y], styles, signs, glyphs) for y in range(height)]
    if chart.cursor is None:
        return rows
    count = max(len(line.values) for line in lines)
    at = cell_of(min(chart.cursor, count - 1), count, width, across=across)
    return [_marked(row, at, glyphs) for row in rows]


def _marked(row: Row, at: int, glyphs: Glyphs) -> Row:
    """The row with the cursor in its cell: a stroke where nothing is drawn, a shade behind what is."""
    before, cell, after = Segment.divide(row, [at, at + 1, sum(segment.cell_length for segment in row)])
    text, style = (cell[0].text, cell[0].style) if cell else (" ", None)
    shade = Style(bgcolor=CURSOR)
    marked = Segment(glyphs.stroke, DIM + shade) if text == " " else Segment(text, style + shade if style else shade)
    return [*before, marked, *after]


def _columns(values: Sequence[float], span: tuple[float, float], width: int, height: int) -> list[tuple[int, int]]:
    """Top and bottom dot of a line in each column of dots, (-1, -1) where it has a gap."""
    low, high = span
    scale = (height - 1) / (high - low) if high > low else 0.0
    spans = _decimated(values, width) if len(values) > width else _stretched(values, width)
    columns: list[tuple[int, int]] = []
    before: tuple[int, int] | None = None
    for reach in spans:
        if reach is None:
            columns.append((-1, -1))
            before = None
            continue
        top, bottom = (round((high - value) * scale) if scale else (height - 1) // 2 for value in (reach[1], reach[0]))
        here = (top, bottom)
        if before is not None:
            # A steep step is drawn as one stroke: reach towards the column before.
            top, bottom = (min(top, before[1] + 1), bottom) if before[1] < top else (top, max(bottom, before[0] - 1))
        columns.append((min(top, bottom), max(top, bottom)))
        before = here
    return columns


def _decimated(values: Sequence[float], width: int) -> list[tuple[float, float] | None]:
    """Lowest and highest value of the points that fall into each column."""
    spans: list[tuple[float, float] | None] = []
    count = len(values)
    for x in range(width):
        points = [v for v in values[x * count // width : (x + 1) * count // width] if isfinite(v)]
        spans.append((min(points), max(points)) if points else None)
    return spans


def _stretched(values: Sequence[float], width: int) -> list[tuple[float, float] | None]:
    """Fewer points than columns: straight lines between them."""
    spans: list[tuple[float, float] | None] = []
    steps = len(values) - 1
    for x in range(width):
        at = x * steps / max(1, width - 1)
        left = min(int(at), steps)
        right = min(left + 1, steps)
        value = values[left] + (values[right] - values[left]) * (at - left) if at > left else values[left]
        spans.append((value, value) if isfinite(value) else None)
    return spans


def _free_end(
    columns: Sequence[tuple[int, int]], across: int, down: int, taken: Mapping[tuple[int, int], int]
) -> tuple[int, int] | None:
    """The last cell of a line in which no other sign stands, as x and y; None for a line that is not there."""
    cells = ((x // across, top // down) for x, (top, _) in reversed(list(enumerate(columns))) if top >= 0)
    return next((cell for cell in cells if cell not in taken), None)


def _cells(
    dots: Sequence[int], owners: Sequence[int], styles: Sequence[Style], signs: Sequence[str], glyphs: Glyphs
) -> Row:
    """One row of cells as segments, neighbours of one line joined."""
    row: Row = []
    text, current = "", -2
    for bits, owner in zip(dots, owners, strict=True):
        if not bits:
            cell = " "
        elif bits == SIGN or (signs[owner] and not glyphs.braille):
            cell = signs[owner]
        else:
            cell = chr(0x2800 + bits) if glyphs.braille else glyphs.lines[owner % len(glyphs.lines)]
        if owner != current and text:
            row.append(Segment(text, styles[current] if current >= 0 else None))
            text = ""
        text, current = text + cell, owner
    row.append(Segment(text, styles[current] if current >= 0 else None))
    return row
