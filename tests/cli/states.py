"""Puts jobs into the states that a scheduler brings about, through the ledger that it writes to."""

from __future__ import annotations

from typing import Any

import msgspec

from yolotui.core.jobs import Attempt, Failed, Job, Outcome, Process, Progress, Status, Succeeded
from yolotui.store import Store


def start(store: Store, job_id: int, **details: Any) -> Attempt:
    """Start the next attempt of a waiting job; returns it as it runs."""
    job = store.read.job(job_id)
    number = len(job.attempts) + 1
    gpus = details.pop("gpus", (f"CPU-{job_id}",))
    attempt = Attempt(number=number, uuid=f"{job_id}-{number}", gpus=gpus, **details)
    assert store.ledger.begin_attempt(job_id, attempt)
    store.ledger.attempt_runs(job_id, number, Process(4000 + job_id, 1, "boot"))
    return store.read.job(job_id).attempts[-1]


def reach(store: Store, job_id: int, epochs: int, **best: float) -> None:
    """Let the running attempt have got so far."""
    job = store.read.job(job_id)
    metrics = {f"metrics/{name}": value for name, value in best.items()}
    progress = Progress(epochs_done=epochs, epochs_total=job.spec.epochs, best=metrics, last=metrics)
    store.ledger.record_progress([(job_id, job.attempts[-1].number, progress)])


def end(store: Store, job_id: int, then: Status, **details: Any) -> None:
    """End the running attempt; `then` is the job's next state."""
    attempt = store.read.job(job_id).attempts[-1]
    outcome = details.pop("outcome", Outcome.SUCCEEDED)
    ended = msgspec.structs.replace(attempt, ended_at=(attempt.started_at or 0) + 60, outcome=outcome, **details)

    def next_status(_job: Job) -> tuple[Status, int]:
        return then, 0

    store.ledger.attempt_ended(job_id, ended, next_status)


def succeed(store: Store, job_id: int, **best: float) -> None:
    """Run a waiting job to its end."""
    start(store, job_id)
    reach(store, job_id, 10, **best)
    end(store, job_id, Succeeded(2_000_000_000.0), exit_code=0)


def fail(store: Store, job_id: int, reason: str = "It ended with exit code 1.") -> None:
    """Let a waiting job fail for good."""
    start(store, job_id)
    end(store, job_id, Failed(2_000_000_000.0, "exit", reason), outcome=Outcome.FAILED, exit_code=1)
