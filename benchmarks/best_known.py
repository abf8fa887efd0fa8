"""The best known ends of drains: remembered from CP-SAT, and from whatever the runs at hand have found since.

`best_known.json` holds seconds by instance; `scheduling.py --solve SECONDS` goes on searching and writes it anew. For
that OR-tools is needed, a development tool. For instances that it never saw, the best is that of our own search.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from hashlib import sha256
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

from yolotui.core.plan import Mode
from yolotui.core.planning.profile import Profile
from yolotui.core.planning.search import Budget, Search
from yolotui.core.planning.tasks import Task
from yolotui.simulation.trace import Trace

FILE = Path(__file__).with_name("best_known.json")
OWN_EFFORT = 200_000
STEPS = 20_000  # CP-SAT counts in integers: a drain is cut into about so many


class Best(NamedTuple):
    """Seconds: the end of everything, and the mean of the jobs' ends."""

    makespan_s: float
    mean_completion_s: float


def remembered(trace: Trace, gpus: int) -> Best | None:
    """What CP-SAT found for this drain, if it ever saw it."""
    found = json.loads(FILE.read_text()).get(_key(trace, gpus)) if FILE.exists() else None
    return Best(**found) if found else None


def best_of_all(trace: Trace, gpus: int, results: Iterable[Best]) -> Best:
    """The best of what is remembered, of a long search of our own, and of what policies came to."""
    known = remembered(trace, gpus)
    own = [_searched(trace, gpus, mode) for mode in Mode]
    ends = [_ends(trace, gpus, order) for order in own]
    candidates = [*results, *ends, *([known] if known else [])]
    return Best(min(each.makespan_s for each in candidates), min(each.mean_completion_s for each in candidates))


def solve_and_remember(instances: Iterable[tuple[int, Trace]], limit_s: float) -> None:
    """Search with CP-SAT, so long for each goal of each drain, and keep what is better than what is remembered."""
    for gpus, trace in instances:
        orders = [_solved(trace, gpus, goal, limit_s) for goal in Mode]
        best = best_of_all(trace, gpus, [_ends(trace, gpus, order) for order in orders])
        everything = json.loads(FILE.read_text()) if FILE.exists() else {}
        everything[_key(trace, gpus)] = best._asdict()
        FILE.write_text(json.dumps(everything, indent=1) + "\n")


def _solved(trace: Trace, gpus: int, goal: Mode, limit_s: float) -> list[int]:
    """The order of the starts in the best schedule that CP-SAT finds."""
    cp_model: Any = import_module("ortools.sat.python.cp_model")
    model = cp_model.CpModel()
    step_s = max(1.0, sum(job.area for job in trace) / gpus / STEPS)
    lengths = [max(1, round(job.duration_s / step_s)) for job in trace]
    horizon = sum(lengths)
    starts = [model.new_int_var(0, horizon, "") for _ in trace]
    spans = [
        model.new_fixed_size_interval_var(start, length, "") for start, length in zip(starts, lengths, strict=True)
    ]
    model.add_cumulative(spans, [job.gpus for job in trace], gpus)
    if goal is Mode.THROUGHPUT:
        end = model.new_int_var(0, 2 * horizon, "")
        for start, length in zip(starts, lengths, strict=True):
            model.add(end >= start + length)
        model.minimize(end)
    else:
        model.minimize(sum(starts))
    hint = _profile_starts(trace, gpus, _searched(trace, gpus, goal))
    for start, moment in zip(starts, hint, strict=True):
        model.add_hint(start, int(moment / step_s))
    solver = cp_model.CpSolver()
    solver.parameters.max_time_in_seconds = limit_s
    solver.solve(model)
    return sorted(range(len(trace)), key=lambda number: solver.value(starts[number]))


def _searched(trace: Trace, gpus: int, mode: Mode) -> list[int]:
    tasks = [_task(trace, number) for number in range(len(trace))]
    search = Search(Profile([gpus], 0.0), 0.0, mode, Budget(OWN_EFFORT))
    return [task.job_id for task in search.best_order([], tasks)]


def _profile_starts(trace: Trace, gpus: int, order: Iterable[int]) -> list[float]:
    profile = Profile([gpus], 0.0)
    starts = {number: profile.place(_task(trace, number)).start for number in order}
    return [starts[number] for number in range(len(trace))]


def _ends(trace: Trace, gpus: int, order: Iterable[int]) -> Best:
    ends = [start + job.duration_s for start, job in zip(_profile_starts(trace, gpus, order), trace, strict=True)]
    return Best(max(ends), sum(ends) / len(ends))


def _task(trace: Trace, number: int) -> Task:
    job = trace[number]
    return Task(number, width=job.gpus, duration=job.duration_s, release=0.0, pools=(0,))


def _key(trace: Trace, gpus: int) -> str:
    """What an instance is known by: its jobs and the host."""
    return sha256(repr([(job.gpus, job.duration_s) for job in trace]).encode()).hexdigest()[:12] + f"-{gpus}"
