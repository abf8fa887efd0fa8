"""The curves of a run: which there are, and how many fit. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from rich.segment import Segment

from yolotui.core.metrics import main_metric
from yolotui.tui.glyphs import Glyphs
from yolotui.tui.palette import GREEN, ORANGE, PINK, SKY, YELLOW
from yolotui.tui.plot import Chart, Line, Row, draw
from yolotui.tui.run_view import RunView
from yolotui.tui.words import metric_name

LEAST_WIDTH, LEAST_HEIGHT, GOOD_HEIGHT = 30, 5, 8
GAP = 2
SPEED = "speed"
RECENT = ("recent", "now")


def charts_of(run: RunView) -> tuple[Chart, ...]:
    """The charts of a run, the most telling first; of its batches while it has no whole epoch."""
    if not run.epochs:
        return _batch_charts(run)
    columns = run.columns
    lines = {
        "loss": lines_of(("train", _total(columns, "train/"), SKY), ("val", _total(columns, "val/"), ORANGE)),
        "score": _score_lines(columns),
        "lr": lines_of(("", columns.get("lr/pg0", ()), YELLOW)),
        SPEED: lines_of(("img/s", run.images_per_s, PINK)),
        "P / R": lines_of(("P", _metric(columns, "precision"), PINK), ("R", _metric(columns, "recall"), YELLOW)),
    }
    for name in _loss_names(columns):
        train, val = columns.get(f"train/{name}_loss", ()), columns.get(f"val/{name}_loss", ())
        lines[name] = lines_of(("train", train, SKY), ("val", val, ORANGE))
    epochs = (f"epoch {run.epochs[0]}", str(run.epochs[-1]))
    return tuple(
        Chart(title, drawn, *(RECENT if title == SPEED else epochs)) for title, drawn in lines.items() if drawn
    )


def lay_out(charts: tuple[Chart, ...], width: int, height: int, glyphs: Glyphs) -> list[Row]:
    """The first charts that fit into the room, all of one size, as rows of exactly `width` cells."""
    if not charts or width < 16 or height < 3:
        return []
    across = max(1, min(len(charts), (width + GAP) // (LEAST_WIDTH + GAP), 3))
    down = max(
        1, min(-(-len(charts) // across), height // (GOOD_HEIGHT if height >= 2 * GOOD_HEIGHT else LEAST_HEIGHT))
    )
    across = min(across, -(-len(charts) // down))
    chart_width = (width - GAP * (across - 1)) // across
    rows: list[Row] = []
    for floor in range(down):
        here = charts[floor * across : (floor + 1) * across]
        chart_height = height * (floor + 1) // down - height * floor // down
        # A blank line between two floors, where there is room for one.
        spare = 1 if floor < down - 1 and chart_height > LEAST_HEIGHT else 0
        drawn = [draw(chart, chart_width, chart_height - spare, glyphs) for chart in here]
        rows += [beside(drawn, y, chart_width) for y in range(chart_height - spare)]
        rows += [[] for _ in range(spare)]
    return rows


def beside(charts: list[list[Row]], y: int, width: int) -> Row:
    """The same row of charts that stand side by side."""
    row: Row = []
    for chart in charts:
        row += [*(chart[y] if y < len(chart) else [Segment(" " * width)]), Segment(" " * GAP)]
    return row[:-1]


def _batch_charts(run: RunView) -> tuple[Chart, ...]:
    charts = (
        Chart("loss", lines_of(("train, by batch", run.batch_losses, SKY)), *RECENT),
        Chart(SPEED, lines_of(("img/s", run.images_per_s, PINK)), *RECENT),
    )
    return tuple(chart for chart in charts if chart.lines)


def lines_of(*lines: tuple[str, tuple[float, ...], str]) -> tuple[Line, ...]:
    """Lines that have values; the second one is dashed, so that they differ without colour, too."""
    return tuple(
        Line(name, values, colour, dashed=place == 1) for place, (name, values, colour) in enumerate(lines) if values
    )


def _score_lines(columns: Mapping[str, tuple[float, ...]]) -> tuple[Line, ...]:
    newest = {name: values[-1] for name, values in columns.items() if name.startswith("metrics/") and values}
    found = main_metric(newest)
    if found is None:
        return ()
    main = found[0]
    second = main.replace("mAP50-95", "mAP50").replace("top1", "top5")
    lines = [(metric_name(main), columns[main], GREEN)]
    if second != main and second in columns:
        lines.append((metric_name(second), columns[second], YELLOW))
    return lines_of(*lines)


def _metric(columns: Mapping[str, tuple[float, ...]], name: str) -> tuple[float, ...]:
    return next((values for column, values in columns.items() if column.startswith(f"metrics/{name}")), ())


def _loss_names(columns: Mapping[str, tuple[float, ...]]) -> list[str]:
    return [
        name[len("train/") : -len("_loss")] for name in columns if name.startswith("train/") and name.endswith("_loss")
    ]


def _total(columns: Mapping[str, tuple[float, ...]], prefix: str) -> tuple[float, ...]:
    """The sum of all losses of one kind, epoch by epoch."""
    losses = [values for name, values in columns.items() if name.startswith(prefix) and "loss" in name]
    return tuple(sum(each) for each in zip(*losses, strict=True)) if losses else ()
