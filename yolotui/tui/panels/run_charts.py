"""The charts of one run over its epochs, on a shared axis with a cursor. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import isfinite

from rich.segment import Segment

from yolotui.core.metrics import main_column
from yolotui.tui.glyphs import Glyphs
from yolotui.tui.palette import DIM, GREEN, PINK, PLAIN, QUIET, SKY
from yolotui.tui.panels.charts import GAP, beside, charts_of, lines_of
from yolotui.tui.panels.texts import pieces
from yolotui.tui.plot import LABEL_WIDTH, Chart, Row, cell_of, draw
from yolotui.tui.run_book import RunBook
from yolotui.tui.words import fit, short_duration
from yolotui.units import GIB, format_clock, format_duration

LEAST_WIDTH, LEAST_HEIGHT, GOOD_HEIGHT = 34, 5, 9


@dataclass(frozen=True)
class Grid:
    """How charts stand: so many beside one another, each so wide and high; so many floors are in sight."""

    across: int
    width: int
    height: int
    floors: int
    floors_in_sight: int


def run_charts(book: RunBook) -> tuple[Chart, ...]:
    """All charts of a run, the most telling first; of its batches while it has no whole epoch."""
    if not book.run.epochs:
        return charts_of(book.run)
    pace = book.pace
    reserved, used = (tuple(v / GIB for v in pace.get(name, ())) for name in ("reserved_bytes", "gpu_bytes"))
    extra = {
        "img/s": lines_of(("", pace.get("images_per_s", ()), GREEN)),
        "wait %": lines_of(("for data", pace.get("wait_percent", ()), SKY)),
        "step": lines_of(("compute ms", pace.get("compute_ms", ()), GREEN), ("wait", pace.get("wait_ms", ()), SKY)),
        "GPU %": lines_of(("busy", pace.get("gpu_percent", ()), GREEN)),
        "VRAM": lines_of(("GiB in use", used, GREEN), ("reserved", reserved, SKY)),
        "grad": lines_of(("norm", pace.get("gradient_norm", ()), PINK)),
    }
    of_columns = charts_of(replace(book.run, images_per_s=()))
    charts = [chart for chart in of_columns if chart.title in {"loss", "score", "P / R", "lr"}]
    charts += [Chart(title, lines) for title, lines in extra.items() if lines]
    charts += [chart for chart in of_columns if chart not in charts]
    return tuple(replace(chart, first="", last="") for chart in charts)


def grid_for(count: int, width: int, height: int) -> Grid:
    """The arrangement of `count` charts: as many in sight as stay readable."""
    count = max(1, count)
    across = max(1, min(count, (width + GAP) // (LEAST_WIDTH + GAP), 4))
    floors = -(-count // across)
    good = max(1, height // GOOD_HEIGHT)
    in_sight = max(1, min(floors, good if good >= floors else max(good, height // LEAST_HEIGHT)))
    across = -(-count // floors)
    return Grid(across, (width - GAP * (across - 1)) // across, height // in_sight, floors, in_sight)


def chart_rows(charts: Sequence[Chart], grid: Grid, top: int, cursor: int | None, glyphs: Glyphs) -> list[Row]:
    """The floors of the grid from `top` on, each chart with the cursor at a place of its values."""
    rows: list[Row] = []
    for floor in range(top, min(grid.floors, top + grid.floors_in_sight)):
        here = [replace(chart, cursor=cursor) for chart in charts[floor * grid.across : (floor + 1) * grid.across]]
        drawn = [draw(chart, grid.width, grid.height - (grid.height > LEAST_HEIGHT), glyphs) for chart in here]
        rows += [beside(drawn, y, grid.width) for y in range(grid.height)]
    return rows


def axis_row(book: RunBook, grid: Grid, cursor: int | None, width: int) -> Row:
    """The shared axis: under each column of charts its first and last epoch, and the cursor's."""
    epochs = book.run.epochs
    if not epochs:
        return []
    room = grid.width - LABEL_WIDTH
    text = _put(_put(" " * room, str(epochs[-1]), room), str(epochs[0]), 0)
    if cursor is not None:
        text = _put(text, str(epochs[cursor]), cell_of(cursor, len(epochs), room, across=2))
    column = [Segment(fit("epoch", LABEL_WIDTH, ""), DIM), Segment(fit(text, room, ""), QUIET), Segment(" " * GAP)]
    return [*column * grid.across, Segment(" " * max(0, width - grid.across * (grid.width + GAP)))]


def _put(text: str, label: str, at: int) -> str:
    """The text with a label around a place of it; a label that stood there gives way whole."""
    at = max(0, min(at - len(label) // 2, len(text) - len(label)))
    begin, end = max(0, at - 1), at + len(label) + 1
    while begin > 0 and text[begin] != " ":
        begin -= 1
    while end < len(text) and text[end - 1] != " ":
        end += 1
    return text[:begin] + " " * (at - begin) + label + " " * (end - at - len(label)) + text[end:]


def reading_row(book: RunBook, cursor: int | None, now: float, glyphs: Glyphs) -> Row:
    """What there is to say of the epoch under the cursor; of the newest without one."""
    if not book.run.epochs:
        return pieces((" No epoch is whole yet: these are its newest batches.", QUIET))
    place = len(book.run.epochs) - 1 if cursor is None else cursor
    parts = [f"epoch {book.run.epochs[place]}"]
    if book.elapsed_s:
        parts.append(f"after {short_duration(book.elapsed_s[place])}")
        took = book.elapsed_s[place] - (book.elapsed_s[place - 1] if place else 0.0)
        parts.append(f"took {format_duration(round(took))}")
    if book.ended_at and (at := book.ended_at[place]) is not None:
        parts.append(format_clock(at, now))
    if len(set(book.epoch_attempts)) > 1:
        parts.append(f"attempt {book.epoch_attempts[place]}")
    if (best := best_place(book)) is not None:
        parts.append("best epoch" if best == place else f"best: epoch {book.run.epochs[best]}")
    return pieces((" " + parts[0], PLAIN), *((f" {glyphs.separator} {part}", QUIET) for part in parts[1:]))


def best_place(book: RunBook) -> int | None:
    """The place of the epoch with the highest score; None without any."""
    scores = book.run.columns.get(main_column(book.run.columns) or "", ())
    known = [(score, -place) for place, score in enumerate(scores) if isfinite(score)]
    return -max(known)[1] if known else None
