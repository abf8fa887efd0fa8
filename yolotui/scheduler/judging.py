"""How did an attempt end, and what becomes of its job? Reads the run directory; decides nothing by itself twice."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from yolotui.core.failures import COMPLETED, Cause, Ending, backoff_s, classify, succeeded
from yolotui.core.jobs import (
    Attempt,
    Cancelled,
    Failed,
    Job,
    Outcome,
    Paused,
    Pausing,
    Status,
    Stopping,
    Succeeded,
    Waiting,
)
from yolotui.scheduler import interventions
from yolotui.scheduler.executor import Ended

LOG_TAIL_BYTES = 16_384
EVENTS_TAIL_BYTES = 65_536
FINISHED_ON_REQUEST = "Finished on request."


class Verdict(Struct, frozen=True, kw_only=True):
    """What an attempt came to. `permanent`: trying again would be in vain. `counts`: it uses up a retry."""

    outcome: Outcome
    cause: str | None = None
    explanation: str = ""
    permanent: bool = False
    counts: bool = True

    def applied_to(self, attempt: Attempt, ended: Ended) -> Attempt:
        """The attempt's record with its end."""
        return msgspec.structs.replace(
            attempt,
            outcome=self.outcome,
            cause=self.cause,
            explanation=self.explanation,
            exit_code=ended.exit_code,
            signal=ended.signal,
            started_at=ended.started_at or attempt.started_at,
            ended_at=ended.ended_at,
        )


def judge(job: Job, attempt_dir: Path, ended: Ended) -> Verdict:
    """What the exit, the trainer's last word and the end of its log say together."""
    last_word = end_event(attempt_dir / "events.jsonl")
    said = last_word.get("outcome")
    stopped_by_us = isinstance(job.status, Stopping)
    if ended.rebooted and said not in COMPLETED:
        return Verdict(
            outcome=Outcome.INTERRUPTED, cause=Cause.REBOOT, explanation="The machine was restarted.", counts=False
        )
    if succeeded(job.spec.kind, ended.exit_code, ended.signal, said):
        words = {
            "stopped_early": "Stopped early: no better result in sight.",
            "finish_requested": FINISHED_ON_REQUEST,
        }
        return Verdict(outcome=Outcome.SUCCEEDED, explanation=words.get(str(said), ""))
    if said == "paused":
        return Verdict(outcome=Outcome.PAUSED, explanation=f"Paused after epoch {last_word.get('epochs_done')}.")
    intervention = None if stopped_by_us else interventions.read(attempt_dir)
    if intervention:
        return Verdict(
            outcome=Outcome.FAILED,
            cause=intervention.cause.value,
            explanation=intervention.sentence,
            permanent=intervention.permanent,
        )
    error = last_word.get("error") or {}
    failure = classify(
        Ending(
            kind=job.spec.kind,
            exit_code=ended.exit_code,
            signal=ended.signal,
            spawn_error=ended.error,
            error_type=error.get("type"),
            error_message=error.get("message"),
            log_tail=log_tail(attempt_dir / "console.log"),
            stopped_by_us=stopped_by_us,
        )
    )
    return Verdict(
        outcome=Outcome.STOPPED if stopped_by_us else Outcome.FAILED,
        cause=failure.cause.value,
        explanation=failure.sentence,
        permanent=failure.permanent,
    )


def what_follows(job: Job, verdict: Verdict, now: float) -> tuple[Status, int]:
    """The job's next state, and its count of failures, after an attempt that ended so."""
    if verdict.outcome is Outcome.SUCCEEDED:
        return Succeeded(now), job.failures
    if isinstance(job.status, Stopping):
        return Cancelled(now, job.status.by), job.failures
    if verdict.outcome is Outcome.PAUSED or not verdict.counts:
        return (Paused(now) if isinstance(job.status, Pausing) else Waiting(now)), job.failures
    return _after_failure(job, verdict, now)


def _after_failure(job: Job, verdict: Verdict, now: float) -> tuple[Status, int]:
    failures = job.failures + 1
    if verdict.permanent:
        return Failed(now, verdict.cause or "", verdict.explanation), failures
    if failures > job.spec.retries_allowed:
        tried = f" Tried {failures} times." if failures > 1 else ""
        return Failed(now, verdict.cause or "", verdict.explanation + tried), failures
    if isinstance(job.status, Pausing):
        return Paused(now), failures
    return Waiting(now, now + backoff_s(failures, job.spec.retry_delay_s)), failures


def end_event(path: Path) -> dict[str, Any]:
    """The trainer's last word, from the end of its events; empty when it had none."""
    for line in reversed(_tail(path, EVENTS_TAIL_BYTES).splitlines()):
        if '"end"' in line:
            try:
                event = json.loads(line)
            except ValueError:
                continue
            if isinstance(event, dict) and event.get("event") == "end":
                return event
    return {}


def log_tail(path: Path) -> str:
    """The last lines of a log."""
    return _tail(path, LOG_TAIL_BYTES)


def _tail(path: Path, length: int) -> str:
    try:
        with path.open("rb") as file:
            file.seek(0, 2)
            file.seek(max(0, file.tell() - length))
            return file.read().decode(errors="replace")
    except OSError:
        return ""
