"""Where a retry has to begin: at the job itself, or at what keeps it from running."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from yolotui.core.jobs import Job
from yolotui.core.planning.needs import WITHOUT_SUCCESS, find_skips
from yolotui.core.timetable import Demand, Estimate, Need, NeedMode
from yolotui.errors import NotPossible
from yolotui.store.queries import Queries


class Retried(NamedTuple):
    """The ids of what waits again, in order: the jobs tried again with those they come after, and who was behind."""

    jobs: list[int]
    behind: list[int]


def with_what_keeps_them(read: Queries, job_ids: Sequence[int]) -> dict[int, int]:
    """The jobs to be retried so that these can run: each with the job for whose sake it is.

    Raises NotPossible with the reason where no retry helps: a gate that a succeeded job has missed, a failure that
    did not come.
    """
    chosen = {job_id: job_id for job_id in job_ids}
    todo = list(chosen)
    while todo:
        job = read.job(todo.pop())
        needs = read.jobs(ids=job.after)
        skips = find_skips([_demand(job, needs, chosen)]) if needs else {}
        if job.id not in skips:
            continue
        culprits = [need.id for need in needs if need.id not in chosen and _keeps_from_running(job, need)]
        if not culprits:
            raise NotPossible(f"job {job.id} ({job.name}) can't be retried. {skips[job.id].reason}")
        chosen |= dict.fromkeys(culprits, job.id)
        todo += [job.id, *culprits]
    return chosen


def _keeps_from_running(job: Job, need: Job) -> bool:
    mode = job.after_modes.get(need.id, "all")
    return need.state in WITHOUT_SUCCESS and not (mode == "finished" or (mode == "failed" and need.state == "failed"))


def _demand(job: Job, needs: Sequence[Job], chosen: dict[int, int]) -> Demand:
    """The job as the plan would see it if the chosen waited again."""
    return Demand(
        job_id=job.id,
        name=job.name,
        priority=job.priority,
        submitted_at=job.submitted_at,
        gpus=job.spec.gpus,
        estimate=Estimate(0.0, ""),
        needs=tuple(_need(job, need, "waiting" if need.id in chosen else need.state) for need in needs),
    )


def _need(job: Job, need: Job, state: str) -> Need:
    return Need(need.id, need.name, state, job.missed_gates(need), NeedMode(job.after_modes.get(need.id, "all")))
