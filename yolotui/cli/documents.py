"""The shapes of `--json`, schema 1: what scripts may rely on. Pure.

Times are UTC seconds or null, memory is bytes, GPUs are UUIDs, epochs count from 1.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from yolotui.cli.words import why_of
from yolotui.core.bookings import Booked, Booking, Open, Over
from yolotui.core.gpus import Excluded, Foreign, Free, Gpu, Lost
from yolotui.core.health import reason_for
from yolotui.core.jobs import ACTIVE, Attempt, Job, Outcome
from yolotui.core.priorities import score
from yolotui.core.quotas import Quota
from yolotui.core.timetable import Demand, Entry, Estimate, Published
from yolotui.job_words import without_secrets

if TYPE_CHECKING:
    from yolotui.core.comparing_runs import Comparison
    from yolotui.core.deadlines import Miss
    from yolotui.core.health import Finding
    from yolotui.report.run import RunReport
    from yolotui.store import AuditRow, GpuMark, Leader
    from yolotui.telemetry import RunSeries

Document = dict[str, Any]

STATE_AFTER = {
    Outcome.SUCCEEDED: "succeeded",
    Outcome.PAUSED: "paused",
    Outcome.EVICTED: "paused",
    Outcome.STOPPED: "cancelled",
    Outcome.FAILED: "failed",
    Outcome.INTERRUPTED: "failed",
    Outcome.NEVER_STARTED: "skipped",
}
"""The word, out of those for jobs, for the state of an attempt that has ended; `outcome` tells more."""


def started_at(job: Job) -> float | None:
    """When the attempt that is at work started; None if none is."""
    return job.attempts[-1].started_at if isinstance(job.status, ACTIVE) and job.attempts else None


def estimate_document(estimate: Estimate | None) -> Document | None:
    """How long a job will still take, in seconds, where that comes from, and how probably it ends before its plan."""
    if estimate is None:
        return None
    return {"remaining_s": estimate.remaining_s, "source": estimate.source, "early_stop": estimate.early_stop}


def job_document(job: Job, entry: Entry | None, why: str) -> Document:
    """A job, with its line in the timetable and the reason for its state."""
    started = started_at(job)
    progress = job.progress
    return {
        "id": job.id,
        "name": job.name,
        "group": job.spec.group,
        "owner": job.owner.name,
        "kind": job.spec.kind.value,
        "state": job.state,
        "priority": job.priority.name,
        "submitted_at": job.submitted_at,
        "expected_start": started if started is not None else entry.start_at if entry else None,
        "expected_finish": entry.finish_at if entry else None,
        "why": why or None,
        "gpus": list(job.attempts[-1].gpus) if isinstance(job.status, ACTIVE) and job.attempts else [],
        "epochs": {"done": progress.epochs_done, "total": progress.epochs_total or job.spec.epochs},
        "metrics": {"best": progress.best, "last": progress.last},
        "attempts": [attempt_document(attempt, job) for attempt in job.attempts],
        "health": [finding_document(finding) for finding in progress.health],
        "run_dir": job.run_dir,
    }


def finding_document(finding: Finding) -> Document:
    """What a health rule has found in a run."""
    return {
        "rule": finding.rule,
        "severity": finding.severity.value,
        "epoch": finding.epoch,
        "text": finding.text,
        "reason": reason_for(finding.rule),
        "advice": finding.advice,
        "numbers": finding.numbers,
        "link": finding.link,
    }


def attempt_document(attempt: Attempt, job: Job) -> Document:
    """An attempt of a job. While it lives its state is the job's."""
    return {
        "number": attempt.number,
        "state": job.state if attempt.outcome is None else STATE_AFTER[attempt.outcome],
        "outcome": attempt.outcome.value if attempt.outcome else None,
        "started_at": attempt.started_at,
        "ended_at": attempt.ended_at,
        "exit_code": attempt.exit_code,
        "signal": attempt.signal,
        "resumed_from_epoch": attempt.resumed_from_epoch,
        "gpus": list(attempt.gpus),
        "vram": {"promised_bytes": attempt.promised_bytes, "peak_bytes": attempt.progress.peak_vram_bytes},
        "pid": attempt.process.pid if attempt.process else None,
    }


