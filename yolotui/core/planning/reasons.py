"""What keeps a job that has its place in the timetable from starting now."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

from yolotui.core.planning.explaining import Situation
from yolotui.core.planning.ground import Ground
from yolotui.core.planning.leaving import Departure
from yolotui.core.planning.profile import Profile
from yolotui.core.planning.tasks import Place, Task
from yolotui.core.timetable import Demand, Why


class Placed(NamedTuple):
    """A plan before it is written down.

    `order` is that of placing the jobs; `at_first` knows only what runs, `at_last` everything that has a place.
    """

    places: Mapping[int, Place]
    order: Sequence[int]
    departures: Collection[Departure]
    at_first: Profile
    at_last: Profile


class Reasons:
    """Finds the reason among what a plan has come to."""

    def __init__(
        self, situation: Situation, ground: Ground, plan: Placed, demands: Mapping[int, Demand], now: float
    ) -> None:
        self._situation = situation
        self._ground = ground
        self._plan = plan
        self._demands = demands
        self._now = now
        self._blockers = _Blockers(plan.places, plan.order, now)

    def why_later(self, demand: Demand, place: Place) -> Why:
        """Why the job starts at its place's start and not now, though it hangs on nothing."""
        return self._own_matter(demand, place) or self._for_want_of_gpus(demand, place)

    def _own_matter(self, demand: Demand, place: Place) -> Why | None:
        """What has to do with this job alone."""
        if demand.not_before and demand.not_before > self._now and place.start <= demand.not_before:
            return self._situation.not_before(place.start)
        if demand.gpus == 0:
            return self._situation.no_side_slot()
        if own := next((each for each in self._ground.bookings_of(demand) if each.starts_at == place.start), None):
            return self._situation.window_opens(own)
        return self._situation.room_is_made(demand, self._plan.departures)

    def _for_want_of_gpus(self, demand: Demand, place: Place) -> Why:
        if place.tenancy and (crowded := self._for_want_of_room(demand, place)):
            return crowded
        views = self._device_views(place)
        free = sum(self._plan.at_first.free_at(view, self._now) for view in views) - self._started(demand, views)
        alone_at = self._start_before_all(demand, place, views)
        if free < demand.gpus:
            return self._situation.later(demand, place.start, free, None, alone_at)
        if quota := self._ground.used_up(demand, self._plan.at_last):
            return self._situation.quota_used_up(quota, place.start)
        if alone_at > self._now:
            ahead = [span for view in views for span in self._ground.spans[view]]
            return self._situation.window_ahead(demand, free, min(ahead, key=lambda span: span.start, default=None))
        blocker = self._blockers.of(demand.job_id)
        return self._situation.later(
            demand, place.start, free, None if blocker is None else self._demands[blocker], alone_at
        )

    def _device_views(self, place: Place) -> list[int]:
        """Where its devices are; a job in a room has the card of others."""
        own = [view for view, _ in place.share if self._ground.device_pool(view) is not None]
        return own or ([place.tenancy.view] if place.tenancy else [])

    def _for_want_of_room(self, demand: Demand, place: Place) -> Why | None:
        """Why a job that shares comes into none of the rooms that there are; None if there is none."""
        rooms = self._plan.at_last.rooms
        if not rooms.all or self._ground.used_up(demand, self._plan.at_last):
            return None
        soon = self._now + 1.0
        with_slot = [
            room
            for room in rooms.all
            if room.start <= self._now and len(room.present(self._now, soon)) < rooms.most_tenants
        ]
        most_left = max((room.left_bytes(self._now, soon) for room in with_slot), default=None)
        if most_left is not None and most_left >= demand.vram_bytes:
            return None
        return self._situation.no_room(demand, most_left, place.start, rooms.most_tenants)

    def _started(self, demand: Demand, views: Collection[int]) -> int:
        """How many of the devices go to jobs that start now."""
        return sum(
            count
            for job_id in self._blockers.starting_now
            if job_id != demand.job_id
            for view, count in self._plan.places[job_id].share
            if view in views
        )

    def _start_before_all(self, demand: Demand, place: Place, views: Sequence[int]) -> float:
        """When it would start if nobody else waited."""
        release = max(self._now, demand.not_before or 0.0)
        duration = place.done_at - place.start
        task = Task(demand.job_id, width=demand.gpus, duration=duration, release=release, pools=tuple(views))
        return self._plan.at_first.find(task).start


class _Blockers:
    """Whom the promises are for that keep free GPUs from being used."""

    def __init__(self, places: Mapping[int, Place], order: Sequence[int], now: float) -> None:
        self._places = places
        self._position = {job_id: position for position, job_id in enumerate(order)}
        self._upcoming = sorted(
            (job_id for job_id in order if places[job_id].start > now), key=lambda job_id: places[job_id].start
        )
        self.starting_now = [job_id for job_id in order if places[job_id].start <= now]

    def of(self, job_id: int) -> int | None:
        """The first to start of those that were given their place before this job, and whom it would delay."""
        position, duration = self._position[job_id], self._places[job_id].finish - self._places[job_id].start
        pools = {pool for pool, _ in self._places[job_id].share}
        for other in self._upcoming:
            if self._places[other].start >= self._places[self._upcoming[0]].start + duration:
                return None
            if self._position[other] < position and pools & {pool for pool, _ in self._places[other].share}:
                return other
        return None
