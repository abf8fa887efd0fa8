"""Jobs as the pure parts see them."""

from __future__ import annotations

from typing import Any

from yolotui.core.jobs import (
    Attempt,
    Job,
    JobSpec,
    Kind,
    Outcome,
    Owner,
    Priority,
    Progress,
    Status,
    Succeeded,
    Waiting,
)

HOUR = 3600.0


def attempt(number: int, start: float, end: float | None, *gpus: str, **rest: Any) -> Attempt:
    """An attempt, times in hours."""
    return Attempt(
        number=number, uuid=f"u{number}", gpus=gpus, started_at=start * HOUR,
        ended_at=None if end is None else end * HOUR, outcome=None if end is None else Outcome.SUCCEEDED, **rest,
    )  # fmt: skip


def job(
    job_id: int, *attempts: Attempt, owner: str = "maria", group: str = "night", submitted: float = 0.0,
    status: Status | None = None, **spec: Any,
) -> Job:  # fmt: skip
    """A job that was submitted so many hours after the beginning of time; with attempts it has succeeded."""
    last = attempts[-1].ended_at if attempts else None
    state = status or (Succeeded(last) if last is not None else Waiting(0.0))
    request = {"name": f"job-{job_id}", "kind": Kind.TRAIN, "group": group, **spec}
    return Job(
        id=job_id, spec=JobSpec(**request), priority=Priority.P2, owner=Owner(owner, 1), attempts=attempts,
        submitted_at=submitted * HOUR, status=state, run_dir=f"/runs/{job_id}",
    )  # fmt: skip


def progress(epochs: int, **best: float) -> Progress:
    """What a run has reached."""
    return Progress(epochs_done=epochs, best=best)
