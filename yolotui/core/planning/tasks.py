"""What is placed, and where: jobs and places, reduced to what matters for the search."""

from __future__ import annotations

from msgspec import Struct

Share = tuple[tuple[int, int], ...]
"""How many devices of which pools a job takes: (pool, count) pairs."""


class Task:
    """What is placed: a job reduced to what matters for its place.

    `key` is its place in the queue before any search. `width` is a count of devices, `duration` seconds, `release` the
    earliest start (UTC seconds), `pools` where it may run, in order of preference. `also` are the pools without devices
    that it takes as many of at the same time. `shares_bytes` is the memory that it needs of a card that it shares;
    None: it has its cards alone. `limit` is the latest start that the guard against starvation allows, `deadline` when
    it is to be done; both in UTC seconds. `due` is the finish from which on either is missed.
    """

    __slots__ = (
        "also",
        "deadline",
        "due",
        "duration",
        "is_plain",
        "job_id",
        "key",
        "limit",
        "pools",
        "release",
        "shares_bytes",
        "width",
    )

    def __init__(
        self,
        job_id: int,
        *,
        width: int,
        duration: float,
        release: float,
        pools: tuple[int, ...],
        also: tuple[int, ...] = (),
        shares_bytes: int | None = None,
    ) -> None:
        self.job_id = job_id
        self.width = width
        self.duration = duration
        self.release = release
        self.also = also
        self.shares_bytes = shares_bytes
        self.use(pools)
        self.limit = 0.0
        self.deadline: float | None = None
        self.due = float("inf")
        self.key: tuple[float, ...] = ()

    @property
    def area(self) -> float:
        """Device-seconds."""
        return self.width * self.duration

    def set_limits(self, limit: float, deadline: float | None = None) -> None:
        """From when on it starts, and ends, too late. A deadline that can't be kept any more binds nobody."""
        self.limit = limit
        self.deadline = deadline if deadline is not None and self.release + self.duration <= deadline else None
        self.due = min(limit + self.duration if limit else float("inf"), self.deadline or float("inf"))

    def use(self, pools: tuple[int, ...]) -> None:
        """Let it run in these pools only."""
        self.pools = pools
        self.is_plain = len(pools) == 1 and not self.also

    def part(self, duration: float, release: float) -> Task:
        """A part of it, or what is left of it: as wide, in the same place of the queue."""
        part = Task(self.job_id, width=self.width, duration=duration, release=release, pools=self.pools, also=self.also)
        part.key = self.key
        part.set_limits(self.limit, self.deadline)
        return part


class Tenancy(Struct, frozen=True):
    """A place in a room: the number of one that is there, or None for a card that becomes one.

    `view` is the one in which the task sees the card's pool.
    """

    job_id: int
    view: int
    promised_bytes: int
    room: int | None = None


class Place(Struct, frozen=True):
    """Where a task stands: from when to when, on how many devices of which pools; `then`, after a pause, the rest.

    One with a `tenancy` shares its card; in a room that is there it takes no device of its own.
    """

    start: float
    finish: float
    share: Share
    then: Place | None = None
    tenancy: Tenancy | None = None

    @property
    def done_at(self) -> float:
        """When all of it is done."""
        return self.then.done_at if self.then else self.finish

    @property
    def parts(self) -> list[Place]:
        """It and what comes after its pauses."""
        return [self, *self.then.parts] if self.then else [self]