def history_document(series: RunSeries) -> list[Document]:
    """A run's epochs in order, each once, over all attempts; `pace` is how its batches went, null where none told."""
    return [
        {
            "epoch": row.epoch,
            "elapsed_s": row.elapsed_s,
            "metrics": dict(row.metrics),
            "pace": msgspec.to_builtins(series.paces.get(row.epoch)),
        }
        for row in series.epochs
    ]


def run_document(run: RunReport) -> Document:
    """One run as its report tells it: seconds that it waited before each attempt, what broke and what mended it."""
    job = run.job
    return {
        **job_document(job, None, why_of(job, None, None)),
        "waits_s": run.waits_s,
        "ended_at": job.status.since if job.ended else None,
        "gpu_s": run.charge.gpu_s,
        "kwh": run.charge.kwh,
        "kwh_measured": run.measured,
        "cost": run.charge.cost,
        "crashes": msgspec.to_builtins(run.crashes),
        "changes": msgspec.to_builtins(run.series.changes),
        "history": history_document(run.series),
        "in_force": without_secrets(run.in_force),
        "made_from": run.made_from,
        "weights": run.weights,
    }


def batch_document(series: RunSeries) -> Document | None:
    """The newest batch: step times in seconds, losses, learning rates, norm of the gradients; null before the first."""
    batch: Document | None = msgspec.to_builtins(series.batch)
    return batch


def gpus_document(published: Published, marks: Mapping[str, GpuMark]) -> list[Document]:
    """The GPUs as the leader last saw them, with the ids of the jobs on each, and what was said about them since."""
    return [_gpu_document(gpu, published, marks.get(gpu.uuid)) for gpu in published.host.gpus]


def _gpu_document(gpu: Gpu, published: Published, mark: GpuMark | None) -> Document:
    return {
        "uuid": gpu.uuid,
        "index": gpu.index,
        "name": gpu.name,
        "kind": gpu.kind,
        "state": gpu_state(gpu, published, mark),
        "reason": availability_text(gpu) or None,
        "closes_at": mark.closes_at if mark and mark.will_close(published.host.at) else None,
        "memory_total_bytes": gpu.memory_total_bytes,
        "memory_used_bytes": gpu.memory_used_bytes,
        "utilization_percent": gpu.utilization_percent,
        "temperature_c": gpu.temperature_c,
        "power_w": gpu.power_w,
        "power_limit_w": gpu.power_limit_w,
        "ecc_errors": gpu.ecc_errors,
        "slowdowns": list(gpu.slowdowns),
        "links": list(gpu.links),
        "foreign_bytes": gpu.foreign_bytes,
        "resting": gpu.uuid in published.timetable.resting,
        "jobs": [demand.job_id for demand in demands_on(gpu, published)],
    }


def demands_on(gpu: Gpu, published: Published) -> list[Demand]:
    """The jobs that hold a GPU."""
    return [demand for demand in published.world.demands if gpu.uuid in demand.holding]


def gpu_state(gpu: Gpu, published: Published, mark: GpuMark | None) -> str:
    """lost, drained, quarantined, foreign, excluded, busy or free: the first of these that is true."""
    if mark is not None and mark.keeps_out(published.host.at) and not isinstance(gpu.availability, Lost):
        return mark.state.value
    if isinstance(gpu.availability, Free):
        return "busy" if demands_on(gpu, published) else "free"
    tag = gpu.availability.__struct_config__.tag
    assert isinstance(tag, str)
    return tag


def availability_text(gpu: Gpu) -> str:
    """What stands in the way of giving the GPU to a job, for people; empty if nothing."""
    match gpu.availability:
        case Foreign(pids=pids, owners=owners):
            who = f" of {', '.join(owners)}" if owners else ""
            return f"used by {'process' if len(pids) == 1 else 'processes'} {', '.join(map(str, pids))}{who}"
        case Lost(reason=reason) | Excluded(reason=reason):
            return reason
    return ""


