"""The report of a night or a week as sections: who used the GPUs for what, what stood idle, what broke. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from yolotui.config import CostsConfig
from yolotui.core.metrics import main_metric
from yolotui.core.standstill import Standstill
from yolotui.report.charging import HOUR_S, Charge, hours, money
from yolotui.report.gathering import Curve, Gap, NightReport
from yolotui.report.heat import heat_lines
from yolotui.report.sections import HeatStrips, Line, LineChart, Section
from yolotui.units import format_clock, format_duration, format_moment

CAUSES_TOLD = 12


def sections(night: NightReport, costs: CostsConfig, now: float) -> list[Section]:
    """All of them, in the order in which they are told."""
    charges = (("By owner", night.by_owner), ("By group", night.by_group), ("By project", night.by_project))
    return [
        _total(night, costs),
        _cards(night, now),
        *(_charges(title, charged, costs) for title, charged in charges if charged),
        _runs(night),
        _idle(night, now),
        _crashes(night, now),
        _foresight(night, now),
    ]


def _total(night: NightReport, costs: CostsConfig) -> Section:
    usage, total = night.usage, night.total
    span = f"{format_moment(usage.since)} to {format_moment(usage.until)}"  # a page is kept: which yesterday it was
    share = usage.share_busy
    told = f"{hours(total.gpu_s)} GPU-hours"
    sentences = [told + (f", {share:.0%} of the cards' time." if share is not None else ".")]
    if night.energy:
        share = night.energy.measured
        known = f", as far as it was measured: for {share:.0%} of the time" if share < 0.995 else ""
        sentences.append(f"{night.energy.total_kwh:.2f} kWh, idle cards included{known}.")
    if total.cost is not None:
        sentences.append(f"It cost {money(total.cost, costs)}.")
    return Section(title=f"Report: {span}", sentences=tuple(sentences))


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
        charts=_strips(night, now),
        columns=columns,
        right=frozenset(columns[1:]),
        rows=tuple(rows),
    )


def _charges(title: str, charges: Sequence[Charge], costs: CostsConfig) -> Section:
    """What is not known of anybody has no column."""
    most_s = max(charge.gpu_s for charge in charges) or 1.0
    told = {
        "name": [charge.name for charge in charges],
        "GPU-h": [f"{charge.gpu_s / HOUR_S:.2f}" for charge in charges],
        "jobs": [str(charge.jobs) for charge in charges],
        "kWh": [f"{charge.kwh:.2f}" for charge in charges if charge.kwh is not None],
        "cost": [money(charge.cost, costs) for charge in charges if charge.cost is not None],
    }
    columns = tuple(name for name, cells in told.items() if cells)
    return Section(
        title=title,
        columns=columns,
        right=frozenset(columns[1:]),
        rows=tuple(zip(*(told[name] for name in columns), strict=True)),
        bars=tuple(charge.gpu_s / most_s for charge in charges),
    )


def _strips(night: NightReport, now: float) -> tuple[HeatStrips, ...]:
    if not night.strips:
        return ()
    usage = night.usage
    moments = (usage.since + quarter / 4 * (usage.until - usage.since) for quarter in range(5))
    return (HeatStrips(strips=night.strips, moments=tuple(format_clock(at, now) for at in moments)),)


def _runs(night: NightReport) -> Section:
    usage = night.usage
    metrics = {found[0].removeprefix("metrics/") for run in usage.runs if (found := main_metric(run.best))}
    best = metrics.pop() if len(metrics) == 1 else "best"
    rows = [
        (
            str(run.job_id),
            run.name,
            run.owner,
            run.state,
            _best(run.best, names_it=best == "best"),
            f"{run.epochs_done}/{run.epochs_total}" if run.epochs_total else "",
            format_duration(run.ran_s),
            f"{run.gpu_s / HOUR_S:.2f}",
            str(run.attempts),
        )
        for run in usage.runs
    ]
    return Section(
        title="Runs",
        sentences=() if rows else ("Nothing ran in this time.",),
        charts=_curves(night.curves),
        columns=("id", "name", "owner", "state", best, "epochs", "ran", "GPU-h", "tries"),
        right=frozenset({"id", "epochs", "ran", "GPU-h", "tries"}),
        rows=tuple(rows),
    )


def _curves(curves: Sequence[Curve]) -> tuple[LineChart, ...]:
    lines = tuple(Line(f"{curve.job_id} {curve.name}, {curve.metric}", curve.points) for curve in curves)
    return (LineChart(title="How the runs went", lines=lines),) if lines else ()


def _best(best: dict[str, float], *, names_it: bool) -> str:
    """The number that a run is judged by, with its name where not all runs are judged by the same."""
    if (found := main_metric(best)) is None:
        return ""
    name, value = found
    return f"{value:.4g} {name.removeprefix('metrics/')}" if names_it else f"{value:.4g}"


def _idle(night: NightReport, now: float) -> Section:
    by_cause = {each: sum(gap.until - gap.since for gap in night.gaps if gap.cause is each) for each in Standstill}
    told = [f"{each.value} {format_duration(by_cause[each])}" for each in _longest_first(by_cause)]
    alike: dict[tuple[object, ...], list[Gap]] = {}
    for gap in night.gaps:
        if gap.cause is not Standstill.NOTHING_WAITED:
            alike.setdefault((gap.cause, gap.job or (gap.gpu, gap.why)), []).append(gap)
    rows = sorted(alike.values(), key=_idle_s, reverse=True)
    return Section(
        title="Idle GPUs",
        sentences=(
            f"Idle for: {', '.join(told)}." if told else "No card was idle for a minute or more.",
            *((f"Of {len(rows)} causes those that cost most:",) if rows[CAUSES_TOLD:] else ()),
        ),
        columns=("GPUs", "from", "for", "cause", "what was said then"),
        right=frozenset({"for"}),
        rows=tuple(_alike(gaps, now) for gaps in rows[:CAUSES_TOLD]),
    )


def _idle_s(gaps: Sequence[Gap]) -> float:
    return sum(gap.until - gap.since for gap in gaps)


def _alike(gaps: Sequence[Gap], now: float) -> tuple[str, ...]:
    """Gaps of one cause: on which cards, from when on, for how long together, and what was said of the longest."""
    longest = max(gaps, key=lambda gap: gap.until - gap.since)
    return (
        " ".join(dict.fromkeys(gap.label.split(" ")[0] for gap in gaps)),
        format_clock(min(gap.since for gap in gaps), now),
        format_duration(_idle_s(gaps)),
        longest.cause,
        longest.why if longest.job is None else f"#{longest.job} {longest.name}: {longest.why}",
    )


def _longest_first(by_cause: dict[Standstill, float]) -> list[Standstill]:
    return sorted((each for each, seconds in by_cause.items() if seconds), key=lambda each: -by_cause[each])


def _crashes(night: NightReport, now: float) -> Section:
    return Section(
        title="What broke, and what mended it",
        sentences=() if night.crashes else ("Nothing broke.",),
        columns=("at", "job", "try", "what happened, and then"),
        right=frozenset({"try"}),
        rows=tuple(
            (
                format_clock(crash.at, now),
                f"{crash.job_id} {crash.name}",
                str(crash.attempt),
                crash.told,
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
        digits = ".2f" if seen.median_factor >= 0.1 else ".2g"  # a first job is foreseen with a guess, far from it
        sentences.append(f"{seen.finished} took {seen.median_factor:{digits}} times as long as foreseen (median).")
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
