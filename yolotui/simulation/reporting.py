"""What a replay came to: waits, completion times, utilisation and makespan, beside what no scheduler can beat."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean
from typing import Any

from msgspec import Struct, to_builtins

from yolotui.core.jobs import Priority
from yolotui.core.planning.policy import Policy
from yolotui.simulation.bounds import Bounds, bounds
from yolotui.simulation.machine import CARD_BYTES
from yolotui.simulation.replaying import Ran, Replay, replay
from yolotui.simulation.trace import Trace
from yolotui.units import format_duration

CLOSE_S = 600.0
CLOSE_PART = 0.2

Document = dict[str, Any]


class Summary(Struct, frozen=True):
    """The figures of one replay. Seconds; utilisation is a part of 1, tails included.

    `forecasts_close` is the part of the jobs foreseen to wait whose start was within 10 min or 20 % of the wait,
    `interval_held` the part whose start fell into its "80 %" interval; None when nobody waited. `preempted` is how many
    had to make room, `deadlines_met` the part of those with a deadline that were done by then.
    """

    jobs: int
    mean_wait_s: float
    p95_wait_s: float
    worst_wait_s: float
    mean_wait_by_class_s: dict[str, float]
    mean_completion_s: float
    makespan_s: float
    utilisation: float
    forecasts_close: float | None
    interval_held: float | None
    preempted: int = 0
    deadlines_met: float | None = None


class Report(Struct, frozen=True):
    """A replay with its figures and its bounds. `document()` is for programs, `table()` for people."""

    policy: Policy
    gpus: int
    jobs: tuple[Ran, ...]
    summary: Summary
    bounds: Bounds

    def document(self) -> Document:
        """The `--json` object: jobs in the trace's order, times in the trace's seconds, GPUs as indices from 0."""
        return {
            "schema": 1,
            "policy": str(self.policy.kind),
            "mode": str(self.policy.mode),
            "preemption": str(self.policy.preemption),
            "tenants": self.policy.tenants,
            "gpus": self.gpus,
            "jobs": [_job_document(job) for job in self.jobs],
            "summary": to_builtins(self.summary),
            "bounds": to_builtins(self.bounds),
        }

    def table(self) -> str:
        """The figures in a few lines, those that have a bound beside it."""
        figures, best = self.summary, self.bounds
        rows = [
            ("", f"{self.policy.kind} ({self.policy.mode})", "no scheduler beats"),
            ("jobs, GPUs", f"{figures.jobs}, {self.gpus}", ""),
            ("mean wait", format_duration(figures.mean_wait_s), ""),
            *((f"  of {name}", format_duration(wait), "") for name, wait in figures.mean_wait_by_class_s.items()),
            ("95 % waited less than", format_duration(figures.p95_wait_s), ""),
            ("worst wait", format_duration(figures.worst_wait_s), ""),
            ("mean completion", format_duration(figures.mean_completion_s), format_duration(best.mean_completion_s)),
            ("makespan", format_duration(figures.makespan_s), format_duration(best.makespan_s)),
            ("utilisation", f"{figures.utilisation:.1%}", f"{best.utilisation:.1%}"),
            ("starts as foreseen", _percent(figures.forecasts_close), ""),
            ("starts in the interval", _percent(figures.interval_held), ""),
            *([("made room", str(figures.preempted), "")] if figures.preempted else []),
            *([("deadlines met", f"{met:.0%}", "")] if (met := figures.deadlines_met) is not None else []),
        ]
        return "\n".join(f"{name:<24}{value:>22}{bound:>22}".rstrip() for name, value, bound in rows)


def run(trace: Trace, gpus: int, policy: Policy | None = None, *, card_bytes: int = CARD_BYTES) -> Report:
    """Replay a trace and report. Raises WrongUse when a job asks for more than there is."""
    policy = policy or Policy()
    replayed = replay(trace, gpus, policy, card_bytes=card_bytes)
    return Report(policy, gpus, replayed.jobs, summary(trace, replayed, gpus), bounds(trace, gpus, policy.tenants))


def summary(trace: Trace, replayed: Replay, gpus: int) -> Summary:
    """The figures of a replay of this trace."""
    jobs = replayed.jobs
    waits = sorted(job.wait for job in jobs)
    makespan_s = max(job.end for job in jobs) - min(job.submit for job in jobs)
    classes = {priority.name: [job.wait for job in jobs if trace[job.id].priority is priority] for priority in Priority}
    waited = [job for job in jobs if job.forecast.start_at > job.submit]
    return Summary(
        jobs=len(jobs),
        mean_wait_s=fmean(waits),
        p95_wait_s=waits[(len(waits) * 95 - 1) // 100],
        worst_wait_s=waits[-1],
        mean_wait_by_class_s={name: fmean(of_class) for name, of_class in classes.items() if of_class},
        mean_completion_s=fmean(job.end - job.submit for job in jobs),
        makespan_s=makespan_s,
        utilisation=sum(job.area for job in trace) / (gpus * makespan_s),
        forecasts_close=_part([is_close(job) for job in waited]),
        interval_held=_part([job.forecast.low_at <= job.start <= job.forecast.high_at for job in waited]),
        preempted=sum(len(job.segments) > 1 for job in jobs),
        deadlines_met=_part([job.end - job.submit <= due_s for job in jobs if (due_s := trace[job.id].deadline_s)]),
    )


def is_close(job: Ran) -> bool:
    """Whether the start foreseen at submission was within 10 min, or 20 % of the wait."""
    return abs(job.start - job.forecast.start_at) <= max(CLOSE_S, CLOSE_PART * job.wait)


def _part(held: Sequence[bool]) -> float | None:
    return sum(held) / len(held) if held else None


def _percent(part: float | None) -> str:
    return "nobody waited" if part is None else f"{part:.0%}"


def _job_document(job: Ran) -> Document:
    foreseen = job.forecast
    segments = [to_builtins(segment) for segment in job.segments]
    return {
        "id": job.id,
        "start": job.start,
        "end": job.end,
        "gpus": list(job.gpus),
        "forecast": {
            "start": foreseen.start_at,
            "start_low": foreseen.low_at,
            "start_high": foreseen.high_at,
            "finish": foreseen.finish_at,
        },
        **({"segments": segments} if len(segments) > 1 else {}),
    }
