"""The jobs that hold devices: until when, and what is left of those that make room for others."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from yolotui.core.bookings import Booking
from yolotui.core.planning.entries import Entries
from yolotui.core.planning.evicting import Stay
from yolotui.core.planning.ground import Ground
from yolotui.core.planning.leaving import Departure, leave
from yolotui.core.planning.ordering import rank_of
from yolotui.core.planning.policy import Policy
from yolotui.core.planning.profile import Profile
from yolotui.core.planning.rooms import Room, Rooms, Tenant
from yolotui.core.planning.tasks import Place
from yolotui.core.planning.windows import yielding
from yolotui.core.timetable import Demand, Entry, Eviction

SHORTEST_S = 1.0  # a running job is never expected to have ended already: its GPUs are free when it has


class Holdings:
    """Those of one world that hold devices. `departures` are, by job, those that leave before they have ended."""

    def __init__(
        self,
        demands: Iterable[Demand],
        ground: Ground,
        before: Mapping[int, Entry],
        policy: Policy,
        now: float,
    ) -> None:
        self._ground = ground
        self._before = before
        self._policy = policy
        self._now = now
        self.stays = {demand.job_id: self._stay(demand) for demand in demands}
        self.departures: dict[int, Departure] = {}

    def _stay(self, demand: Demand) -> Stay:
        finish = self._now + max(demand.estimate.remaining_s, SHORTEST_S)
        rank = rank_of(demand, self.limit_of(demand), self._policy, self._now)
        return Stay(demand, self._ground.held(demand), finish, rank, self._ground.card_of(demand))

    def limit_of(self, demand: Demand) -> float:
        """When a job that runs was to be overdue when it still waited."""
        before = self._before.get(demand.job_id)
        return before.overdue_at if before and before.overdue_at is not None else float("inf")

    def keep(self, bookings: Sequence[Booking], profile: Profile) -> list[Departure]:
        """Book what they hold, for as long as they are expected to; who leaves for a window, or is on its way already.

        The estimates of those who stay are not touched by that.
        """
        leaving: list[Departure] = []
        on_card: dict[str, list[Tenant]] = {}
        for stay in self.stays.values():
            finish = stay.finish
            if departure := self._departing(stay, bookings):
                leaving.append(departure)
                finish = departure.leaves_at
            for pool, count in stay.share:
                profile.take(pool, self._now, finish, count)
            if stay.card:
                tenant = Tenant(stay.demand.job_id, self._now, finish, stay.demand.vram_bytes)
                on_card.setdefault(stay.card, []).append(tenant)
        for card, tenants in on_card.items():
            self._keep_room(card, tenants, profile)
        return leaving

    def _keep_room(self, card: str, tenants: list[Tenant], profile: Profile) -> None:
        pool = self._ground.pools.pool_of[card]
        until = max(tenant.finish for tenant in tenants)
        profile.take(pool, self._now, until, 1)
        profile.rooms.all.append(Room(pool, self._now, until, self._ground.memory_of(card), tuple(tenants), card))

    def _departing(self, stay: Stay, bookings: Sequence[Booking]) -> Departure | None:
        demand = stay.demand
        if demand.state == "pausing" and demand.notice:
            departure: Departure | None = leave(demand, self._now, demand.notice)
        else:
            departure = yielding(demand, stay.finish, bookings, self._policy, self._now)
        return departure if departure and departure.leaves_at < stay.finish else None

    def evictable(self, bookings: Iterable[Booking]) -> list[Stay]:
        """Those that may be told to make room for a higher job: not who is on its way, nor who is in its own window.

        Who will leave for a window later on, and does not know yet, may as well leave sooner.
        """
        open_now = [booking for booking in bookings if booking.starts_at <= self._now]
        return [
            stay._replace(finish=departure.leaves_at) if departure else stay
            for stay in self.stays.values()
            if not ((departure := self.departures.get(stay.demand.job_id)) and departure.notice)
            and not any(
                booking.is_for(stay.demand.job_id, stay.demand.owner)
                and not set(booking.gpus).isdisjoint(stay.demand.holding)
                for booking in open_now
            )
        ]

    def expected_end(self, job_id: int) -> float | None:
        """When a job that holds devices ends; None if it does not, or makes room before."""
        stay = self.stays.get(job_id)
        return stay.finish if stay and job_id not in self.departures else None

    def evictions(self) -> tuple[Eviction, ...]:
        """Who is to be told, or has been told and has not left."""
        return tuple(
            Eviction(job_id=job_id, notice=departure.notice)
            for job_id, departure in self.departures.items()
            if departure.notice and departure.demand.state == "running"
        )

    def write(self, entries: Entries, places: Mapping[int, Place], rooms: Rooms) -> None:
        """The line of each; the places are those of what is left of who makes room."""
        slowed = rooms.finishes()
        for job_id, stay in self.stays.items():
            departure, place = self.departures.get(job_id), places.get(job_id)
            if departure is None:
                entries.write_running(stay.demand, slowed.get(job_id, stay.finish))
            else:
                entries.write_departing(stay.demand, departure.leaves_at, place.done_at if place else None)
