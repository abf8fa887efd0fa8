"""What the cards drew, and for whom: power over time, charged to who held the card at each moment. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec import Struct

from yolotui.core.jobs import Job

LONGEST_STEP_S = 150.0  # of what is older than a day one sample a minute is kept; beyond this nobody looked
JOULES_PER_KWH = 3.6e6


class Energy(Struct, frozen=True):
    """Energy in kWh: of all cards, and by job while it ran. The rest was drawn by idle cards.

    `measured` is the part of the cards' time for which their power is known, 0 to 1.
    """

    total_kwh: float
    measured: float
    by_job: dict[int, float]


Draw = Sequence[tuple[float, float]]
"""Moments (UTC seconds) with the power at each, in watts, in order."""


def energy(draws: Mapping[str, Draw], jobs: Sequence[Job], since: float, until: float) -> Energy | None:
    """What was drawn from `since` to `until`, by card's UUID; None where no card tells its power.

    Those who share a card are charged equal parts.
    """
    if not any(draws.values()):
        return None
    total, measured_s, by_job = 0.0, 0.0, dict[int, float]()
    for gpu, draw in draws.items():
        held = [
            (attempt.started_at, attempt.ended_at or until, job.id)
            for job in jobs
            for attempt in job.attempts
            if gpu in attempt.gpus and attempt.started_at is not None
        ]
        ends = [at for at, _ in (*draw, (until, 0.0))][1:]
        for (at, watts), end in zip(draw, ends, strict=True):
            step_s = min(max(0.0, end - at), LONGEST_STEP_S)
            kwh = watts * step_s / JOULES_PER_KWH
            total, measured_s = total + kwh, measured_s + step_s
            holders = [job_id for began, till, job_id in held if began <= at < till]
            for job_id in holders:
                by_job[job_id] = by_job.get(job_id, 0.0) + kwh / len(holders)
    return Energy(total, min(1.0, measured_s / (len(draws) * (until - since))), by_job)
