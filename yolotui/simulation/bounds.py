"""What no scheduler can beat: lower bounds for identical GPUs, which jobs have alone or share as far as they allow."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from heapq import heappop, heappush
from typing import NamedTuple

from msgspec import Struct

from yolotui.core.planning.rooms import SLOWDOWN
from yolotui.simulation.trace import Trace, TraceJob


class Bounds(Struct, frozen=True):
    """The shortest possible time to the end of everything, the lowest mean completion time, and the best utilisation.

    Seconds; the makespan counts from the first submission, completion times from each job's own.
    """

    makespan_s: float
    mean_completion_s: float
    utilisation: float


def bounds(trace: Trace, gpus: int, tenants: int = 1) -> Bounds:
    """The bounds of a trace on so many GPUs, of which each takes so many jobs that share it.

    They know the future, and may be out of reach for who does not. Who shares needs less than its duration of a card.
    They count every job that a replay's figures count: who asks for no GPU takes at least its own duration.
    """
    if not trace:
        return Bounds(0.0, 0.0, 0.0)
    part = {True: min(1.0, SLOWDOWN / tenants), False: 1.0}
    works = [_Work(job, part[job.vram_bytes is not None and job.gpus == 1]) for job in trace]
    makespan_s = _last_end(works, gpus) - min(job.submit_s for job in trace)
    with_gpus = [work for work in works if work.job.gpus]
    without_s = sum(job.duration_s for job in trace if not job.gpus)
    return Bounds(
        makespan_s=makespan_s,
        mean_completion_s=(_total_completion(with_gpus, gpus) + without_s) / len(trace),
        utilisation=sum(job.area for job in trace) / (gpus * makespan_s),
    )


class _Work(NamedTuple):
    """A job, and the part of its duration for which it needs its GPUs to itself, so to speak."""

    job: TraceJob
    part: float

    @property
    def area(self) -> float:
        """GPU-seconds that nobody else can have."""
        return self.part * self.job.area


def _last_end(works: Sequence[_Work], gpus: int) -> float:
    """After each submission all the area that is left must fit, and no two jobs wider than half can overlap."""
    best = max(job.submit_s + job.duration_s for job, _ in works)
    area = wide_s = 0.0
    for work in sorted(works, key=lambda work: -work.job.submit_s):
        job = work.job
        area += work.area
        if 2 * job.gpus > gpus:
            wide_s += work.part * job.duration_s
        elif 2 * job.gpus == gpus:
            wide_s += work.part * job.duration_s / 2
        best = max(best, job.submit_s + area / gpus, job.submit_s + wide_s)
    return best


def _total_completion(works: list[_Work], gpus: int) -> float:
    """The largest of three: the durations; one fast machine that may interrupt; mean busy times plus half of each."""
    if not works:
        return 0.0
    submitted = sum(job.submit_s for job, _ in works)
    durations = sum(job.duration_s for job, _ in works)
    fast = sum(_run(works, gpus, lambda left, _: left)[0]) - submitted
    busy = sum(_run(works, gpus, lambda _, area: area)[1]) + durations / 2 - submitted
    return max(durations, fast, busy)


def _run(works: list[_Work], gpus: int, key: Callable[[float, float], float]) -> tuple[list[float], list[float]]:
    """One machine as fast as all GPUs together, always on the job with the lowest key: completions, mean busy times."""
    arriving = sorted(works, key=lambda work: work.job.submit_s)
    ends: list[float] = []
    busy: list[float] = []
    ready: list[tuple[float, int, float, float, float]] = []  # key, number, left, whole, time-weighted work so far
    now, at = arriving[0].job.submit_s, 0
    while at < len(arriving) or ready:
        while at < len(arriving) and arriving[at].job.submit_s <= now:
            work = arriving[at].area / gpus
            heappush(ready, (key(work, work), at, work, work, 0.0))
            at += 1
        upcoming = arriving[at].job.submit_s if at < len(arriving) else float("inf")
        if not ready:
            now = upcoming
            continue
        _, number, left, whole, weighted = heappop(ready)
        spent = min(left, upcoming - now)
        weighted += spent * (now + spent / 2)
        now += spent
        if left - spent > 1e-9 * whole:
            heappush(ready, (key(left - spent, whole), number, left - spent, whole, weighted))
        else:
            ends.append(now)
            busy.append(weighted / whole)
    return ends, busy
