"""A report as titles, sentences and tables: what the terminal, Markdown and the page all show. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from yolotui.config import CostsConfig
from yolotui.core.idling import IdleCause
from yolotui.core.metrics import main_metric
from yolotui.core.reporting import Report, Usage
from yolotui.report.gathering import NightReport
from yolotui.units import format_clock, format_duration

GAPS_TOLD = 20
HOUR_S = 3600.0


class Section(Struct, frozen=True, kw_only=True):
    """A title, sentences, and a table where there is something to list; columns in `right` are figures."""

    title: str
    sentences: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    right: frozenset[str] = frozenset()
    rows: tuple[tuple[str, ...], ...] = ()


def sections(night: NightReport, costs: CostsConfig, now: float) -> list[Section]:
    """All of them, in the order in which they are told."""
    found = [_total(night, costs, now), _cards(night.usage)]
    for title, usages, kwh in (
        ("By owner", night.usage.by_owner, night.energy.by_owner if night.energy else None),
        ("By group", night.usage.by_group, night.energy.by_group if night.energy else None),
    ):
        if usages:
            found.append(_charges(title, usages, kwh, costs))
    return [*found, _runs(night.usage), _idle(night, now), _crashes(night, now), _foresight(night)]


def _total(night: NightReport, costs: CostsConfig, now: float) -> Section:
    usage = night.usage
    span = f"{format_clock(usage.since, now)} to {format_clock(usage.until, now)}"
    share = usage.share_busy
    told = f"{usage.gpu_s / HOUR_S:.1f} GPU-hours"
    sentences = [told + (f", {share:.0%} of the cards' time." if share is not None else ".")]
    if night.energy:
        share = night.energy.measured
        known = f", as far as it was measured: for {share:.0%} of the time" if share < 0.995 else ""
        sentences.append(f"{night.energy.total_kwh:.2f} kWh, idle cards included{known}.")
    price = _price(usage.gpu_s, night.energy.total_kwh if night.energy else None, costs)
    if price:
        sentences.append(f"{price}.")
    return Section(title=f"Report: {span}", sentences=tuple(sentences))


def _price(gpu_s: float, kwh: float | None, costs: CostsConfig) -> str:
    """What it cost, where a price is known for what is known."""
    parts = []
    if costs.gpu_hour is not None:
        parts.append(gpu_s / HOUR_S * costs.gpu_hour)
    if costs.kwh is not None and kwh is not None:
        parts.append(kwh * costs.kwh)
    return f"{sum(parts):.2f} {costs.currency}" if parts else ""


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
        columns=("id", "name", "owner", "state", "best", "epochs", "ran", "GPU-h", "attempts"),
        right=frozenset({"id", "epochs", "ran", "GPU-h", "attempts"}),
        rows=tuple(rows),
    )


def _charges(title: str, usages: Sequence[Usage], kwh: dict[str, float] | None, costs: CostsConfig) -> Section:
    rows = []
    for usage in usages:
        drawn = kwh.get(usage.name, 0.0) if kwh is not None else None
        energy = f"{drawn:.2f}" if drawn is not None else ""
        price = _price(usage.gpu_s, drawn, costs)
        rows.append((usage.name, f"{usage.gpu_s / HOUR_S:.2f}", str(usage.jobs), energy, price))
    columns = ("name", "GPU-h", "jobs", "kWh", "cost")
    return Section(title=title, columns=columns, right=frozenset(columns[1:]), rows=tuple(rows))


def _cards(usage: Report) -> Section:
    rows = []
    for card in usage.cards:
        total = card.busy_s + card.idle_s
        share = f"{card.busy_s / total:.0%}" if total else ""
        rows.append((card.label, share, format_duration(card.busy_s), format_duration(card.idle_s)))
    columns = ("GPU", "busy", "used", "idle")
    return Section(title="GPUs", columns=columns, right=frozenset(columns[1:]), rows=tuple(rows))


def _idle(night: NightReport, now: float) -> Section:
    by_cause = {each: sum(gap.until - gap.since for gap in night.gaps if gap.cause is each) for each in IdleCause}
    told = [f"{each.value}: {format_duration(seconds)}" for each, seconds in by_cause.items() if seconds]
    longest = sorted(night.gaps, key=lambda gap: gap.since - gap.until)[:GAPS_TOLD]
    rest = len(night.gaps) - len(longest)
    return Section(
        title="Idle gaps",
        sentences=(
            "; ".join(told) + "." if told else "No card was idle for a minute or more.",
            *((f"The {GAPS_TOLD} longest of {len(night.gaps)}:",) if rest else ()),
        ),
        columns=("GPU", "from", "for", "cause", "in the queue"),
        right=frozenset({"for", "in the queue"}),
        rows=tuple(
            (
                gap.label,
                format_clock(gap.since, now),
                format_duration(gap.until - gap.since),
                gap.cause,
                str(gap.queued),
            )
            for gap in longest
        ),
    )


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


def _foresight(night: NightReport) -> Section:
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
    return Section(title="Forecasts", sentences=tuple(sentences) or ("Nothing was foreseen in this time.",))


def markdown(told: Sequence[Section]) -> str:
    """The sections as Markdown."""
    parts = []
    for number, section in enumerate(told):
        parts += [f"{'#' if number == 0 else '##'} {_escaped(section.title)}", *map(_escaped, section.sentences)]
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