def booking_document(booking: Booking) -> Document:
    """A booking: whose, which GPUs, from when to when; `ending` tells what became of one that is over."""
    status = booking.status
    return {
        "id": booking.id,
        "state": booking.state,
        "owner": booking.owner.name,
        "starts_at": booking.starts_at,
        "ends_at": booking.ends_at,
        "kept_until": booking.kept_until,
        "count": booking.count,
        "gpus": list(booking.gpus),
        "gpu_model": booking.gpu_model or None,
        "pinned": booking.pinned,
        "job": booking.job_id,
        "note": booking.note or None,
        "made_at": booking.made_at,
        "since": status.since,
        "warned_at": status.warned_at if isinstance(status, Booked) else None,
        "used_at": status.used_at if isinstance(status, Open) else None,
        "ending": status.ending.value if isinstance(status, Over) else None,
    }


def quota_document(quota: Quota, gpus_in_use: int) -> Document:
    """What an owner or a group may have, and has: GPUs just now, GPU-seconds this week; null is no limit."""
    return {
        "scope": quota.scope.value,
        "name": quota.name,
        "gpus": quota.gpus,
        "gpus_in_use": gpus_in_use,
        "weekly_gpu_s": quota.weekly_gpu_s,
        "used_gpu_s": quota.used_gpu_s,
        "week_ends_at": quota.week_ends_at,
    }


def deadline_document(job: Job, miss: Miss | None) -> Document | None:
    """When a job must be done, whether that is expected to be missed, and by how many seconds (null: nobody knows)."""
    if job.deadline_at is None:
        return None
    late_s = miss.finish_at - miss.deadline_at if miss and miss.finish_at is not None else None
    return {"at": job.deadline_at, "missed": miss is not None, "late_s": late_s}


def entry_document(entry: Entry, job: Job, estimate: Estimate | None, miss: Miss | None) -> Document:
    """A line of the timetable. Four starts out of five, and finishes, fall between the moments of their interval.

    Of a job that is at work the start is the real one. `miss` is that of its deadline, if it is expected.
    """
    started = started_at(job)
    return {
        "id": job.id,
        "name": job.name,
        "state": job.state,
        "expected_start": entry.start_at if started is None else started,
        "expected_finish": entry.finish_at,
        "start_interval": [entry.start_low_at, entry.start_high_at] if started is None else [started, started],
        "finish_interval": [entry.finish_low_at, entry.finish_high_at],
        "gpus": list(entry.gpus),
        "rough": entry.rough,
        "estimate": estimate_document(estimate),
        "deadline": deadline_document(job, miss),
        "why": entry.told or None,
    }


def why_document(job: Job, why: str, remedy: str, estimate: Estimate | None, now: float) -> Document:
    """Why a job is in its state, and the change that would set it going; while it waits also how urgent it is."""
    document: Document = {
        "id": job.id,
        "name": job.name,
        "state": job.state,
        "why": why or None,
        "remedy": remedy or None,
        "estimate": estimate_document(estimate),
        "health": [finding_document(finding) for finding in job.progress.health],
    }
    if job.state != "waiting":
        return {**document, "score": None}
    urgency = score(job.priority, now - job.submitted_at)
    return {
        **document,
        "score": {
            "value": urgency.value,
            "base": urgency.base,
            "waited_h": urgency.waited_h,
            "counts_as": urgency.counts_as.name,
        },
    }


def leader_document(leader: Leader | None) -> Document | None:
    """The scheduler that leads."""
    return {"pid": leader.process.pid, "since": leader.since} if leader else None


def audit_document(row: AuditRow) -> Document:
    """A line of the audit log."""
    document: Document = msgspec.to_builtins(row)
    return document


def comparison_document(comparison: Comparison) -> Document:
    """Runs beside one another, in the order in which they were named; an argument that was not given is null."""
    runs = msgspec.to_builtins(comparison.runs)
    document: Document = {
        "metric": comparison.metric,
        "runs": [{"id": run.pop("job_id"), **run} for run in runs],
        "differing": msgspec.to_builtins(comparison.differing),
        "made_otherwise": msgspec.to_builtins(comparison.made_otherwise),
        "caveats": msgspec.to_builtins(comparison.caveats),
    }
    return document
