"""What if: a changed copy of the published world, planned beside the world as it is. Pure; nothing is written."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import NamedTuple

from msgspec.structs import replace

from yolotui.core.bookings import Booking, Over
from yolotui.core.estimating import GUESS_S, History, Record, likeness_of
from yolotui.core.gpus import Gpu
from yolotui.core.jobs import Job, JobSpec, Kind, Priority
from yolotui.core.plan import Move, Policy, moves, plan
from yolotui.core.planning.explaining import Situation
from yolotui.core.planning.pools import suits, wish_of
from yolotui.core.timetable import Demand, Entry, Estimate, Eviction, Need, NeedMode, Published, Timetable, World

NEW_JOB = 0
"""The id of a job that is not in the queue: no job has it."""
AT_REST = frozenset({"waiting", "held", "paused"})


class Difference(NamedTuple):
    """What a change would do: who would start sooner or later, the timetable, and who would have to make room."""

    moves: list[Move]
    timetable: Timetable
    evictions: list[Eviction]

    def entry(self, job_id: int) -> Entry | None:
        """A job's line in the timetable that the change would lead to."""
        return self.timetable.by_job().get(job_id)


def compare(before: Timetable, after: Timetable) -> list[Move]:
    """The jobs that start sooner in `after`, those that gain most first, then those that start later."""
    return sorted(moves(before, after), key=lambda move: (move.later_s, move.job_id))


def difference(published: Published, changed: World, policy: Policy, now: float | None = None) -> Difference:
    """What it would do if the published world were `changed`.

    Planned at `now` (UTC seconds), or at the moment of the published timetable where that is later or nothing is said.
    """
    before = published.timetable
    at = before.made_at if now is None else max(before.made_at, now)
    passed_s = at - before.made_at
    as_it_is = plan(replace(_later(published.world, passed_s), previous=before), policy, at)
    would_be = plan(replace(_later(changed, passed_s), previous=before), policy, at)
    leaving = {eviction.job_id for eviction in as_it_is.evictions}
    evictions = [eviction for eviction in would_be.evictions if eviction.job_id not in leaving]
    return Difference(compare(as_it_is, would_be), would_be, evictions)


def _later(world: World, passed_s: float) -> World:
    """The world when so much time has passed: what runs needs as much less."""
    return replace(world, demands=tuple(_ran_on(each, passed_s) for each in world.demands)) if passed_s else world


def _ran_on(demand: Demand, passed_s: float) -> Demand:
    if demand.state in AT_REST:
        return demand
    left_s = max(0.0, demand.estimate.remaining_s - passed_s)
    return replace(demand, estimate=replace(demand.estimate, remaining_s=left_s))


def with_priority(world: World, job_ids: Collection[int], priority: Priority) -> World:
    """The world with some jobs in another class."""
    demands = (replace(each, priority=priority) if each.job_id in job_ids else each for each in world.demands)
    return replace(world, demands=tuple(demands))


def with_other_wishes(world: World, job_id: int, spec: JobSpec, priority: Priority, estimate: Estimate) -> World:
    """The world with a waiting job that asks for something else."""

    def changed(demand: Demand) -> Demand:
        asked = demand_of(spec, priority, estimate, demand.needs, demand.submitted_at)
        wishes = ("priority", "gpus", "vram_bytes", "gpu_model", "avoid", "prefer", "estimate")
        return replace(demand, **{key: getattr(asked, key) for key in wishes})

    demands = (changed(each) if each.job_id == job_id else each for each in world.demands)
    return replace(world, demands=tuple(demands))


def with_job(world: World, demand: Demand) -> World:
    """The world with one more job."""
    return replace(world, demands=(*world.demands, demand))


def with_bookings(world: World, bookings: Iterable[Booking]) -> World:
    """The world with these bookings in place of its own; those that are over are none."""
    return replace(world, bookings=tuple(each for each in bookings if not isinstance(each.status, Over)))


def with_deadline(world: World, job_ids: Collection[int], deadline_at: float | None) -> World:
    """The world with another deadline for some jobs (UTC seconds), or with none."""
    demands = (replace(each, deadline_at=deadline_at) if each.job_id in job_ids else each for each in world.demands)
    return replace(world, demands=tuple(demands))


def demand_of(
    spec: JobSpec, priority: Priority, estimate: Estimate, needs: Iterable[Need], now: float, *, owner: str = ""
) -> Demand:
    """What a job that is not in the queue yet would ask for."""
    return Demand(
        job_id=NEW_JOB,
        name=spec.name,
        priority=priority,
        submitted_at=now,
        gpus=spec.gpus,
        estimate=estimate,
        vram_bytes=spec.vram_bytes or 0,
        needs=tuple(needs),
        gpu_model=spec.gpu_model,
        avoid=spec.avoid,
        prefer=spec.prefer,
        owner=owner,
        group=spec.group,
        shares=spec.vram_bytes is not None and spec.gpus == 1,
        resumable=spec.kind is Kind.TRAIN,
        preemptible=spec.preemptible,
    )


def expected(spec: JobSpec, jobs: Iterable[Job]) -> Estimate:
    """How long a new job would take: by what ran before, by its owner's word, or by an open guess.

    The leader looks closer (at the GPU's model, at how far it was off) once the job is in the queue.
    """
    history = History([_record(job) for job in jobs if job.state == "succeeded" and job.attempts])
    guess_s = GUESS_S[spec.kind]
    return history.expect(likeness_of(spec), spec.epochs, user_s=spec.estimate_s, default_s=guess_s)


def _record(job: Job) -> Record:
    progress = job.progress
    return Record(likeness_of(job.spec), job.ran_s, job.spec.epochs or 0, progress.epochs_done, progress.epoch_s)


def need_of(job: Job, mode: str) -> Need:
    """A job of the queue as one that another would come after."""
    return Need(job.id, job.name, job.state, mode=NeedMode(mode))


def too_much(spec: JobSpec, gpus: Collection[Gpu]) -> str:
    """Why a job could never start on this machine whatever else happens, as a sentence; empty if it could."""
    demand = demand_of(spec, Priority.P2, Estimate(0.0, ""), (), 0.0)
    if not spec.gpus or sum(suits(gpu, wish_of(demand)) for gpu in gpus) >= spec.gpus:
        return ""
    return Situation(World(gpus=tuple(gpus), demands=()), (), 0.0).no_place(demand).sentence
