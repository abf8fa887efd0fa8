"""Which jobs a person means: one that a verb doesn't fit is an error, but in a range or a group it is left alone."""

from __future__ import annotations

from collections.abc import Sequence

from yolotui.cli.printing import narrate
from yolotui.core.jobs import STATES, Job
from yolotui.errors import NotPossible, WrongUse
from yolotui.queue import Queue

UNFINISHED = frozenset(STATES) - Job.ENDED_STATES


def fitting(queue: Queue, selectors: Sequence[str], verb: str, states: frozenset[str]) -> list[Job]:
    """The selected jobs, without those of ranges and groups that are not in `states`.

    Jobs that were named one by one all stay: the verb itself says why it can't be done to one of them. Raises
    NoSuchJob, and NotPossible where nothing is left.
    """
    named = set(queue.select(*(each for each in selectors if not is_bulk(each))))
    jobs = in_order(queue, queue.select(*selectors))
    chosen = [job for job in jobs if job.id in named or job.state in states]
    if not chosen:
        raise NotPossible(f"Nothing to {verb}: {_what_they_are(jobs)}.")
    if left := [job for job in jobs if job.id not in named and job.state not in states]:
        narrate(f"Left alone: {_what_they_are(left)}.")
    return chosen


def the_one(queue: Queue, selector: str, why: str) -> Job:
    """The one job that is meant. Raises NoSuchJob, and WrongUse that says `why` several can't be."""
    ids = queue.select(selector)
    if len(ids) != 1:
        raise WrongUse(f"{selector!r} means {len(ids)} jobs: {why}.")
    return queue.job(ids[0])


def is_bulk(selector: str) -> bool:
    """Whether a selector means as many jobs as there happen to be: a range or a group."""
    first, dash, last = selector.partition("-")
    return selector.startswith("@") or bool(dash and first.isdecimal() and last.isdecimal())


def in_order(queue: Queue, ids: Sequence[int]) -> list[Job]:
    """The jobs of `ids`, in their order."""
    jobs = {job.id: job for job in queue.jobs(ids=ids)}
    return [jobs[job_id] for job_id in ids if job_id in jobs]


def told(jobs: Sequence[Job], *, at_most: int = 5) -> str:
    """`12 (night-n), 13 (night-s) and 4 more`."""
    names = ", ".join(f"{job.id} ({job.name})" for job in jobs[:at_most])
    rest = len(jobs) - at_most
    return f"{names} and {rest} more" if rest > 0 else names


def _what_they_are(jobs: Sequence[Job]) -> str:
    by_state: dict[str, list[Job]] = {}
    for job in jobs:
        by_state.setdefault(job.state, []).append(job)
    return "; ".join(f"{told(those)} {'is' if len(those) == 1 else 'are'} {state}" for state, those in by_state.items())
