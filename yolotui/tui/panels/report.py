"""What the GPUs were used for, as rows: a strip a card, who used how much, what ran. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from yolotui.core.metrics import main_metric
from yolotui.core.reporting import CardUsage, Report, RunResult, Usage
from yolotui.report.charging import hours
from yolotui.tui.glyphs import Glyphs
from yolotui.tui.palette import CAUTION, DIM, GREEN, PLAIN, QUIET, SKY, STATE_COLOURS, STRONG, ink
from yolotui.tui.panels.texts import pieces, spread
from yolotui.tui.plot import Row
from yolotui.tui.words import fit, number, plain, short_duration
from yolotui.units import format_clock

NAME_WIDTH = 18
BAR_WIDTH = 20
GAPS_TOLD = 3

Line = tuple[Row, int | None]
"""A row, and the job that it is about."""


def report_lines(report: Report, now: float, width: int, glyphs: Glyphs) -> list[Line]:
    """The whole report. Rows of runs know their job."""
    rows: list[Line] = [(row, None) for row in _cards(report, now, width, glyphs)]
    for title, usages in (
        ("By owner", report.by_owner),
        ("By group", report.by_group),
        ("By project", report.by_project),
    ):
        if usages:
            rows += [([], None), (pieces((title, ink(SKY, bold=True))), None)]
            rows += [(_usage(usage, report.gpu_s, width, glyphs), None) for usage in usages]
    rows += [([], None), (_runs_heading(len(report.runs), width), None)]
    rows += [(_run(run, width, glyphs), run.job_id) for run in report.runs]
    if not report.runs:
        rows.append((pieces(("Nothing ran in this time. t takes another period.", QUIET)), None))
    return rows


def total_text(report: Report) -> str:
    """`31.5 GPU-hours, 82 % of the cards' time`."""
    share = report.share_busy
    return f"{hours(report.gpu_s)} GPU-hours" + (f", {share:.0%} of the cards' time" if share is not None else "")


def _cards(report: Report, now: float, width: int, glyphs: Glyphs) -> list[Row]:
    rows: list[Row] = [pieces(("GPUs", ink(SKY, bold=True)))]
    for card in report.cards:
        total = card.busy_s + card.idle_s
        share = f"{card.busy_s / total:>4.0%}" if total else "   -"
        strip = _strip(card, report, max(10, width - NAME_WIDTH - 30), glyphs)
        rows.append(
            [
                *pieces((fit(plain(card.label), NAME_WIDTH, glyphs.ellipsis) + " ", PLAIN)),
                *strip,
                *pieces((f" {share} busy", STRONG), (f"  idle {short_duration(card.idle_s)}", QUIET)),
            ]
        )
    for card in report.cards:
        for gap in sorted(card.gaps, key=lambda gap: -gap.length_s)[:GAPS_TOLD]:
            waiting = (
                f"{gap.queued} {'job' if gap.queued == 1 else 'jobs'} in the queue" if gap.queued else "empty queue"
            )
            text = f"{format_clock(gap.since, now)} for {short_duration(gap.length_s)}, {waiting}"
            style = CAUTION if gap.queued else QUIET
            rows.append(pieces((fit("", 2, ""), QUIET), (f"{_short_name(card)} idle from {text}", style)))
    return rows if report.cards else [*rows, pieces(("No scheduler has looked at this machine yet.", QUIET))]


def _short_name(card: CardUsage) -> str:
    """`GPU 0`; the UUID of a card that is gone."""
    index = plain(card.label).split(" ")[0]
    return f"GPU {index}" if index.isdecimal() else index


def _strip(card: CardUsage, report: Report, width: int, glyphs: Glyphs) -> Row:
    """The period from left to right: a full cell where the card was busy for most of that time."""
    step = (report.until - report.since) / width
    row: Row = []
    for cell in range(width):
        begin, end = report.since + cell * step, report.since + (cell + 1) * step
        idle = sum(max(0.0, min(end, gap.until) - max(begin, gap.since)) for gap in card.gaps)
        row += pieces((glyphs.bar[0], DIM) if idle > step / 2 else (glyphs.bar[-1], ink(GREEN)))
    return row


def _usage(usage: Usage, total_s: float, width: int, glyphs: Glyphs) -> Row:
    full, empty = glyphs.progress(usage.gpu_s / total_s if total_s else 0.0, BAR_WIDTH)
    left = pieces((fit(plain(usage.name), NAME_WIDTH, glyphs.ellipsis) + " ", PLAIN), (full, ink(SKY)), (empty, DIM))
    jobs = f"{usage.jobs} {'job' if usage.jobs == 1 else 'jobs'}"
    return spread(left, pieces((f"{usage.gpu_s / 3600:.2f} GPU-hours", PLAIN), (f"  {jobs:>8}", QUIET)), width, "")


def _runs_heading(count: int, width: int) -> Row:
    titles = "".join(title.rjust(9) for title in ("best", "epochs", "ran", "GPU-h"))
    return spread(pieces((f"Runs  {count}", ink(SKY, bold=True))), pieces((titles if count else "", QUIET)), width, "")


def _run(run: RunResult, width: int, glyphs: Glyphs) -> Row:
    found = main_metric(run.best)
    epochs = f"{run.epochs_done}/{run.epochs_total}" if run.epochs_total else ""
    figures = (
        number(found[1]) if found else glyphs.none,
        epochs,
        short_duration(run.ran_s),
        f"{run.gpu_s / 3600:.2f} h",
    )
    left = pieces(
        (fit(f"{glyphs.state(run.state)} {run.state}", 12, ""), ink(STATE_COLOURS[run.state])),
        (f"#{run.job_id} {plain(run.name)}", PLAIN),
        (f"  {plain(run.owner)}", QUIET),
        (f"  {run.attempts} attempts" if run.attempts > 1 else "", QUIET),
    )
    right = pieces(("".join(text.rjust(9) for text in figures), QUIET))
    return spread(left, right, width, glyphs.ellipsis)


def rows_of(lines: Sequence[Line]) -> list[Row]:
    """The rows alone."""
    return [row for row, _ in lines]
