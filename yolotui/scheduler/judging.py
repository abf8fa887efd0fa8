"""How did an attempt end, and what becomes of its job? Reads the run directory; decides nothing by itself twice."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Mapping
from itertools import pairwise, takewhile
from operator import not_
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
from yolotui.probe import kernel_log
from yolotui.scheduler import interventions
from yolotui.scheduler.executor import Ended
from yolotui.units import format_duration

LOG_TAIL_BYTES = 16_384
EVENTS_TAIL_BYTES = 65_536
_OUR_SIGNALS = frozenset({signal.SIGTERM, signal.SIGKILL})
KERNEL_LOG_SLACK_S = 2.0
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


def judge(job: Job, attempt_dir: Path, ended: Ended, checkpoint_at: float | None = None) -> Verdict:
    """What the exit, the trainer's last word and the end of its log say together.

    `checkpoint_at` is when it last wrote a checkpoint: what came after that is lost when it is stopped.
    """
    last_word = end_event(attempt_dir / "events.jsonl")
    said = str(last_word.get("outcome"))
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
    intervention = None if stopped_by_us else interventions.read(attempt_dir)
    if isinstance(job.status, Pausing) and not intervention:
        made_room = _made_room(job.status, ended, last_word, checkpoint_at)
        if made_room:
            return made_room
    if said == "paused":
        return Verdict(outcome=Outcome.PAUSED, explanation=f"Paused after epoch {last_word.get('epochs_done')}.")
    if intervention:
        return Verdict(
            outcome=Outcome.FAILED,
            cause=intervention.cause.value,
            explanation=intervention.sentence,
            permanent=intervention.permanent,
        )
    error = _error(last_word)
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
            oom_kills=ended.oom_kills,
            kernel_log=_kernel_log(job, attempt_dir, ended),
        )
    )
    return Verdict(
        outcome=Outcome.STOPPED if stopped_by_us else Outcome.FAILED,
        cause=failure.cause.value,
        explanation=failure.sentence,
        permanent=failure.permanent,
    )


def _error(last_word: Mapping[str, Any]) -> dict[str, str]:
    """Type and message of the error that the trainer names; whatever else stands there is text as well."""
    said = last_word.get("error")
    return {key: str(value) for key, value in said.items() if value} if isinstance(said, dict) else {}


def _made_room(
    pausing: Pausing, ended: Ended, last_word: Mapping[str, Any], checkpoint_at: float | None
) -> Verdict | None:
    """The end of a training that was evicted, with what that cost; None if it ended for another reason."""
    notice = pausing.notice
    if notice is None:
        if last_word.get("outcome") != "stopped":
            return None
        # A person paused it when its eviction had already run out of patience.
        return Verdict(outcome=Outcome.PAUSED, explanation="Stopped before it came to a checkpoint.", counts=False)
    if last_word.get("outcome") == "paused":
        how, lost_s = f"paused after epoch {last_word.get('epochs_done')}", 0.0
    elif pausing.is_out_of_patience(ended.ended_at) and _was_stopped(ended, last_word):
        whole_from = max(checkpoint_at or 0.0, ended.started_at or pausing.since)
        how, lost_s = "stopped, as no checkpoint came in time", max(0.0, ended.ended_at - whole_from)
    else:
        return None
    whom = f"job {notice.for_job}" if notice.for_job else f"booking {notice.for_booking}"
    cost = f"{format_duration(lost_s)} of its work lost, {format_duration(notice.loses_s)} foreseen"
    return Verdict(outcome=Outcome.EVICTED, explanation=f"Made room for {whom}: {how}; {cost}.", counts=False)


def _was_stopped(ended: Ended, last_word: Mapping[str, Any]) -> bool:
    """Whether it ended as what is told to end does: by our signals, or saying so itself."""
    return (
        last_word.get("outcome") == "stopped"
        or ended.signal in _OUR_SIGNALS
        or (ended.exit_code is None and ended.signal is None)
    )


def _kernel_log(job: Job, attempt_dir: Path, ended: Ended) -> tuple[str, ...]:
    """What the kernel said of the attempt's main process, and its driver of GPUs that a job has used."""
    try:
        pids = frozenset({int(json.loads((attempt_dir / "process.json").read_bytes())["pid"])})
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return ()
    since_s = max(0.0, time.time() - (ended.started_at or time.time())) + KERNEL_LOG_SLACK_S
    lines = kernel_log.said_of(pids, since_s)
    return lines if job.spec.gpus else tuple(line for line in lines if "Xid" not in line)


def what_follows(job: Job, verdict: Verdict, now: float) -> tuple[Status, int]:
    """The job's next state, and its count of failures, after its newest attempt has ended so.

    It waits the longer, the more attempts have failed in a row: one that got further begins the row anew.
    """
    if verdict.outcome is Outcome.SUCCEEDED:
        return Succeeded(now), job.failures
    if isinstance(job.status, Stopping):
        return Cancelled(now, job.status.by), job.failures
    if verdict.outcome is Outcome.PAUSED or not verdict.counts:
        return (Paused(now) if is_paused_by_a_person(job) else Waiting(now)), job.failures
    return _after_failure(job, verdict, now)


def is_paused_by_a_person(job: Job) -> bool:
    """Whether it rests when it has stopped: one that makes room for another waits its turn again."""
    return isinstance(job.status, Pausing) and job.status.notice is None


def _after_failure(job: Job, verdict: Verdict, now: float) -> tuple[Status, int]:
    failures = job.failures + 1
    if verdict.permanent:
        return Failed(now, verdict.cause or "", verdict.explanation), failures
    if failures > job.spec.retries_allowed:
        tried = f" Tried {failures} times." if failures > 1 else ""
        return Failed(now, verdict.cause or "", verdict.explanation + tried), failures
    if is_paused_by_a_person(job):
        return Paused(now), failures
    in_a_row = min(failures, _attempts_in_vain(job))
    return Waiting(now, now + backoff_s(in_a_row, job.spec.retry_delay_s)), failures


def _attempts_in_vain(job: Job) -> int:
    """How many of the newest attempts in a row came no epoch further than the one before them."""
    epochs = [0, *(attempt.progress.epochs_done for attempt in job.attempts)]
    got_further = [later > earlier for earlier, later in pairwise(epochs)]
    return sum(1 for _ in takewhile(not_, reversed(got_further)))


def end_event(path: Path) -> dict[str, Any]:
    """The trainer's last word, from the end of its events; empty when it had none."""
    for line in reversed(_tail(path, EVENTS_TAIL_BYTES).splitlines()):
        if '"end"' in line:
            try:
                event = json.loads(line)
            except (ValueError, RecursionError):
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
