"""A made-up trace for who has none: what a team that trains YOLO models submits, with bursts in the evening."""

from __future__ import annotations

from math import log
from random import Random

from msgspec.structs import replace

from yolotui.core.jobs import Priority
from yolotui.simulation.trace import Trace, TraceJob
from yolotui.units import DAY_S

MEDIAN_S = 5400.0
SPREAD = 1.2  # of the logarithm: one run in ten takes five times the median
LONGEST_S = 2 * DAY_S
SHORTEST_S = 60.0
WIDTHS = {1: 0.60, 2: 0.20, 4: 0.15, 8: 0.05}
PRIORITIES = {Priority.P0: 0.05, Priority.P1: 0.20, Priority.P2: 0.60, Priority.P3: 0.15}
ESTIMATES_OFF_BY = 0.15
BURST_SHARE = 0.5
BURST_HOURS = (16.0, 20.0)


def generate(n: int, seed: int, load: float, gpus: int) -> Trace:
    """`n` jobs that keep `gpus` GPUs busy for the part `load` of the time over which they are submitted.

    The same numbers give the same trace. Estimates are off by up to 15 %. Raises ValueError for what makes no sense.
    """
    if n < 1 or gpus < 1 or not 0 < load <= 10:
        raise ValueError("a trace needs at least one job, one GPU, and a load above 0 and up to 10")
    dice = Random(seed)  # noqa: S311 (a simulation)
    jobs = [_job(dice, gpus) for _ in range(n)]
    span_s = sum(job.area for job in jobs) / (gpus * load)
    moments = sorted(_moment(dice, span_s) for _ in range(n))
    return tuple(
        replace(job, submit_s=round(moment - moments[0], 3)) for moment, job in zip(moments, jobs, strict=True)
    )


def with_estimates(trace: Trace, off_by: float, seed: int) -> Trace:
    """The trace with estimates that miss the truth by up to the part `off_by`, either way."""
    dice = Random(seed)  # noqa: S311 (a simulation)
    return tuple(replace(job, estimate_s=job.duration_s * dice.uniform(1 - off_by, 1 + off_by)) for job in trace)


def _job(dice: Random, gpus: int) -> TraceJob:
    duration_s = min(max(dice.lognormvariate(log(MEDIAN_S), SPREAD), SHORTEST_S), LONGEST_S)
    return TraceJob(
        submit_s=0.0,
        gpus=min(gpus, dice.choices(list(WIDTHS), list(WIDTHS.values()))[0]),
        duration_s=round(duration_s, 3),
        priority=dice.choices(list(PRIORITIES), list(PRIORITIES.values()))[0],
        estimate_s=round(duration_s * dice.uniform(1 - ESTIMATES_OFF_BY, 1 + ESTIMATES_OFF_BY), 3),
    )


def _moment(dice: Random, span_s: float) -> float:
    """A moment within the span: half of all in the evenings."""
    moment = dice.uniform(0.0, span_s)
    if dice.random() >= BURST_SHARE:
        return moment
    day_s = moment // DAY_S * DAY_S
    evening = day_s + 3600.0 * dice.uniform(*BURST_HOURS)
    return evening if evening <= span_s else moment
