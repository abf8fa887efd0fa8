"""The report of one run as sections: what it came to, how it got there, and what it was made from. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from msgspec.structs import replace

from yolotui.audit_text import detail_text
from yolotui.config import CostsConfig
from yolotui.core.health import since
from yolotui.core.jobs import Attempt, Failed, Kind, Skipped, Unknown
from yolotui.harmless import without_passwords
from yolotui.job_words import arguments_text, asked_for, ending_text, run_time_s
from yolotui.report.charging import hours, money
from yolotui.report.heat import blocks
from yolotui.report.run import RunReport
from yolotui.report.sections import Line, LineChart, Section
from yolotui.store import Actor
from yolotui.units import format_duration, format_moment

MOST_CHARTS, MOST_LINES = 8, 8
SCORES = "Scores"
TOO_LARGE = 1e300  # the distance of two such numbers is none any more
_COLUMN = re.compile(r"(train|val|metrics)/([\w.()-]{1,40})")
_SIDES = {"train": "training", "val": "validation"}


def sections(run: RunReport, costs: CostsConfig) -> list[Section]:
    """All of them, in the order in which they are told; of what there is nothing to tell there is none."""
    went = (_total(run, costs), _curves(run), _attempts(run), _health(run), _otherwise(run))
    made = (_asked(run), _made_from(run), _weights(run), _deeds(run))
    return [_harmless(section) for section in (*went, *made) if section.sentences or section.charts or section.rows]


def _harmless(section: Section) -> Section:
    """A section without passwords: what a trainer said last may have an address with one in it."""
    return replace(
        section,
        sentences=tuple(map(without_passwords, section.sentences)),
        rows=tuple(tuple(map(without_passwords, row)) for row in section.rows),
    )


def _total(run: RunReport, costs: CostsConfig) -> Section:
    job = run.job
    what = "A training" if job.spec.kind is Kind.TRAIN else f"A job ({job.spec.kind.value})"
    sentences = (
        f"{what} of {job.owner.name}, group {job.spec.group}, priority {job.priority.name}: {job.state}.",
        job.status.reason if isinstance(job.status, Failed | Skipped | Unknown) else "",
        _times(run),
        _best(run),
        _used(run, costs),
        f"Its files: {job.run_dir}",
    )
    return Section(title=f"Run {job.id}: {job.name}", sentences=_said(sentences))


def _said(sentences: Iterable[str]) -> tuple[str, ...]:
    return tuple(sentence for sentence in sentences if sentence)


def _times(run: RunReport) -> str:
    job = run.job
    parts = [f"Submitted {format_moment(job.submitted_at)}"]
    if job.first_started_at is not None:
        parts.append(f"started {format_moment(job.first_started_at)}")
    if job.ended:
        parts.append(f"ended {format_moment(job.status.since)}")
    ran_s = run_time_s(job, run.at)
    if ran_s is None:
        return f"{', '.join(parts)}."
    waited = format_duration(round(sum(wait_s or 0.0 for wait_s in run.waits_s)))
    attempts = "1 attempt" if len(job.attempts) == 1 else f"{len(job.attempts)} attempts"
    return f"{', '.join(parts)}. It waited {waited} and ran {format_duration(round(ran_s))}, in {attempts}."


def _best(run: RunReport) -> str:
    progress = run.job.progress
    total = progress.epochs_total or run.job.spec.epochs
    done = f"{progress.epochs_done} of {total} epochs." if total else ""
    if not progress.best:
        return done
    at = f" at epoch {progress.best_epoch}" if progress.best_epoch else ""
    figures = ", ".join(
        f"{name.removeprefix('metrics/')} {value:.4g}" for name, value in _scores(progress.best).items()
    )
    return f"{done} Best{at}: {figures}.".lstrip()


def _scores(best: dict[str, float]) -> dict[str, float]:
    """The metrics, without the losses beside them; all where there are none."""
    return {name: value for name, value in best.items() if name.startswith("metrics/")} or best


def _used(run: RunReport, costs: CostsConfig) -> str:
    used = run.charge
    parts = [f"{hours(used.gpu_s)} GPU-hours" if used.gpu_s else ""]
    if used.kwh is not None and run.measured:
        part = f" (measured for {run.measured:.0%} of its time)" if run.measured < 0.995 else ""
        parts.append(f"{used.kwh:.2g} kWh{part}")
    parts.append(money(used.cost, costs) if used.cost else "")
    told = ", ".join(filter(None, parts))
    return f"{told}." if told else ""


def _curves(run: RunReport) -> Section:
    charts = tuple(_charts(run))
    if not charts and run.job.spec.kind is not Kind.TRAIN:
        return Section(title="Curves")
    nonfinite = [row.epoch for row in run.series.epochs if row.nonfinite]
    sentences = (
        "" if charts else "There are no two epochs on record.",
        f"It was resumed after {_epochs(resumed)}." if (resumed := _resumed_after(run)) else "",
        f"Not every number was one (NaN, infinity) in {_epochs(nonfinite)}." if nonfinite else "",
    )
    return Section(title="Curves", sentences=_said(sentences), drawing=_drawing(charts), charts=charts)


def _epochs(numbers: Iterable[int]) -> str:
    """`epoch 3`, `epochs 3, 5, 7 and 12 more`."""
    known = sorted(set(numbers))
    rest = f" and {len(known) - 5} more" if known[5:] else ""
    return f"{'epoch' if len(known) == 1 else 'epochs'} {', '.join(map(str, known[:5]))}{rest}"


def _resumed_after(run: RunReport) -> tuple[int, ...]:
    return tuple(attempt.resumed_from_epoch for attempt in run.job.attempts if attempt.resumed_from_epoch)


def _charts(run: RunReport) -> Iterator[LineChart]:
    """The scores over one another; then each loss, in training and validation."""
    rows = run.series.epochs
    lines: dict[str, list[Line]] = {SCORES: []}
    for column in dict.fromkeys(name for row in rows for name in row.metrics):
        points = tuple(
            (row.epoch, row.metrics[column]) for row in rows if abs(row.metrics.get(column, TOO_LARGE)) < TOO_LARGE
        )
        if (found := _COLUMN.fullmatch(column)) and len(points) > 1:
            title, label = (found[2], _SIDES[found[1]]) if found[1] in _SIDES else (SCORES, found[2])
            lines.setdefault(title, []).append(Line(label, points))
    for title, alike in [each for each in lines.items() if each[1]][:MOST_CHARTS]:
        last = max(epoch for line in alike for epoch, _ in line.points)
        marks = tuple(epoch for epoch in _resumed_after(run) if epoch <= last)
        yield LineChart(title=title, lines=tuple(alike[:MOST_LINES]), marks=marks, marked="resumed")


def _drawing(charts: Iterable[LineChart]) -> tuple[str, ...]:
    """A row of blocks for each line, from its lowest to its highest value, with its first and its last."""
    named = [(_name(chart, line), [value for _, value in line.points]) for chart in charts for line in chart.lines]
    room = max((len(name) for name, _ in named), default=0)
    return tuple(f"{name:<{room}}  {_row(values)}  {values[0]:.4g} to {values[-1]:.4g}" for name, values in named)


def _name(chart: LineChart, line: Line) -> str:
    return line.label if chart.title == SCORES else f"{chart.title}, {line.label}"


def _row(values: list[float]) -> str:
    low, high = min(values), max(values)
    return blocks([(1 + 7 * (value - low) / ((high - low) or 1.0)) / 8 for value in values])  # the lowest is seen, too


def _attempts(run: RunReport) -> Section:
    return Section(
        title="Attempts",
        sentences=() if run.job.attempts else ("It has not started.",),
        columns=("try", "started", "waited", "ran", "GPUs", "from epoch", "ended", "what happened, and then"),
        right=frozenset({"try", "waited", "ran", "from epoch"}),
        rows=tuple(
            _attempt(run, attempt, wait_s) for attempt, wait_s in zip(run.job.attempts, run.waits_s, strict=True)
        ),
    )


def _attempt(run: RunReport, attempt: Attempt, wait_s: float | None) -> tuple[str, ...]:
    crash = next((each for each in run.crashes if each.attempt == attempt.number), None)
    labels = {gpu.uuid: str(gpu.index) for gpu in run.cards}
    started_at = attempt.started_at
    ran_s = None if started_at is None else max(0.0, (attempt.ended_at or run.at) - started_at)
    return (
        str(attempt.number),
        "" if started_at is None else format_moment(started_at),
        _duration(wait_s),
        _duration(ran_s),
        ", ".join(labels.get(uuid, uuid) for uuid in attempt.gpus),
        str(attempt.resumed_from_epoch or ""),
        ending_text(attempt),
        crash.told if crash else attempt.explanation,
    )


def _duration(seconds: float | None) -> str:
    return "" if seconds is None else format_duration(round(seconds))


def _health(run: RunReport) -> Section:
    """What the rules see, and what they saw and took back since."""
    found = run.job.progress.health
    rows = [(each.severity.value, each.rule, _begin(each.epoch), f"{each.text} {each.advice}") for each in found]
    present = {finding.rule for finding in found}
    for deed in run.story:
        if deed.verb == "health" and deed.detail["rule"] not in present:
            severity, rule, text = (str(deed.detail[name]) for name in ("severity", "rule", "why"))
            rows.append((severity, rule, _begin(deed.detail["epoch"]), f"{text} It has passed."))
    silent = run.job.spec.kind is Kind.TRAIN and run.job.attempts and not rows
    return Section(
        title="What the health rules found",
        sentences=("Nothing.",) if silent else (),
        columns=("severity", "rule", "since", "what was seen, and what to do"),
        rows=tuple(rows),
    )


def _begin(epoch: int) -> str:
    """`epoch 3`, or `the start` for what was found before the end of the first."""
    return since(epoch).removeprefix("since ")


def _otherwise(run: RunReport) -> Section:
    return Section(
        title="What went otherwise than asked",
        columns=("try", "what", "asked", "it went on with", "why"),
        right=frozenset({"try"}),
        rows=tuple(
            (
                str(change.attempt),
                change.what,
                str(change.before),
                "" if change.to is None else str(change.to),
                change.why,
            )
            for change in run.series.changes
        ),
    )


def _asked(run: RunReport) -> Section:
    in_force = arguments_text(run.in_force)
    return Section(
        title="What was asked for",
        sentences=(f"In force, with all defaults: {in_force}",) if in_force else (),
        columns=("setting", "value"),
        rows=tuple((name, text) for name, text in asked_for(run.job) if text),
    )


def _made_from(run: RunReport) -> Section:
    models = dict.fromkeys(attempt.gpu_model for attempt in run.job.attempts if attempt.gpu_model)
    made = {**run.made_from, **({"GPU": ", ".join(models)} if models else {})}
    return Section(title="What it was made from", columns=("part", "which"), rows=tuple(made.items()))


def _weights(run: RunReport) -> Section:
    return Section(title="Weights", columns=("file", "SHA-256"), rows=tuple(run.weights.items()))


def _deeds(run: RunReport) -> Section:
    """What people did to it; what the scheduler did is told by the attempts."""
    return Section(
        title="Who did what",
        columns=("at", "who", "act", "reason", "detail"),
        rows=tuple(
            (format_moment(deed.at), deed.actor, deed.verb, deed.reason, detail_text(deed, run.cards))
            for deed in run.story
            if deed.actor != Actor.scheduler().name
        ),
    )
