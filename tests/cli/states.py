"""Puts jobs into the states that a scheduler brings about, through the ledger that it writes to."""

from __future__ import annotations

from typing import Any

import msgspec

from yolotui.core.gpus import Gpu, Host
from yolotui.core.jobs import Attempt, Failed, Job, Outcome, Process, Progress, Status, Succeeded
from yolotui.core.plan import Policy, plan
from yolotui.core.timetable import Demand, Estimate, Need, NeedMode, Published, World
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


def publish(store: Store, gpus: int, *, at: float, name: str = "Tesla T4", memory_bytes: int = 16 << 30) -> Published:
    """Publish what a leader would, for so many GPUs that have seen nothing yet: jobs take as long as they say."""
    cards = tuple(
        Gpu(uuid=f"GPU-{n}", index=n, name=name, kind="sim", memory_total_bytes=memory_bytes) for n in range(gpus)
    )
    jobs = {job.id: job for job in store.read.jobs()}
    demands = tuple(_demand(job, jobs) for job in jobs.values() if not job.ended)
    world = World(gpus=cards, demands=demands)
    published = Published(
        revision=0, at=at, leader_pid=1, host=Host(at=at, gpus=cards), world=world, timetable=plan(world, Policy(), at)
    )
    store.ledger.publish(published)
    return published


def _demand(job: Job, jobs: dict[int, Job]) -> Demand:
    needs = (Need(n, jobs[n].name, jobs[n].state, (), NeedMode(job.after_modes.get(n, "all"))) for n in job.after)
    return Demand(
        job_id=job.id,
        name=job.name,
        priority=job.priority,
        submitted_at=job.submitted_at,
        gpus=job.spec.gpus,
        owner=job.owner.name,
        estimate=Estimate(job.spec.estimate_s or 3600.0, "its owner"),
        state=job.state,
        deadline_at=job.deadline_at,
        holding=job.attempts[-1].gpus if job.state == "running" else (),
        needs=tuple(needs),
    )
