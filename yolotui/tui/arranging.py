"""Which jobs the table shows, in which order, and which groups of them in one row. Pure."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeAlias

from yolotui.core.jobs import ACTIVE, Job, Waiting
from yolotui.core.metrics import main_metric
from yolotui.tui.snapshot import Snapshot

FAR = float("inf")
Key = Callable[[Job], tuple[float | str, ...]]
RowId: TypeAlias = int | str
"""What a row of the table stands for: a job's id, or `@group` for a folded group."""


class Order(StrEnum):
    """How the table is sorted: as the queue goes, or by one column."""

    QUEUE = "queue order"
    NEWEST = "newest first"
    PRIORITY = "priority"
    NAME = "name"
    METRIC = "best metric"

    def next(self) -> Order:
        """The order after this one."""
        orders = list(Order)
        return orders[(orders.index(self) + 1) % len(orders)]


@dataclass(frozen=True)
class Arranged:
    """The rows from top to bottom, and the jobs that each folded group stands for, in order."""

    rows: Sequence[RowId] = ()
    members: Mapping[str, Sequence[int]] = field(default_factory=dict)

    def jobs_of(self, row: RowId) -> Sequence[int]:
        """The ids of the jobs that a row stands for."""
        return (row,) if isinstance(row, int) else self.members.get(row, ())

    @property
    def jobs(self) -> int:
        """How many jobs match, folded or not."""
        return len(self.rows) - len(self.members) + sum(map(len, self.members.values()))


def arrange(
    snapshot: Snapshot, order: Order, needle: str, *, keep: RowId | None = None, folded: Collection[str] = ()
) -> Arranged:
    """The jobs that match, in order, and the one to `keep` whether it matches or not.

    A group that is `folded` stands where the first of its jobs would.
    """
    jobs: Iterable[Job] = snapshot.jobs.values()
    if needle:
        jobs = [job for job in jobs if job.id == keep or matches(job, needle)]
    ordered = sorted(jobs, key=_key(snapshot, order))
    if not folded:
        return Arranged([job.id for job in ordered])
    rows: dict[RowId, None] = {}
    members: dict[str, list[int]] = {}
    for job in ordered:
        if job.spec.group in folded:
            row = group_row_id(job.spec.group)
            rows.setdefault(row)
            members.setdefault(row, []).append(job.id)
        else:
            rows[job.id] = None
    return Arranged(list(rows), members)


def group_row_id(group: str) -> str:
    """The row of a group while it is folded."""
    return f"@{group}"


def matches(job: Job, needle: str) -> bool:
    """Whether every word of the filter is somewhere in the job's id, name, state, owner, group or priority."""
    text = f"#{job.id} {job.name} {job.state} {job.owner.name} @{job.spec.group} p{int(job.priority)}".lower()
    return all(word in text for word in needle.lower().split())


def _key(snapshot: Snapshot, order: Order) -> Key:
    match order:
        case Order.QUEUE:
            return _queue_order(snapshot)
        case Order.NEWEST:
            return lambda job: (-job.id,)
        case Order.PRIORITY:
            return lambda job: (job.ended, int(job.priority), job.id)
        case Order.NAME:
            return lambda job: (job.name.lower(), job.id)
        case Order.METRIC:
            return lambda job: (-best_metric(job), job.id)


def _queue_order(snapshot: Snapshot) -> Key:
    """Running first, then as the timetable has it, then what a person keeps back, then ended with the newest first."""
    published: Sequence[int] = list(snapshot.entries)
    place = {job_id: number for number, job_id in enumerate(published)}
    start = {job_id: entry.start_at for job_id, entry in snapshot.entries.items()}

    def key(job: Job) -> tuple[float | str, ...]:
        if job.ended:
            return (3, -job.status.since, -job.id)
        if isinstance(job.status, ACTIVE):
            return (0, int(job.priority), job.id)
        if isinstance(job.status, Waiting):
            return (1, start.get(job.id) or FAR, place.get(job.id, FAR), int(job.priority), job.id)
        return (2, job.id)

    return key


def best_metric(job: Job) -> float:
    """What the job is judged by, at its best; -1 where there is nothing yet."""
    found = main_metric(job.progress.best)
    return found[1] if found else -1.0
