"""A report as titles, sentences and tables: what the terminal, Markdown and the page all show. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

from msgspec import Struct

from yolotui.config import CostsConfig
from yolotui.core.metrics import main_metric
from yolotui.core.reporting import Report
from yolotui.core.standstill import Standstill
from yolotui.report.charging import HOUR_S, Charge
from yolotui.report.gathering import Gap, NightReport
from yolotui.report.heat import heat_lines
from yolotui.units import format_clock, format_duration

GAPS_TOLD = 20


class Chart(StrEnum):
    """What a page draws beside a section."""

    STRIPS = "strips"
    CURVES = "curves"


class Section(Struct, frozen=True, kw_only=True):
    """A title, sentences, and a table where there is something to list; columns in `right` are figures.

    `drawing` are lines of text that keep their places, for where no `chart` can be drawn. `bars` has a share of 0 to 1
    for each row.
    """

    title: str
    sentences: tuple[str, ...] = ()
    drawing: tuple[str, ...] = ()
    chart: Chart | None = None
    columns: tuple[str, ...] = ()
    right: frozenset[str] = frozenset()
    rows: tuple[tuple[str, ...], ...] = ()
    bars: tuple[float, ...] = ()


def sections(night: NightReport, costs: CostsConfig, now: float) -> list[Section]:
    """All of them, in the order in which they are told."""
    charges = (("By owner", night.by_owner), ("By group", night.by_group), ("By project", night.by_project))
    return [
        _total(night, costs, now),
        _cards(night, now),
        *(_charges(title, charged, costs) for title, charged in charges if charged),
        _runs(night.usage),
        _idle(night, now),
        _crashes(night, now),
        _foresight(night, now),
    ]


def _total(night: NightReport, costs: CostsConfig, now: float) -> Section:
    usage, total = night.usage, night.total
    span = f"{format_clock(usage.since, now)} to {format_clock(usage.until, now)}"
    share = usage.share_busy
    told = f"{total.gpu_s / HOUR_S:.1f} GPU-hours"
    sentences = [told + (f", {share:.0%} of the cards' time." if share is not None else ".")]
    if night.energy:
        share = night.energy.measured
        known = f", as far as it was measured: for {share:.0%} of the time" if share < 0.995 else ""
        sentences.append(f"{night.energy.total_kwh:.2f} kWh, idle cards included{known}.")
    if total.cost is not None:
        sentences.append(f"{_money(total.cost, costs)}.")
    return Section(title=f"Report: {span}", sentences=tuple(sentences))


def _money(amount: float | None, costs: CostsConfig) -> str:
    return "" if amount is None else f"{amount:.2f} {costs.currency}"


def _cards(night: NightReport, now: float) -> Section:
    rows = []
    for card in night.usage.cards:
        total = card.busy_s + card.idle_s
        share = f"{card.busy_s / total:.0%}" if total else ""
        rows.append((card.label, share, format_duration(card.busy_s), format_duration(card.idle_s)))
    columns = ("GPU", "busy", "used", "idle")
    return Section(
        title="GPUs",
        drawing=heat_lines(night, now),
        chart=Chart.STRIPS,
        columns=columns,
        right=frozenset(columns[1:]),
        rows=tuple(rows),
    )


def _charges(title: str, charges: Sequence[Charge], costs: CostsConfig) -> Section:
    most_s = max(charge.gpu_s for charge in charges) or 1.0
    columns = ("name", "GPU-h", "jobs", "kWh", "cost")
    return Section(
        title=title,
        columns=columns,
        right=frozenset(columns[1:]),
        rows=tuple(
            (
                charge.name,
                f"{charge.gpu_s / HOUR_S:.2f}",
                str(charge.jobs),
                f"{charge.kwh:.2f}" if charge.kwh is not None else "",
                _money(charge.cost, costs),
            )
            for charge in charges
        ),
        bars=tuple(charge.gpu_s / most_s for charge in charges),
    )


def _runs(usage: Report) -> Section:
    rows = []
    for run in usage.runs:
        found = main_metric(run.best)
        rows.append(
            (
                str(run.job_id),
                run.name,
                run.owner,
                run.state,
                f"{found[0].removeprefix('metrics/')} {found[1]:.4g}" if found else "",
                f"{run.epochs_done}/{run.epochs_total}" if run.epochs_total else "",
                format_duration(run.ran_s),
                f"{run.gpu_s / HOUR_S:.2f}",
                str(run.attempts),
            )
        )
    return Section(
        title="Runs",
        sentences=() if rows else ("Nothing ran in this time.",),
        chart=Chart.CURVES,
        columns=("id", "name", "owner", "state", "best", "epochs", "ran", "GPU-h", "tries"),
        right=frozenset({"id", "epochs", "ran", "GPU-h", "tries"}),
        rows=tuple(rows),
    )


def _idle(night: NightReport, now: float) -> Section:
    by_cause = {each: sum(gap.until - gap.since for gap in night.gaps if gap.cause is each) for each in Standstill}
    told = [f"{each.value} {format_duration(by_cause[each])}" for each in _longest_first(by_cause)]
    longest = sorted(night.gaps, key=lambda gap: gap.since - gap.until)[:GAPS_TOLD]
    rest = len(night.gaps) - len(longest)
    names = {run.job_id: run.name for run in night.usage.runs}
    return Section(
        title="Idle GPUs",
        sentences=(
            f"Idle for: {', '.join(told)}." if told else "No card was idle for a minute or more.",
            *((f"The {GAPS_TOLD} longest of {len(night.gaps)}:",) if rest else ()),
        ),
        columns=("GPU", "from", "for", "cause", "what was said then"),
        right=frozenset({"for"}),
        rows=tuple(
            (
                gap.label.split(" ")[0],
                format_clock(gap.since, now),
                format_duration(gap.until - gap.since),
                gap.cause,
                _said(gap, names.get(gap.job or 0, "")),
            )
            for gap in longest
        ),
    )


def _longest_first(by_cause: dict[Standstill, float]) -> list[Standstill]:
    return sorted((each for each, seconds in by_cause.items() if seconds), key=lambda each: -by_cause[each])


def _said(gap: Gap, name: str) -> str:
    """What the planner said of the card, or of the job that was to come next."""
    return gap.why if gap.job is None else f"#{gap.job}{f' {name}' if name else ''}: {gap.why}"


def _crashes(night: NightReport, now: float) -> Section:
    return Section(
        title="What broke, and what mended it",
        sentences=() if night.crashes else ("Nothing broke.",),
        columns=("at", "job", "try", "what happened", "then"),
        right=frozenset({"try"}),
        rows=tuple(
            (
                format_clock(crash.at, now),
                f"{crash.job_id} {crash.name}",
                str(crash.attempt),
                " ".join(part for part in (crash.cause, crash.explanation) if part),
                " ".join((f"{crash.then}.", *crash.mended)),
            )
            for crash in night.crashes
        ),
    )


def _foresight(night: NightReport, now: float) -> Section:
    seen = night.foresight
    sentences = []
    if seen.starts and seen.median_late_s is not None:
        way = "later" if seen.median_late_s >= 0 else "earlier"
        sentences.append(
            f"{seen.within} of {seen.starts} starts came within the time foreseen for them; "
            f"the median start {format_duration(abs(seen.median_late_s))} {way} than foreseen."
        )
    if seen.finished and seen.median_factor is not None:
        sentences.append(f"{seen.finished} took {seen.median_factor:.2f} times as long as foreseen (median).")
    return Section(
        title="Forecasts",
        sentences=tuple(sentences) or ("Nothing was foreseen in this time.",),
        columns=("job", "try", "foreseen", "between", "started", "off by"),
        right=frozenset({"try", "off by"}),
        rows=tuple(
            (
                f"{miss.job_id} {miss.name}",
                str(miss.attempt),
                format_clock(miss.foreseen_at, now),
                f"{format_clock(miss.low_at, now)} and {format_clock(miss.high_at, now)}",
                format_clock(miss.started_at, now),
                format_duration(miss.started_at - miss.foreseen_at),
            )
            for miss in seen.misses
        ),
    )


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
    """A text of people or of a trainer, as a cell that stays one: no markup of its own, no line breaks."""
    for letter in "\\`*_[]<>|":
        text = text.replace(letter, f"\\{letter}")
    return " ".join(text.split())
