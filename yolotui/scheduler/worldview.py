"""From the queue's rows and the host's readings to the world that `core.plan` is asked about."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping
from operator import is_

from msgspec.structs import replace

from yolotui.core.failures import Retry, retry_of
from yolotui.core.gpus import Host
from yolotui.core.jobs import ACTIVE, Attempt, Held, Job, Kind, Outcome, Paused, Pausing, Running, Waiting
from yolotui.core.planning.pools import is_called
from yolotui.core.quotas import Quota
from yolotui.core.timetable import Calibration, Demand, Need, NeedMode, Timetable, World
from yolotui.remedies import group_sentence, remedy
from yolotui.scheduler.estimates import Estimates
from yolotui.scheduler.memory import Appetites
from yolotui.scheduler.picture import Picture
from yolotui.scheduler.room import DiskRoom
from yolotui.store import HeldGroup

_Made = tuple[tuple[object, ...], Demand]


class WorldView:
    """Makes worlds. A demand is made anew only when its job, or what it hangs on, has changed: queues may be long."""

    def __init__(
        self, estimates: Estimates, appetites: Appetites, *, tenants: int, room: DiskRoom | None = None
    ) -> None:
        """`tenants` is how many jobs may share a card."""
        self._estimates = estimates
        self._appetites = appetites
        self._tenants = tenants
        self._room = room or DiskRoom()
        self._made: dict[int, _Made] = {}
        self._made_for: object = None
        self._models: dict[str, str] = {}

    def world(
        self,
        picture: Picture,
        host: Host,
        previous: Timetable | None,
        calibration: Calibration,
        now: float,
        *,
        quotas: tuple[Quota, ...] = (),
    ) -> World:
        """The frozen snapshot to plan from. `host` is as `with_marks` makes it."""
        cards = [(gpu.uuid, gpu.name, gpu.memory_total_bytes) for gpu in host.gpus]
        made_for = (self._estimates.version, self._appetites.version, cards)
        if self._made_for != made_for:
            self._made_for = made_for
            self._made.clear()
            self._models.clear()
        known = picture.known
        self._made = {job.id: self._remade(job, known, picture.groups, host, now) for job in picture.jobs.values()}
        return World(
            gpus=host.gpus,
            demands=self._room.checked((demand for _, demand in self._made.values()), picture.jobs),
            side_slots=max(2, os.cpu_count() or 1),
            previous=previous and foreseen_anew(previous, picture),
            calibration=calibration,
            bookings=tuple(picture.bookings.values()),
            quotas=quotas,
        )

    def _remade(
        self, job: Job, known: Mapping[int, Job], held_groups: Mapping[str, HeldGroup], host: Host, now: float
    ) -> _Made:
        needs = tuple(known[need] for need in job.after if need in known) if job.after else ()
        made_from = (job, held_groups.get(job.spec.group), *needs)
        made = self._made.get(job.id)
        if (
            made
            and not _hangs_on_the_clock(job)
            and len(made[0]) == len(made_from)
            and all(map(is_, made[0], made_from))
        ):
            return made
        return (made_from, self._demand(job, needs, held_groups, host, now))

    def _demand(
        self, job: Job, needs: tuple[Job, ...], held_groups: Mapping[str, HeldGroup], host: Host, now: float
    ) -> Demand:
        spec = job.spec
        running = job.attempts[-1] if job.attempts and job.attempts[-1].outcome is None else None
        vram_bytes, shares = self._memory(job, running, host)
        return Demand(
            job_id=job.id,
            name=job.name,
            priority=job.priority,
            submitted_at=job.submitted_at,
            gpus=spec.gpus,
            estimate=self._estimates.estimate(job, self._likely_model(job, host), now),
            state=job.state,
            holding=running.gpus if running else (),
            vram_bytes=vram_bytes,
            not_before=_back_off_until(job, now),
            needs=tuple(_need(job, need) for need in needs),
            blocked=_blocked(job, held_groups),
            gpu_model=spec.gpu_model,
            avoid=spec.avoid,
            prefer=spec.prefer or _elsewhere(job, host),
            owner=job.owner.name,
            group=spec.group,
            shares=shares,
            resumable=spec.kind is Kind.TRAIN,
            preemptible=spec.preemptible,
            checkpoint_at=_saved_at(running),
            epoch_s=job.progress.epoch_s,
            evicted_at=_evicted_at(job),
            notice=job.status.notice if isinstance(job.status, Running | Pausing) else None,
            deadline_at=job.deadline_at,
        )

    def _memory(self, job: Job, running: Attempt | None, host: Host) -> tuple[int, bool]:
        """What the job needs of each card, in bytes, and whether it leaves the rest to others."""
        declared = job.spec.vram_bytes or 0
        if running:
            seen = running.progress.peak_vram_bytes or 0
            promised = running.promised_bytes
            return (declared, False) if promised is None else (max(promised, seen), True)
        cards = [gpu.memory_total_bytes for gpu in host.gpus if gpu.kind != "cpu"]
        may_share = self._tenants > 1 and job.spec.gpus == 1 and bool(cards)
        needed = declared or self._appetites.promise(job.spec) or 0
        if not may_share or not 0 < needed <= max(cards):
            return declared, False
        return needed, True

    def _likely_model(self, job: Job, host: Host) -> str:
        """What it will probably run on: the commonest GPU here of those that it asks for."""
        if job.spec.gpus == 0:
            return ""
        wanted = job.spec.gpu_model
        if wanted not in self._models:
            names = Counter(gpu.name for gpu in host.gpus if not wanted or is_called(gpu, wanted))
            self._models[wanted] = names.most_common(1)[0][0] if names else ""
        return self._models[wanted]


def foreseen_anew(previous: Timetable, picture: Picture) -> Timetable:
    """The timetable without the first forecasts of jobs that a person held, or that wait again after an attempt.

    What was foreseen for them holds no longer through nobody's fault: the next plan foresees them for the first time.
    """
    stale = {
        entry.job_id
        for entry in previous.entries
        if entry.first and _waits_anew(picture, entry.job_id, entry.first.made_at)
    }
    if not stale:
        return previous
    entries = tuple(replace(entry, first=None) if entry.job_id in stale else entry for entry in previous.entries)
    return replace(previous, entries=entries)


def _waits_anew(picture: Picture, job_id: int, made_at: float) -> bool:
    job = picture.jobs.get(job_id)
    if job is None or not isinstance(job.status, Waiting):
        return False
    return job.status.since > made_at or job.spec.group in picture.groups


def _saved_at(running: Attempt | None) -> float | None:
    """From when on the work of a running attempt would be lost."""
    if running is None or running.started_at is None:
        return None
    return max(running.started_at, running.progress.checkpoint_at or 0.0)


def _evicted_at(job: Job) -> float | None:
    """When it last made room for somebody."""
    return max((each.ended_at or 0.0 for each in job.attempts if each.outcome is Outcome.EVICTED), default=None)


def _hangs_on_the_clock(job: Job) -> bool:
    """What is left of a running job changes all the time, and a back-off is over when the clock is set back."""
    return isinstance(job.status, ACTIVE) or (isinstance(job.status, Waiting) and job.status.not_before is not None)


def _back_off_until(job: Job, now: float) -> float | None:
    """When its back-off ends; a clock that was set back must not prolong it."""
    return job.status.not_before if isinstance(job.status, Waiting) and now >= job.status.since else None


def _elsewhere(job: Job, host: Host) -> tuple[str, ...]:
    """The other GPUs, after an error that may be that of the ones it had."""
    last = job.attempts[-1] if job.attempts else None
    if last is None or not last.gpus or retry_of(last.cause) is not Retry.ELSEWHERE:
        return ()
    return tuple(gpu.uuid for gpu in host.gpus if gpu.uuid not in last.gpus)


def _need(job: Job, need: Job) -> Need:
    return Need(need.id, need.name, need.state, job.missed_gates(need), NeedMode(job.after_modes.get(need.id, "all")))


def _blocked(job: Job, held_groups: Mapping[str, HeldGroup]) -> str:
    match job.status:
        case Held(reason=reason):
            return f"It is held ({reason}): {remedy(job)}"
        case Paused():
            return f"It is paused: {remedy(job)}"
    group = held_groups.get(job.spec.group)
    return group_sentence(job.spec.group, group.reason) if group else ""
