"""Runs beside one another: their curves on one axis, what each came to, what differs, what misleads. Pure."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from math import isfinite, nan

from yolotui.core.comparing_runs import Compared, Comparison, Differing, RunFacts
from yolotui.core.metrics import main_column
from yolotui.tui.glyphs import Glyphs
from yolotui.tui.palette import CAUTION, GREEN, MUTED, ORANGE, PINK, PLAIN, QUIET, RED, SKY, STRONG, TEXT, YELLOW, ink
from yolotui.tui.panels.texts import cut, pieces, spread, wrapped
from yolotui.tui.plot import LABEL_WIDTH, Chart, Line, Row, draw
from yolotui.tui.words import fit, metric_name, number, plain, short_duration

LETTERS = "ABCDEFGHIJKLMNOP"
COLOURS = (SKY, ORANGE, GREEN, PINK, YELLOW, RED, TEXT, MUTED)
ARGUMENT_WIDTH = 16


class Axis(StrEnum):
    """What curves are laid over."""

    EPOCH = "epoch"
    TIME = "hours of training"


@dataclass(frozen=True)
class Shown:
    """The curves that are looked at: of one column over an axis, with a cursor at a place of it."""

    column: str
    axis: Axis
    cursor: float | None = None


def curves_of(facts: Sequence[RunFacts]) -> list[str]:
    """The columns that some run has, the one that runs are judged by first, then scores, then losses."""
    names = dict.fromkeys(name for run in facts for name in run.columns)
    main = main_column(names)
    order = sorted(names, key=lambda name: (name != main, not name.startswith("metrics/"), name.startswith("lr/")))
    return list(order)


def span_of(facts: Sequence[RunFacts], axis: Axis) -> tuple[float, float]:
    """The first and the last place on the axis that any run has reached."""
    places = [place for run in facts for place in _places(run, axis)]
    return (min(places), max(places)) if places else (0.0, 0.0)


def _places(run: RunFacts, axis: Axis) -> Sequence[float]:
    return run.epochs if axis is Axis.EPOCH else [seconds / 3600 for seconds in run.elapsed_s]


def resampled(places: Sequence[float], values: Sequence[float], span: tuple[float, float], count: int) -> list[float]:
    """The values at `count` even steps of the span, on straight lines between their places; NaN outside of them."""
    low, high = span
    steps = [low + (high - low) * step / max(1, count - 1) for step in range(count)]
    return [value_at(places, values, step) for step in steps]


def _ending_true(steps: list[float], values: Sequence[float]) -> list[float]:
    """The steps, of which the last that is a number tells the newest value itself: it may lie between two steps."""
    last = next((place for place in range(len(steps) - 1, -1, -1) if isfinite(steps[place])), None)
    if last is not None and values and isfinite(values[-1]):
        steps[last] = values[-1]
    return steps


def value_at(places: Sequence[float], values: Sequence[float], where: float) -> float:
    """The value at a place of the axis; NaN where the run has not been, or not yet."""
    right = bisect_left(places, where - 1e-9)
    if right >= len(places):
        return nan
    if abs(places[right] - where) <= 1e-9:
        return values[right]
    if right == 0:
        return nan
    left = right - 1
    share = (where - places[left]) / (places[right] - places[left])
    return values[left] + (values[right] - values[left]) * share


def curve_rows(facts: Sequence[RunFacts], shown: Shown, width: int, height: int, glyphs: Glyphs) -> list[Row]:
    """The curves of one column, over one another; with a cursor its values, without one the newest."""
    column, axis, cursor = shown.column, shown.axis, shown.cursor
    count = max(2, (width - LABEL_WIDTH) * 2)
    span = span_of(facts, axis)
    lines = tuple(
        Line(
            "",
            tuple(_ending_true(resampled(_places(run, axis), run.columns[column], span, count), run.columns[column])),
            COLOURS[place % len(COLOURS)],
            dashed=place >= len(COLOURS),
            sign=LETTERS[place],
        )
        for place, run in enumerate(facts)
        if column in run.columns and run.epochs
    )
    at = None if cursor is None or span[1] <= span[0] else round((cursor - span[0]) / (span[1] - span[0]) * (count - 1))
    ends = [number(end) if axis is Axis.TIME else f"{end:.0f}" for end in span]
    first = f"{axis.value} {ends[0]}"
    return draw(Chart("", lines, first, ends[1], cursor=at), width, height, glyphs)


def table_rows(comparison: Comparison, width: int, glyphs: Glyphs) -> list[Row]:
    """What each run came to; what misleads; the arguments that differ."""
    rows = [_heading(comparison, width)]
    for place, run in enumerate(comparison.runs):
        rows.append(_run(run, place, comparison.winner == place, width, glyphs))
    if comparison.caveats:
        rows += [[], pieces(("Before you conclude", ink(SKY, bold=True)))]
        for caveat in comparison.caveats:
            rows += wrapped(f"{glyphs.attention} {plain(caveat.sentence)}", width, CAUTION, indent="  ")
    rows += [[], pieces(("Arguments that differ", ink(SKY, bold=True)))]
    for differing in comparison.differing:
        rows += _difference(differing, "default", width, glyphs)
    if not comparison.differing:
        rows.append(pieces(("None: they were asked for the same.", QUIET)))
    if comparison.made_otherwise:
        rows += [[], pieces(("Made with", ink(SKY, bold=True)))]
    for differing in comparison.made_otherwise:
        rows += _difference(differing, glyphs.none, width, glyphs)
    return rows


FIGURES = (("best", 7), ("epoch", 6), ("last", 7), ("trained", 8), ("GPU-h", 7))


def _heading(comparison: Comparison, width: int) -> Row:
    metric = metric_name(comparison.metric) if comparison.metric else "no common score"
    figures = "".join(title.rjust(size) for title, size in FIGURES)
    return spread(pieces((f"   {metric}", QUIET)), pieces((figures, QUIET)), width, "")


def _run(run: Compared, place: int, best: bool, width: int, glyphs: Glyphs) -> Row:
    colour = COLOURS[place % len(COLOURS)]
    left = pieces(
        (LETTERS[place], ink(colour, bold=True)),
        (f" {glyphs.mark if best else ' '} ", ink(YELLOW, bold=True)),
        (f"#{run.job_id} {plain(run.name)}", STRONG if best else PLAIN),
        (f"  {glyphs.state(run.state)} {run.state} {_epochs(run)}", QUIET),
    )
    figures = (
        number(run.best) if run.best is not None else glyphs.none,
        str(run.best_epoch) if run.best_epoch is not None else glyphs.none,
        number(run.last) if run.last is not None else glyphs.none,
        short_duration(run.trained_s) if run.trained_s is not None else glyphs.none,
        f"{run.gpu_s / 3600:.2f}",
    )
    right = "".join(text.rjust(size) for text, (_, size) in zip(figures, FIGURES, strict=True))
    return spread(left, pieces((right, STRONG if best else PLAIN)), width, glyphs.ellipsis)


def _epochs(run: Compared) -> str:
    return f"{run.epochs_done}/{run.epochs_total}" if run.epochs_total else str(run.epochs_done or "")


def _difference(differing: Differing, unknown: str, width: int, glyphs: Glyphs) -> list[Row]:
    values = [
        f"{LETTERS[place]} {unknown if value is None else plain(str(value)).rpartition('/')[2]}"
        for place, value in enumerate(differing.values)
    ]
    first, *rest = wrapped("   ".join(values), width - ARGUMENT_WIDTH)
    name = pieces((fit(plain(differing.argument), ARGUMENT_WIDTH - 1, glyphs.ellipsis) + " ", QUIET))
    rows = [[*name, *first], *([*pieces((" " * ARGUMENT_WIDTH, QUIET)), *row] for row in rest)]
    return [cut(row, width, glyphs.ellipsis) for row in rows]
