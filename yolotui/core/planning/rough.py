"""Behind the head of a long queue: plain list placement, microseconds a job, after all that was placed with care."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from heapq import heapify, heapreplace

from yolotui.core.planning.ground import Ground
from yolotui.core.planning.profile import Profile
from yolotui.core.planning.tasks import Place, Task

SIDE = ""


class Backfill:
    """What can start at once although it stands far behind: how long how many devices stay free from now on."""

    def __init__(self, profile: Profile, capacities: Sequence[int], now: float) -> None:
        self._profile = profile
        self._capacities = capacities
        self._now = now
        self._look()

    def _look(self) -> None:
        self._until = [self._profile.free_until(pool, capacity) for pool, capacity in enumerate(self._capacities)]
        self.pools = frozenset(
            pool for pool, until in enumerate(self._until) if len(until) > 1 and until[1] > self._now
        )
        """The pools in which anything is free at all."""

    def take(self, task: Task) -> Place | None:
        """A place that starts now and delays nothing, if there is one."""
        if task.release > self._now or not all(self._stays_free(pool, task) for pool in task.also):
            return None
        for pool in task.pools:
            if self._stays_free(pool, task):
                share = ((pool, task.width), *((other, task.width) for other in task.also))
                place = Place(self._now, self._now + task.duration, share)
                self._profile.book(place)
                self._look()
                return place
        return None

    def _stays_free(self, pool: int, task: Task) -> bool:
        return task.width <= self._capacities[pool] and self._now + task.duration <= self._until[pool][task.width]


class Lanes:
    """One lane a device, with the moment from which it is free for good. What closes has none."""

    def __init__(self, free_from: Mapping[str, float], side_ends: Sequence[float], ground: Ground) -> None:
        own: list[list[tuple[float, str]]] = []
        for pool, members in enumerate(ground.pools.members):
            from_s = ground.lasting_from(pool)
            own.append([] if from_s is None else [(max(free_from[uuid], from_s), uuid) for uuid in members])
        own.append([(end, SIDE) for end in side_ends])
        for lanes in own:
            heapify(lanes)
        self._lanes = [
            own[pool] if pool < len(own) else [] for pool in map(ground.physical, range(len(ground.capacities)))
        ]

    def append(self, task: Task) -> tuple[float, tuple[str, ...]]:
        """Put the task behind everything else on the devices that are free first: its start, and which they are."""
        width, release = task.width, task.release
        if len(task.pools) == 1:
            lanes = self._lanes[task.pools[0]]
        else:
            lanes = min((lanes for pool in task.pools if len(lanes := self._lanes[pool]) >= width), default=[])
        if len(lanes) < width:
            return self._append_across(task)
        if width == 1:
            free_at, uuid = lanes[0]
            start = free_at if free_at > release else release  # noqa: FURB136 (ten thousand times)
            heapreplace(lanes, (start + task.duration, uuid))
            return start, (uuid,) if uuid else ()
        lanes.sort()  # a sorted list is a heap
        chosen = tuple([uuid for _, uuid in lanes[:width]])
        start = max(lanes[width - 1][0], release)
        finish = start + task.duration
        lanes[:width] = [(finish, uuid) for uuid in chosen]
        heapify(lanes)
        return start, chosen

    def _append_across(self, task: Task) -> tuple[float, tuple[str, ...]]:
        """On devices of several pools, because none alone is wide enough."""
        chosen = sorted(lane for pool in task.pools for lane in self._lanes[pool])[: task.width]
        start = max(chosen[-1][0], task.release)
        names = {uuid for _, uuid in chosen}
        for pool in task.pools:
            lanes = self._lanes[pool]
            lanes[:] = [(start + task.duration, uuid) if uuid in names else (free_at, uuid) for free_at, uuid in lanes]
            heapify(lanes)
        return start, tuple(uuid for _, uuid in chosen)
