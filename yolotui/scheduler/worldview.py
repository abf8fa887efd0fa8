"""From the queue's rows and the host's readings to the world that `core.plan` is asked about."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping

from yolotui.core.gpus import Host
from yolotui.core.jobs import ENDED, Gate, Held, Job, Kind, Paused, Waiting
from yolotui.core.timetable import Demand, Estimate, Need, NeedMode, World
from yolotui.store import HeldGroup

GUESS_S = {Kind.TRAIN: 3600.0, Kind.VAL: 300.0, Kind.PREDICT: 300.0, Kind.EXPORT: 300.0, Kind.COMMAND: 600.0}
LEAST_REMAINING_S = 5.0

Signature = tuple[object, ...]


class Rhythms:
    """How long things took before: seconds an epoch, or a whole run, by what a job is."""

    def __init__(self) -> None:
        self._epoch_s: dict[Signature, float] = {}
        self._run_s: dict[Signature, float] = {}

    def learn(self, job: Job) -> None:
        """Remember what a job's attempts have shown; the newest counts."""
        for attempt in job.attempts:
            if attempt.progress.epoch_s:
                self._epoch_s[_signature(job)] = attempt.progress.epoch_s
            if job.state == "succeeded" and attempt.started_at and attempt.ended_at:
                self._run_s[_signature(job)] = attempt.ended_at - attempt.started_at

    def estimate(self, job: Job, now: float) -> Estimate:
        """How long the job will still need its GPUs."""
        elapsed_s = _elapsed_s(job, now)
        progress, total = job.progress, job.progress.epochs_total or job.spec.epochs
        if total and progress.epoch_s:
            left = max(0, total - progress.epochs_done)
            return Estimate(max(left * progress.epoch_s, LEAST_REMAINING_S), "its own epochs")
        if total and (epoch_s := self._epoch_s.get(_signature(job))):
            left = max(0, total - progress.epochs_done)
            return Estimate(max(left * epoch_s - elapsed_s, LEAST_REMAINING_S), "earlier runs of the same")
        if (run_s := self._run_s.get(_signature(job))) is not None:
            return Estimate(max(run_s - elapsed_s, LEAST_REMAINING_S), "earlier runs of the same")
        return Estimate(
            max(GUESS_S[job.spec.kind] - elapsed_s, LEAST_REMAINING_S), "a guess: nothing like it ran before"
        )


def make_world(
    jobs: Iterable[Job],
    needs: Mapping[int, Job],
    held_groups: Mapping[str, HeldGroup],
    *,
    host: Host,
    rhythms: Rhythms,
    now: float,
) -> World:
    """The frozen snapshot to plan from. `needs` holds every job that another hangs on, ended ones too."""
    demands = tuple(_demand(job, needs, held_groups, rhythms, now) for job in jobs if not isinstance(job.status, ENDED))
    return World(gpus=host.gpus, demands=demands, side_slots=max(2, os.cpu_count() or 1))


def _demand(
    job: Job, needs: Mapping[int, Job], held_groups: Mapping[str, HeldGroup], rhythms: Rhythms, now: float
) -> Demand:
    holding = job.attempts[-1].gpus if job.attempts and job.attempts[-1].outcome is None else ()
    return Demand(
        job_id=job.id,
        name=job.name,
        priority=job.priority,
        submitted_at=job.submitted_at,
        gpus=job.spec.gpus,
        estimate=rhythms.estimate(job, now),
        state=job.state,
        holding=holding,
        vram_bytes=job.spec.vram_bytes or 0,
        not_before=job.status.not_before if isinstance(job.status, Waiting) else None,
        needs=tuple(_need(job, needs[need]) for need in job.after if need in needs),
        blocked=_blocked(job, held_groups),
        gpu_model=job.spec.gpu_model,
        avoid=job.spec.avoid,
        prefer=job.spec.prefer,
    )


def _need(job: Job, need: Job) -> Need:
    missed: tuple[str, ...] = ()
    if need.state == "succeeded":
        own = [gate for gate in job.spec.when if gate.job in {need.name, str(need.id)}]
        missed = tuple(_missed(gate, need) for gate in own if not _passes(gate, need))
    return Need(need.id, need.name, need.state, missed, NeedMode(job.after_modes.get(need.id, "all")))


def _passes(gate: Gate, need: Job) -> bool:
    value = need.progress.best.get(gate.metric)
    return value is not None and gate.passes(value)


def _missed(gate: Gate, need: Job) -> str:
    value = need.progress.best.get(gate.metric)
    return f"{gate} (it is {'not known' if value is None else f'{value:.4g}'})"


def _blocked(job: Job, held_groups: Mapping[str, HeldGroup]) -> str:
    match job.status:
        case Held(reason=reason):
            return f"It is held ({reason}): `yolotui release {job.id}` lets it go."
        case Paused():
            return f"It is paused: `yolotui resume {job.id}` continues it."
    if group := held_groups.get(job.spec.group):
        return f"Its group {job.spec.group} is held ({group.reason}): `yolotui release @{job.spec.group}` lets it go."
    return ""


def _signature(job: Job) -> Signature:
    spec = job.spec
    sizes = tuple(spec.arguments.get(key) for key in ("imgsz", "batch"))
    return (spec.kind, spec.model, spec.data, spec.gpus, spec.command, *sizes)


def _elapsed_s(job: Job, now: float) -> float:
    if not job.attempts or job.attempts[-1].outcome is not None:
        return 0.0
    return now - (job.attempts[-1].started_at or now)
