"""What a run directory tells of a job, for a comparison."""

from __future__ import annotations

from pathlib import Path

from yolotui.core.comparing_runs import Changed, RunFacts
from yolotui.core.jobs import Job
from yolotui.telemetry.provenance import in_force, made_from
from yolotui.telemetry.run_reader import RunReader
from yolotui.telemetry.series import RunSeries


def read_facts(job: Job) -> RunFacts:
    """Read the whole run directory of a job; one that is not there tells nothing."""
    reader = RunReader(Path(job.run_dir))
    reader.poll()
    return facts_of(job, reader.series)


def facts_of(job: Job, series: RunSeries) -> RunFacts:
    """The same from a series that has been read."""
    names = dict.fromkeys(name for row in series.epochs for name in row.metrics)
    starts = [attempt.start for attempt in series.attempts if attempt.start]
    return RunFacts(
        job=job,
        epochs=tuple(row.epoch for row in series.epochs),
        elapsed_s=tuple(row.elapsed_s for row in series.epochs),
        columns={name: tuple(row.metrics.get(name, float("nan")) for row in series.epochs) for name in names},
        changes=tuple(Changed(change.what, change.before, change.to, change.why) for change in series.changes),
        versions={name: str(value) for name, value in starts[-1].versions.items()} if starts else {},
        made_from=made_from(job),
        in_force=in_force(job),
    )
