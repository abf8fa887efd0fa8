"""How many devices are free, over time: where a job is tried and booked.

Devices that nobody who waits can tell apart form a pool, and in a pool only the count matters: intervals that never
need more devices than there are can always be given devices, one after the other in order of their starts. So nothing
is lost to a premature choice, and a trial costs microseconds.

The devices of one pool may be free for one and not for another, while they are booked: then the pool has several views,
each with a count of its own, and what is taken in one is taken in all. A quota is a pool without devices.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence

from msgspec.structs import replace

from yolotui.core.planning.rooms import Rooms, Tenant
from yolotui.core.planning.tasks import Place, Share, Task, Tenancy


class Profile:
    """The devices free in each pool as steps over time: from `times[i]` on `free[i]` are, the last step for good.

    `twins` names for each pool all that are views of the same devices, itself among them.
    """

    __slots__ = ("_steps", "_twins", "barred", "rooms")

    def __init__(
        self,
        capacities: Sequence[int],
        now: float,
        twins: Sequence[tuple[int, ...]] | None = None,
        rooms: Rooms | None = None,
    ) -> None:
        self._steps = [([now], [capacity]) for capacity in capacities]
        self._twins = twins or [(pool,) for pool in range(len(capacities))]
        self.rooms = rooms or Rooms((), 1)
        self.barred: list[tuple[tuple[float, float], ...]] = [()] * len(capacities)

    def copy(self) -> Profile:
        """One that can be booked without touching this one."""
        twin = Profile.__new__(Profile)
        twin._steps = [(times[:], free[:]) for times, free in self._steps]  # noqa: SLF001 (its own kind)
        twin._twins = self._twins  # noqa: SLF001
        twin.barred = self.barred
        twin.rooms = self.rooms.copy() if self.rooms.all else self.rooms
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

    def devices(self, view: int) -> int:
        """The pool whose devices are seen in a view."""
        return self._twins[view][0]

    def bar(self, pool: int, start: float, finish: float, count: int) -> None:
        """Keep devices from those who see the pool in this view; what runs on them may run on."""
        self.barred[pool] = (*self.barred[pool], (start, finish))
        _take(*self._steps[pool], start, finish, count)

    def take(self, pool: int, start: float, finish: float, count: int) -> None:
        """Book `count` devices of a pool."""
        for view in self._twins[pool]:
            _take(*self._steps[view], start, finish, count)

    def give(self, pool: int, start: float, finish: float, count: int) -> None:
        """Give back what was booked of a pool between two moments."""
        for view in self._twins[pool]:
            _take(*self._steps[view], start, finish, -count)

    def least(self, pool: int, start: float, finish: float) -> int:
        """How many of a pool are free all the time between two moments."""
        return _least(*self._steps[pool], start, finish)

    def moments(self, pools: Iterable[int], after: float, before: float) -> list[float]:
        """When the count of any of the pools changes between two moments, in order."""
        return sorted({moment for pool in pools for moment in self._steps[pool][0] if after < moment < before})

    def put(self, task: Task) -> float:
        """Book the task at its earliest; returns its finish. A trial: who shares a card has one alone, for speed."""
        if task.is_plain and len(self._twins[task.pools[0]]) == 1:
            times, free = self._steps[task.pools[0]]
            start = _earliest(times, free, task.width, task.duration, task.release)
            finish = start + task.duration
            _take(times, free, start, finish, task.width)
            return finish
        place = self._alone(task)
        self.book(place)
        return place.finish

    def find(self, task: Task) -> Place:
        """The earliest place at which all the task's devices are free together; nothing is booked."""
        alone = self._alone(task)
        if task.shares_bytes is None or self.rooms.most_tenants <= 1:
            return alone
        return self._in_a_room(task, task.shares_bytes, alone)

    def _alone(self, task: Task) -> Place:
        return self._find_with_also(task) if task.also else self._find(task, task.release)

    def _find_with_also(self, task: Task) -> Place:
        release = task.release
        while True:
            place = self._find(task, release)
            release = place.start
            for pool in task.also:
                release = _earliest(*self._steps[pool], task.width, task.duration, release)
            if release <= place.start:
                share = (*place.share, *((pool, task.width) for pool in task.also))
                return Place(place.start, place.finish, share)

    def _in_a_room(self, task: Task, asked_bytes: int, alone: Place) -> Place:
        """On a card that others have, where that is sooner than on one that becomes a room of its own."""
        views = {self.devices(view): view for view in task.pools}
        best, least_s = alone, alone.finish
        for number, room in enumerate(self.rooms.all):
            if room.pool in views and room.start < alone.start and room.memory_bytes > asked_bytes:
                found = self._join(task, asked_bytes, number, views[room.pool], least_s)
                if found and found[1] < least_s:
                    best, least_s = found
        if best is alone and self.rooms.memory_bytes[self.devices(alone.share[0][0])] >= asked_bytes:
            return replace(alone, tenancy=Tenancy(task.job_id, alone.share[0][0], asked_bytes))
        return best

    def _join(self, task: Task, asked_bytes: int, number: int, view: int, least_s: float) -> tuple[Place, float] | None:
        """The earliest moment at which the room has a slot and memory, and the card is free for as long as it takes.

        With its finish, and on top of that what the others lose by it; None if that can't be before `least_s`.
        """
        room = self.rooms.all[number]
        also = tuple((pool, 1) for pool in task.also)
        for start in room.candidates(task.release):
            if start + task.duration >= least_s:
                return None
            if not room.lets_in(start, asked_bytes, self.rooms.most_tenants):
                continue
            finish = start + room.stay_s(start, task.duration)
            joined = room.joined(Tenant(task.job_id, start, finish, asked_bytes))
            if not joined.holds(self.rooms.most_tenants):
                continue
            is_free = joined.finish <= room.finish or self.least(view, room.finish, joined.finish) > 0
            is_for_it = self.is_open(view, start, finish)
            if is_free and is_for_it and all(self.least(pool, start, finish) > 0 for pool in task.also):
                place = Place(start, finish, also, tenancy=Tenancy(task.job_id, view, asked_bytes, number))
                return place, finish + joined.delay_s(room)
        return None

    def is_open(self, view: int, start: float, finish: float) -> bool:
        """Whether nothing bars those who see the devices in this view from them between two moments."""
        return all(finish <= barred_from or start >= barred_until for barred_from, barred_until in self.barred[view])

    def _free_in_all(self, pools: Iterable[int], moment: float) -> int:
        """How many are free in several pools together, at a moment that none of them begins after."""
        there = 0
        for pool in pools:  # tens of thousands of times in a plan: so without a call of `free_at`
            times, free = self._steps[pool]
            count = free[bisect_right(times, moment) - 1]
            if count > 0:
                there += count
        return there

    def fitting(self, task: Task, start: float, finish: float) -> Share | None:
        """Devices for the task that are free between two moments; None if there are too few."""
        if self._free_in_all(task.pools, start) < task.width:
            return None
        if any(_least(*self._steps[pool], start, finish) < task.width for pool in task.also):
            return None
        least = [(pool, _least(*self._steps[pool], start, finish)) for pool in task.pools]
        if sum(count for _, count in least if count > 0) < task.width:
            return None
        return (*_spread(least, task.width), *((pool, task.width) for pool in task.also))

    def place(self, task: Task) -> Place:
        """Book the task at its earliest."""
        place = self.find(task)
        self.book(place)
        return place

    def book(self, place: Place) -> None:
        """Take what a place takes, and all that comes after its pauses."""
        for part in place.parts:
            for pool, count in part.share:
                self.take(pool, part.start, part.finish, count)
            if part.tenancy:
                self._let_in(part, part.tenancy)

    def _let_in(self, place: Place, tenancy: Tenancy) -> None:
        """Open a room or join one, which may last longer by that."""
        if not self.rooms.all:
            self.rooms = self.rooms.copy()  # until now it was shared with the profile that this is a copy of
        tenant = Tenant(tenancy.job_id, place.start, place.finish, tenancy.promised_bytes)
        if tenancy.room is None:
            self.rooms.open(self.devices(tenancy.view), tenant)
            return
        room = self.rooms.all[tenancy.room]
        joined = self.rooms.all[tenancy.room] = room.joined(tenant)
        if joined.finish > room.finish:
            self.take(tenancy.view, room.finish, joined.finish, 1)

    def unbook(self, place: Place) -> None:
        """Give back all that a place has taken."""
        for part in place.parts:
            for pool, count in part.share:
                self.give(pool, part.start, part.finish, count)

    def _find(self, task: Task, release: float) -> Place:
        if len(task.pools) > 1:
            return self._find_across(task, release)
        pool = task.pools[0]
        start = _earliest(*self._steps[pool], task.width, task.duration, release)
        return Place(start, start + task.duration, ((pool, task.width),))

    def _find_across(self, task: Task, release: float) -> Place:
        """The earliest start in any pool, or over several where that is sooner than in any one alone."""
        best, chosen = float("inf"), -1
        for pool in task.pools:
            times, free = self._steps[pool]
            if free[-1] >= task.width:
                start = _earliest(times, free, task.width, task.duration, release)
                if start < best:
                    best, chosen = start, pool
        if task.width > 1 and best > release and (spread := self._find_spread(task, release, best)):
            return spread
        assert chosen >= 0, "in the end every device is free"
        return Place(best, best + task.duration, ((chosen, task.width),))

    def _find_spread(self, task: Task, release: float, before: float) -> Place | None:
        """The earliest start over several pools, sooner than `before`; None if there is none."""
        for start in (release, *self.moments(task.pools, release, before)):
            if self._free_in_all(task.pools, start) < task.width:
                continue
            finish = start + task.duration
            least = [(pool, _least(*self._steps[pool], start, finish)) for pool in task.pools]
            if sum(count for _, count in least if count > 0) >= task.width:
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
