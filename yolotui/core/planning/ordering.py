"""Who goes before whom, before any search: classes with ageing, and the guard that lets nobody wait without bound."""

from __future__ import annotations

from enum import IntEnum
from heapq import heapify, heapreplace

from yolotui.core.jobs import Priority
from yolotui.core.planning.policy import Policy
from yolotui.core.planning.tasks import Task
from yolotui.core.priorities import BASES, class_after, value_of
from yolotui.core.timetable import Demand

ANCHORED_AFTER_S = 7 * 86400.0
ANCHORED_FACTOR = 3.0
KEPT_FOR_RETRY_S = 60.0


class Rank(IntEnum):
    """The groups that are placed one after the other.

    `OVERDUE` are those of any class whose guard has run out. `BACKING_OFF` are those that an attempt's failure keeps
    from starting for more than a minute: no GPU idles for them meanwhile.
    """

    P0 = 0
    OVERDUE = 1
    P1 = 2
    P2 = 3
    P3 = 4
    BACKING_OFF = 5


RANKS = {Priority.P0: Rank.P0, Priority.P1: Rank.P1, Priority.P2: Rank.P2, Priority.P3: Rank.P3}


def overdue_at(demand: Demand, fifo_cleared_at: float, policy: Policy) -> float:
    """From when on the guard puts the job before all classes but P0."""
    fifo_s = max(0.0, fifo_cleared_at - demand.submitted_at)
    return demand.submitted_at + policy.guard_factor * fifo_s + policy.guard_slack_s


def rank_of(demand: Demand, limit: float, policy: Policy, now: float) -> Rank:
    """The group that the job is placed with."""
    if demand.not_before is not None and demand.not_before - now > KEPT_FOR_RETRY_S:
        return Rank.BACKING_OFF
    if demand.priority is Priority.P0:
        return Rank.P0
    if now >= limit:
        return Rank.P0 if now >= _anchored_at(demand, limit) else Rank.OVERDUE
    if not policy.ageing:
        return RANKS[demand.priority]
    return RANKS[class_after(demand.priority, now - demand.submitted_at)]


def urgency(demand: Demand, rank: Rank, limit: float, policy: Policy, now: float) -> tuple[float, ...]:
    """The order of placing, lower first: by group, and within it by score; what is overdue by how long it has been.

    A job that is overdue beyond all measure takes its place among the P0s that were submitted later than its anchor:
    without that, a wide job could wait for ever under a steady trickle of narrow P0s.
    """
    if rank is Rank.P0:
        anchored = demand.priority is not Priority.P0
        return (rank, _anchored_at(demand, limit) if anchored else demand.submitted_at, demand.job_id)
    if rank is Rank.OVERDUE:
        return (rank, limit, demand.job_id)
    value = value_of(demand.priority, now - demand.submitted_at) if policy.ageing else BASES[demand.priority]
    return (rank, value, demand.submitted_at, demand.job_id)


def _anchored_at(demand: Demand, limit: float) -> float:
    return limit + max(ANCHORED_AFTER_S, ANCHORED_FACTOR * (limit - demand.submitted_at))


def fifo_cleared_at(running: list[tuple[int, float]], tasks: list[Task], lanes: list[list[float]], now: float) -> float:
    """When first-in-first-out would be through with all that waits, and one more job of their mean length after it.

    A bound that is tighter than the length of a job can't be kept. This is plain list placement, quick for a long
    queue; `running` holds the pool and the finish of every device in use, `lanes` one moment for each device of a pool.
    """
    for pool, finish in running:
        if lanes[pool]:
            heapreplace(lanes[pool], finish)
    for lane in lanes:
        heapify(lane)
    mean_s = sum(task.duration for task in tasks) / max(1, len(tasks))
    return mean_s + max((_list_start(lanes, task, now) for task in tasks), default=now)


def _list_start(lanes: list[list[float]], task: Task, now: float) -> float:
    """Give the task the devices that are free first, in the pool that it likes best of those that are wide enough."""
    pool = next((lanes[pool] for pool in task.pools if len(lanes[pool]) >= task.width), None)
    if pool is None:
        return now
    if task.width == 1:
        start = max(pool[0], task.release)
        heapreplace(pool, start + task.duration)
        return start
    pool.sort()  # a sorted list is a heap
    start = max(pool[task.width - 1], task.release)
    pool[: task.width] = [start + task.duration] * task.width
    heapify(pool)
    return start
