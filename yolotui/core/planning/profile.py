"""How many devices are free, over time: where a job is tried and booked.

Devices that nobody who waits can tell apart form a pool, and in a pool only the count matters: intervals that never
need more devices than there are can always be given devices, one after the other in order of their starts. So nothing
is lost to a premature choice, and a trial costs microseconds.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence

from msgspec import Struct

Share = tuple[tuple[int, int], ...]
"""How many devices of which pools a job takes: (pool, count) pairs."""


class Task:
    """What is placed: a job reduced to what matters for its place.

    `key` is its place in the queue before any search. `width` is a count of devices, `duration` seconds, `release` the
    earliest start (UTC seconds), `pools` where it may run, in order of preference. `limit` is the latest start that the
    guard against starvation allows.
    """

    __slots__ = ("duration", "job_id", "key", "limit", "pools", "release", "width")

    def __init__(self, job_id: int, *, width: int, duration: float, release: float, pools: tuple[int, ...]) -> None:
        self.job_id = job_id
        self.width = width
        self.duration = duration
        self.release = release
        self.pools = pools
        self.limit = 0.0
        self.key: tuple[float, ...] = ()

    @property
    def area(self) -> float:
        """Device-seconds."""
        return self.width * self.duration


class Place(Struct, frozen=True):
    """Where a task stands: from when to when, on how many devices of which pools."""

    start: float
    finish: float
    share: Share


class Profile:
    """The devices free in each pool as steps over time: from `times[i]` on `free[i]` are, the last step for good."""

    __slots__ = ("_steps",)

    def __init__(self, capacities: Sequence[int], now: float) -> None:
        self._steps = [([now], [capacity]) for capacity in capacities]

    def copy(self) -> Profile:
        """One that can be booked without touching this one."""
        twin = Profile.__new__(Profile)
        twin._steps = [(times[:], free[:]) for times, free in self._steps]  # noqa: SLF001 (its own kind)
        return twin

    def capacity(self, pool: int) -> int:
        """How many devices the pool has in the end."""
        return self._steps[pool][1][-1]

    def free_at(self, pool: int, moment: float) -> int:
        """How many of a pool are free at a moment."""
        times, free = self._steps[pool]
        return free[max(0, bisect_right(times, moment) - 1)]

    def free_until(self, pool: int, capacity: int) -> list[float]:
        """For each count up to `capacity`: until when at least as many stay free from the beginning on."""
        times, free = self._steps[pool]
        until: list[float] = []
        for count in range(capacity + 1):
            ends = next((times[at] for at in range(len(times)) if free[at] < count), float("inf"))
            until.append(ends)
        return until

    def last_ends(self, pool: int, capacity: int) -> list[float]:
        """From when on one, two, … `capacity` devices of a pool are free for good."""
        times, free = self._steps[pool]
        ends: list[float] = []
        for at in range(len(times) - 1, -1, -1):
            if free[at] < capacity - len(ends):
                ends += [times[at + 1]] * (capacity - len(ends) - free[at])
        return sorted([*ends, *([times[0]] * (capacity - len(ends)))])

    def take(self, pool: int, start: float, finish: float, count: int) -> None:
        """Book `count` devices of a pool, which must be free."""
        _take(*self._steps[pool], start, finish, count)

    def give(self, pool: int, start: float, finish: float, count: int) -> None:
        """Give back what was booked of a pool between two moments."""
        _take(*self._steps[pool], start, finish, -count)

    def least(self, pool: int, start: float, finish: float) -> int:
        """How many of a pool are free all the time between two moments."""
        return _least(*self._steps[pool], start, finish)

    def put(self, task: Task) -> float:
        """Book the task at its earliest; returns its finish."""
        pools = task.pools
        if len(pools) == 1:
            times, free = self._steps[pools[0]]
            start = _earliest(times, free, task.width, task.duration, task.release)
            finish = start + task.duration
            _take(times, free, start, finish, task.width)
            return finish
        return self.place(task).finish

    def find(self, task: Task) -> Place:
        """The earliest place at which all the task's devices are free together; nothing is booked."""
        if len(task.pools) > 1:
            return self._find_across(task)
        pool = task.pools[0]
        start = _earliest(*self._steps[pool], task.width, task.duration, task.release)
        return Place(start, start + task.duration, ((pool, task.width),))

    def place(self, task: Task) -> Place:
        """Book the task at its earliest."""
        place = self.find(task)
        for pool, count in place.share:
            self.take(pool, place.start, place.finish, count)
        return place

    def _find_across(self, task: Task) -> Place:
        """The earliest start in any pool, or over several where that is sooner than in any one alone."""
        best, chosen = float("inf"), -1
        for pool in task.pools:
            times, free = self._steps[pool]
            if free[-1] >= task.width:
                start = _earliest(times, free, task.width, task.duration, task.release)
                if start < best:
                    best, chosen = start, pool
        if task.width > 1 and best > task.release and (spread := self._find_spread(task, best)):
            return spread
        assert chosen >= 0, "in the end every device is free"
        return Place(best, best + task.duration, ((chosen, task.width),))

    def _find_spread(self, task: Task, before: float) -> Place | None:
        """The earliest start over several pools, sooner than `before`; None if there is none."""
        moments = {task.release}
        for pool in task.pools:
            moments.update(moment for moment in self._steps[pool][0] if task.release < moment < before)
        for start in sorted(moments):
            if sum(self.free_at(pool, start) for pool in task.pools) < task.width:
                continue
            finish = start + task.duration
            least = [(pool, _least(*self._steps[pool], start, finish)) for pool in task.pools]
            if sum(count for _, count in least) >= task.width:
                return Place(start, finish, _spread(least, task.width))
        return None


def _spread(least: list[tuple[int, int]], width: int) -> Share:
    """Devices from as few pools as possible."""
    share: list[tuple[int, int]] = []
    for pool, count in sorted(least, key=lambda item: -item[1]):
        if width and count > 0:
            share.append((pool, min(count, width)))
            width -= share[-1][1]
    return tuple(share)


def _earliest(times: list[float], free: list[int], width: int, duration: float, release: float) -> float:
    """The first moment from `release` on from which `width` are free for `duration`. They must be so in the end."""
    last = len(times) - 1
    at = bisect_right(times, release) - 1
    at = max(at, 0)
    while True:
        while free[at] < width:
            at += 1
        start = times[at]
        start = max(start, release)
        finish = start + duration
        at += 1
        while at <= last and times[at] < finish:
            if free[at] < width:
                break
            at += 1
        else:
            return start


def _least(times: list[float], free: list[int], start: float, finish: float) -> int:
    """How many are free all the time between two moments."""
    at = max(0, bisect_right(times, start) - 1)
    least = free[at]
    at += 1
    while at < len(times) and times[at] < finish:
        least = min(least, free[at])
        at += 1
    return least


def _take(times: list[float], free: list[int], start: float, finish: float, count: int) -> None:
    first = bisect_right(times, start) - 1
    first = max(first, 0)
    if times[first] < start:
        first += 1
        times.insert(first, start)
        free.insert(first, free[first - 1])
    at = first
    last = len(times)
    while at < last and times[at] < finish:
        free[at] -= count
        at += 1
    if at == last:
        times.append(finish)
        free.append(free[-1] + count)
    elif times[at] > finish:
        times.insert(at, finish)
        free.insert(at, free[at - 1] + count)
