"""Gathers what a report tells from the queue, the samples and the run directories."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import mean, median

from msgspec import Struct

from yolotui.config import CostsConfig
from yolotui.core.energy import Energy, energy
from yolotui.core.idling import Circumstances, Deed, Recorded, circumstances, pieces
from yolotui.core.jobs import Attempt, Job, Outcome
from yolotui.core.metrics import main_column
from yolotui.core.reporting import CardUsage, Report, report
from yolotui.core.standstill import Standstill
from yolotui.harmless import without_passwords
from yolotui.probe import Samples
from yolotui.probe.samples import GpuSample
from yolotui.report.charging import Charge, by_group, by_owner, by_project, total
from yolotui.store import AuditRow, ForecastRecord, Store
from yolotui.telemetry import RunReader

CELLS = 96
SAMPLE_EVERY_S = 30.0
CURVES = 8
MISSES_TOLD = 10
_IDLE_VERBS = {"drain", "undrain", "quarantine", "end-quarantine", "lead", "leave"}


class Gap(Struct, frozen=True, kw_only=True):
    """A card that nobody used, and why: `job` is who would have come next (`name`), `why` what the planner said then.

    `queued` counts the jobs that asked for a GPU and were in the queue when it began.
    """

    gpu: str
    label: str
    since: float
    until: float
    cause: Standstill
    job: int | None
    name: str
    why: str
    queued: int


class Strip(Struct, frozen=True, kw_only=True):
    """A card over the period in equal cells: how much of each it was given to jobs, and how much it computed, 0 to 1.

    None where nobody looked.
    """

    gpu: str
    label: str
    given: tuple[float, ...]
    computed: tuple[float | None, ...]


class Crash(Struct, frozen=True, kw_only=True):
    """An attempt that broke, and what became of its job: `mended` are sentences of the scheduler about the next one."""

    job_id: int
    name: str
    attempt: int
    at: float
    cause: str
    explanation: str
    then: str
    mended: tuple[str, ...] = ()

    @property
    def told(self) -> str:
        """What happened, and then, for people."""
        return f"{self.explanation or f'{self.cause}.'} Then: {'; '.join((self.then, *self.mended))}."


class Miss(Struct, frozen=True, kw_only=True):
    """A start outside of the interval that was foreseen for it. UTC seconds."""

    job_id: int
    name: str
    attempt: int
    foreseen_at: float
    low_at: float
    high_at: float
    started_at: float


class Foresight(Struct, frozen=True, kw_only=True):
    """What was foreseen of the starts of the period against what came true. Seconds; factors are true over foreseen.

    `starts` counts those that were not foreseen for at once, `within` those of them that came in their interval;
    `misses` are the starts that were furthest outside, the worst first.
    """

    starts: int
    within: int
    median_late_s: float | None
    finished: int
    median_factor: float | None
    misses: tuple[Miss, ...] = ()


class Curve(Struct, frozen=True, kw_only=True):
    """How the number that a run is judged by went, by epoch."""

    job_id: int
    name: str
    metric: str
    points: tuple[tuple[int, float], ...]


class NightReport(Struct, frozen=True, kw_only=True):
    """Everything that is told of a period. `energy` is None where no card tells its power."""

    usage: Report
    total: Charge
    by_owner: tuple[Charge, ...]
    by_group: tuple[Charge, ...]
    by_project: tuple[Charge, ...]
    energy: Energy | None
    strips: tuple[Strip, ...]
    gaps: tuple[Gap, ...]
    crashes: tuple[Crash, ...]
    foresight: Foresight
    curves: tuple[Curve, ...]


def gather(store: Store, samples: Samples, costs: CostsConfig, since: float, until: float) -> NightReport:
    """The report of the time from `since` to `until` (UTC seconds)."""
    read = store.read
    jobs = read.jobs()
    by_id = {job.id: job for job in jobs}
    usage = report(jobs, {gpu.uuid: f"{gpu.index} {gpu.name}" for gpu in read.cards()}, since, until)
    observed = {card.gpu: [each for each in samples.read(card.gpu, since) if each.at <= until] for card in usage.cards}
    drawn = energy({gpu: power_draw(found) for gpu, found in observed.items()}, jobs, since, until)
    return NightReport(
        usage=usage,
        total=total(usage.runs, drawn, costs),
        by_owner=by_owner(usage.runs, drawn, costs),
        by_group=by_group(usage.runs, drawn, costs),
        by_project=by_project(usage.runs, drawn, costs),
        energy=drawn,
        strips=tuple(_strip(card, observed[card.gpu], since, until) for card in usage.cards),
        gaps=_gaps(usage, read.idleness(since, until), _circumstances(store, jobs, until), by_id),
        crashes=crashes(jobs, read.audit_of({"start"}, until), since, until),
        foresight=_foresight(
            [each for each in read.forecast_record(100_000) if since <= each.started_at <= until], by_id
        ),
        curves=_curves(by_id, usage),
    )


def power_draw(samples: Sequence[GpuSample]) -> list[tuple[float, float]]:
    """Moments (UTC seconds) with the power at each, in watts, no closer than is needed to add it up."""
    draw: list[tuple[float, float]] = []
    for sample in samples:
        if sample.power_w is not None and (not draw or sample.at - draw[-1][0] >= SAMPLE_EVERY_S):
            draw.append((sample.at, sample.power_w))
    return draw


def _strip(card: CardUsage, samples: Sequence[GpuSample], since: float, until: float) -> Strip:
    step = (until - since) / CELLS
    computed: list[list[int]] = [[] for _ in range(CELLS)]
    for sample in samples:
        if sample.utilization_percent is not None:
            computed[min(CELLS - 1, int((sample.at - since) / step))].append(sample.utilization_percent)
    given = []
    for cell in range(CELLS):
        begin, end = since + cell * step, since + (cell + 1) * step
        idle = sum(max(0.0, min(end, gap.until) - max(begin, gap.since)) for gap in card.gaps)
        given.append(round(1 - idle / step, 3))
    return Strip(
        gpu=card.gpu,
        label=card.label,
        given=tuple(given),
        computed=tuple(round(mean(each) / 100, 3) if each else None for each in computed),
    )


def _circumstances(store: Store, jobs: Sequence[Job], until: float) -> Circumstances:
    read = store.read
    deeds = [
        Deed(row.detail.get("closes_at") or row.at, row.verb, row.detail.get("gpu", ""), row.detail.get("alone_since"))
        for row in read.audit_of(_IDLE_VERBS, until)
    ]
    published = read.published()
    return circumstances(deeds, read.bookings(over=True), jobs, published.at if published else None, until)


def _gaps(usage: Report, record: Sequence[Recorded], around: Circumstances, jobs: Mapping[int, Job]) -> tuple[Gap, ...]:
    return tuple(
        Gap(
            gpu=card.gpu,
            label=card.label,
            since=piece.since,
            until=piece.until,
            cause=piece.idleness.cause,
            job=piece.idleness.job,
            name=job.name if (job := jobs.get(piece.idleness.job or 0)) else "",
            why=piece.idleness.why,
            queued=gap.queued,
        )
        for card in usage.cards
        for gap in card.gaps
        for piece in pieces(gap, card.gpu, [row for row in record if row.gpu == card.gpu], around)
    )


def crashes(jobs: Sequence[Job], starts: Sequence[AuditRow], since: float, until: float) -> tuple[Crash, ...]:
    """The attempts that broke from `since` to `until` (UTC seconds), in order; `starts` tell what mended them."""
    how = {(row.job, row.detail.get("attempt")): tuple(row.detail.get("how") or ()) for row in starts}
    broken = [
        (attempt, job)
        for job in jobs
        for attempt in job.attempts
        if attempt.outcome in {Outcome.FAILED, Outcome.INTERRUPTED} and since <= (attempt.ended_at or 0.0) <= until
    ]
    return tuple(
        Crash(
            job_id=job.id,
            name=job.name,
            attempt=attempt.number,
            at=attempt.ended_at or 0.0,
            cause=attempt.cause or "",
            explanation=without_passwords(attempt.explanation),
            then=_what_became(job, attempt),
            mended=how.get((job.id, attempt.number + 1), ()),
        )
        for attempt, job in sorted(broken, key=lambda each: (each[0].ended_at or 0.0, each[1].id))
    )


def _what_became(job: Job, attempt: Attempt) -> str:
    if attempt.number == len(job.attempts):
        return job.state
    following = job.attempts[attempt.number]
    epoch = following.resumed_from_epoch
    where = f"continued after epoch {epoch}" if epoch is not None else "begun anew"
    return f"{where}, {following.outcome.value if following.outcome else 'running'}"


def _foresight(records: Sequence[ForecastRecord], jobs: Mapping[int, Job]) -> Foresight:
    waits = [each for each in records if each.had_interval]
    late = [each.started_at - each.forecast.start_at for each in waits]
    factors = [
        (each.ended_at - each.started_at) / each.estimate_s
        for each in records
        if each.ended_at and each.outcome is Outcome.SUCCEEDED and each.estimate_s > 0
    ]
    missed = sorted((each for each in waits if not each.held), key=_missed_by_s, reverse=True)
    return Foresight(
        starts=len(waits),
        within=len(waits) - len(missed),
        median_late_s=median(late) if late else None,
        finished=len(factors),
        median_factor=median(factors) if factors else None,
        misses=tuple(_miss(each, jobs) for each in missed[:MISSES_TOLD]),
    )


def _missed_by_s(record: ForecastRecord) -> float:
    """How far the start was outside of the interval foreseen for it."""
    return max(record.forecast.low_at - record.started_at, record.started_at - record.forecast.high_at)


def _miss(record: ForecastRecord, jobs: Mapping[int, Job]) -> Miss:
    foreseen = record.forecast
    return Miss(
        job_id=record.job,
        name=jobs[record.job].name,
        attempt=record.attempt,
        foreseen_at=foreseen.start_at,
        low_at=foreseen.low_at,
        high_at=foreseen.high_at,
        started_at=record.started_at,
    )


def _curves(jobs: Mapping[int, Job], usage: Report) -> tuple[Curve, ...]:
    curves: list[Curve] = []
    for run in usage.runs:
        column = main_column(run.best)
        if column is None or len(curves) == CURVES:
            continue
        reader = RunReader(jobs[run.job_id].run_dir)
        reader.poll()
        points = tuple((row.epoch, row.metrics[column]) for row in reader.series.epochs if column in row.metrics)
        if len(points) > 1:
            metric = column.removeprefix("metrics/")
            curves.append(Curve(job_id=run.job_id, name=run.name, metric=metric, points=points))
    return tuple(curves)
