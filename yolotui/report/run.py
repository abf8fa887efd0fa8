"""Gathers what the report of one run tells, from the queue, the samples and its run directory."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct

from yolotui.config import CostsConfig
from yolotui.core.energy import Energy, energy
from yolotui.core.gpus import Gpu
from yolotui.core.jobs import Argument, Job
from yolotui.core.reporting import report
from yolotui.probe import Samples
from yolotui.report.charging import Charge, charge
from yolotui.report.gathering import Crash, crashes, power_draw
from yolotui.store import AuditRow, Store
from yolotui.telemetry import RunReader, RunSeries
from yolotui.telemetry.provenance import checksums, in_force, made_from


class RunReport(Struct, frozen=True, kw_only=True):
    """Everything that is told of a run, as it is `at` a moment (UTC seconds).

    `waits_s` are the seconds before each attempt, None of one that never started. `measured` is the part of its time, 0
    to 1, for which the power of its cards is known. `cards` are the machine's, `weights` checksums (SHA-256) by the
    name of the file, `story` its part of the audit log.
    """

    job: Job
    at: float
    waits_s: tuple[float | None, ...]
    charge: Charge
    measured: float | None
    cards: tuple[Gpu, ...]
    crashes: tuple[Crash, ...]
    story: tuple[AuditRow, ...]
    series: RunSeries
    made_from: dict[str, str]
    in_force: dict[str, Argument]
    weights: dict[str, str]


def gather_run(store: Store, samples: Samples, costs: CostsConfig, job_id: int, now: float) -> RunReport:
    """The report of a job as it is at `now` (UTC seconds). A run directory that can't be read tells nothing.

    Raises NoSuchJob.
    """
    read = store.read
    job, jobs = read.job(job_id), read.jobs()
    since, until = _span(job, now)
    drawn = _energy(job, jobs, samples, since, until)
    story = tuple(read.audit(jobs=[job_id]))
    reader = RunReader(job.run_dir)
    reader.poll()
    return RunReport(
        job=job,
        at=now,
        waits_s=tuple(_waits(job)),
        charge=charge(
            job.name, [run for run in report(jobs, {}, since, until).runs if run.job_id == job_id], drawn, costs
        ),
        measured=drawn.measured if drawn else None,
        cards=read.cards(),
        crashes=crashes([job], [row for row in story if row.verb == "start"], 0.0, now),
        story=story,
        series=reader.series,
        made_from=made_from(job),
        in_force=in_force(job),
        weights=checksums(job),
    )


def _span(job: Job, now: float) -> tuple[float, float]:
    """From its first start to the end of its last attempt."""
    return job.first_started_at or now, max((attempt.ended_at or now for attempt in job.attempts), default=now)


def _energy(job: Job, jobs: list[Job], samples: Samples, since: float, until: float) -> Energy | None:
    if until <= since:
        return None
    cards = {gpu for attempt in job.attempts for gpu in attempt.gpus}
    seen = {gpu: [sample for sample in samples.read(gpu, since) if sample.at <= until] for gpu in cards}
    return energy({gpu: power_draw(found) for gpu, found in seen.items()}, jobs, since, until)


def _waits(job: Job) -> Iterator[float | None]:
    since = job.submitted_at
    for attempt in job.attempts:
        yield None if attempt.started_at is None else max(0.0, attempt.started_at - since)
        since = attempt.ended_at or since
