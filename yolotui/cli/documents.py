"""The shapes of `--json`, schema 1: what scripts may rely on. Pure.

Times are UTC seconds or null, memory is bytes, GPUs are UUIDs, epochs count from 1.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import msgspec

from yolotui.core.gpus import Excluded, Foreign, Gpu, Lost
from yolotui.core.jobs import ACTIVE, Attempt, Job, Outcome
from yolotui.core.priorities import score
from yolotui.core.timetable import Entry, Published

if TYPE_CHECKING:
    from yolotui.store import AuditRow, Leader
    from yolotui.telemetry import EpochRow

Document = dict[str, Any]

STATE_AFTER = {
    Outcome.SUCCEEDED: "succeeded",
    Outcome.PAUSED: "paused",
    Outcome.STOPPED: "cancelled",
    Outcome.FAILED: "failed",
    Outcome.INTERRUPTED: "failed",
    Outcome.NEVER_STARTED: "skipped",
}
"""The word, out of those for jobs, for the state of an attempt that has ended; `outcome` tells more."""


def job_document(job: Job, entry: Entry | None, why: str) -> Document:
    """A job, with its line in the timetable and the reason for its state."""
    progress = job.progress
    return {
        "id": job.id,
        "name": job.name,
        "group": job.spec.group,
        "kind": job.spec.kind.value,
        "state": job.state,
        "priority": job.priority.name,
        "submitted_at": job.submitted_at,
        "expected_start": entry.start_at if entry else None,
        "expected_finish": entry.finish_at if entry else None,
        "why": why or None,
        "gpus": list(job.attempts[-1].gpus) if isinstance(job.status, ACTIVE) and job.attempts else [],
        "epochs": {"done": progress.epochs_done, "total": progress.epochs_total or job.spec.epochs},
        "metrics": {"best": progress.best, "last": progress.last},
        "attempts": [attempt_document(attempt, job) for attempt in job.attempts],
        "health": [],
        "run_dir": job.run_dir,
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
        "pid": attempt.process.pid if attempt.process else None,
    }


def history_document(rows: Iterable[EpochRow]) -> list[Document]:
    """A run's epochs in order, each once, over all attempts."""
    return [{"epoch": row.epoch, "elapsed_s": row.elapsed_s, "metrics": dict(row.metrics)} for row in rows]


def gpus_document(published: Published) -> list[Document]:
    """The GPUs as the leader last saw them, with the ids of the jobs on each."""
    return [_gpu_document(gpu, jobs_on(gpu, published)) for gpu in published.host.gpus]


def _gpu_document(gpu: Gpu, jobs: list[int]) -> Document:
    return {
        "uuid": gpu.uuid,
        "index": gpu.index,
        "name": gpu.name,
        "kind": gpu.kind,
        "state": gpu_state(gpu),
        "reason": availability_text(gpu) or None,
        "memory_total_bytes": gpu.memory_total_bytes,
        "memory_used_bytes": gpu.memory_used_bytes,
        "utilization_percent": gpu.utilization_percent,
        "temperature_c": gpu.temperature_c,
        "power_w": gpu.power_w,
        "power_limit_w": gpu.power_limit_w,
        "jobs": jobs,
    }


def jobs_on(gpu: Gpu, published: Published) -> list[int]:
    """The ids of the jobs that hold a GPU."""
    return [demand.job_id for demand in published.world.demands if gpu.uuid in demand.holding]


def gpu_state(gpu: Gpu) -> str:
    """free, foreign, lost or excluded: what stands in the way, apart from our own jobs."""
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


def entry_document(entry: Entry, job: Job) -> Document:
    """A line of the timetable. Four starts out of five, and finishes, fall between the moments of their interval."""
    return {
        "id": job.id,
        "name": job.name,
        "state": job.state,
        "expected_start": entry.start_at,
        "expected_finish": entry.finish_at,
        "start_interval": [entry.start_low_at, entry.start_high_at],
        "finish_interval": [entry.finish_low_at, entry.finish_high_at],
        "gpus": list(entry.gpus),
        "rough": entry.rough,
        "why": str(entry.why) if entry.why else None,
    }


def why_document(job: Job, entry: Entry | None, why: str, now: float) -> Document:
    """Why a job is in its state; while it waits also the change that would start it, and how urgent it is."""
    document: Document = {"id": job.id, "name": job.name, "state": job.state, "why": why or None}
    if job.state != "waiting":
        return {**document, "remedy": None, "score": None}
    urgency = score(job.priority, now - job.submitted_at)
    remedy = entry.why.remedy if entry and entry.why else ""
    return {
        **document,
        "remedy": remedy or None,
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
