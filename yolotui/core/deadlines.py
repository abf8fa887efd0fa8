"""Deadlines that a timetable will miss, and the cheapest change that would save each."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from msgspec.structs import replace

from yolotui.core.jobs import Priority
from yolotui.core.plan import Policy, Preemption, plan
from yolotui.core.planning.saying import span
from yolotui.core.timetable import Demand, Timetable, World
from yolotui.core.whatif import with_priority

STARTABLE = frozenset({"waiting"})


class Miss(NamedTuple):
    """A job that is expected to end after its deadline (UTC seconds); `finish_at` is None when nobody knows when."""

    job_id: int
    name: str
    deadline_at: float
    finish_at: float | None

    def sentence(self, now: float) -> str:
        """What is foreseen."""
        due_s = self.deadline_at - now
        due = f"in {span(due_s)}" if due_s >= 0 else f"{span(-due_s)} ago"
        if self.finish_at is None:
            return f"Job {self.job_id} ({self.name}) is due {due}, and nobody knows when it will be done."
        return (
            f"Job {self.job_id} ({self.name}) is due {due} and expected to be done in {span(self.finish_at - now)}, "
            f"{span(self.finish_at - self.deadline_at)} too late."
        )


class Rescue(NamedTuple):
    """A change that would let a deadline be kept: another class, and what it would take beside that.

    `evicts` says that others would be stopped for it, `needs_evict` that the configuration does not allow that today;
    `later` is how many others would start later or be stopped.
    """

    priority: Priority
    evicts: bool
    needs_evict: bool
    later: int

    def sentence(self, miss: Miss) -> str:
        """What to do."""
        setting = ' with preemption = "evict"' if self.needs_evict else ""
        change = f"`yolotui priority {self.priority.name} {miss.job_id}`{setting} would save it"
        others = {0: "nobody would start later", 1: "1 other job would start later"}
        cost = others.get(self.later, f"{self.later} other jobs would start later")
        return f"{change}{', stopping others for it' if self.evicts else ''}: {cost}."


def misses(world: World, timetable: Timetable) -> list[Miss]:
    """The jobs with a deadline that are not expected to be done by then, the most pressing first."""
    entries = timetable.by_job()
    found = [
        Miss(demand.job_id, demand.name, demand.deadline_at, entry.finish_at)
        for demand in world.demands
        if demand.deadline_at is not None
        and (entry := entries.get(demand.job_id))
        and (entry.finish_at is None or entry.finish_at > demand.deadline_at)
    ]
    return sorted(found, key=lambda miss: (miss.deadline_at, miss.job_id))


def rescue(world: World, policy: Policy, now: float, miss: Miss) -> Rescue | None:
    """The least change that lets the job be done in time: the lowest class, and nobody stopped if that suffices.

    None when nothing of that kind does: it runs already, can't start, or takes longer than there is time. This makes
    up to eight plans.
    """
    demand = next(each for each in world.demands if each.job_id == miss.job_id)
    if demand.state not in STARTABLE or now + demand.estimate.remaining_s > miss.deadline_at:
        return None
    before = plan(world, policy, now)
    for priority, how in _changes(demand, policy):
        after = plan(with_priority(world, [miss.job_id], priority), how, now)
        finish_at = after.by_job()[miss.job_id].finish_at
        if finish_at is not None and finish_at <= miss.deadline_at:
            evicts = any(eviction.notice.for_job == miss.job_id for eviction in after.evictions)
            return Rescue(priority, evicts, how is not policy, _later(before, after, miss.job_id))
    return None


def _changes(demand: Demand, policy: Policy) -> Iterator[tuple[Priority, Policy]]:
    """What can be tried, the cheapest first."""
    higher = [priority for priority in sorted(Priority, reverse=True) if priority < demand.priority]
    for priority in higher:
        yield priority, policy
    if policy.preemption is not Preemption.EVICT:
        for priority in (each for each in higher if each <= Priority.P1):
            yield priority, replace(policy, preemption=Preemption.EVICT)


def _later(before: Timetable, after: Timetable, job_id: int) -> int:
    """How many others would start later, or make room."""
    starts = {entry.job_id: entry.start_at for entry in after.entries}
    moved = sum(
        entry.start_at is not None and ((start := starts.get(entry.job_id)) is None or start > entry.start_at + 1.0)
        for entry in before.entries
        if entry.job_id != job_id
    )
    return moved + len(after.evictions) - len(before.evictions)
