"""The ground that a plan is made on: the devices as each of those who wait sees them, what is booked, what closes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from yolotui.core.bookings import Booking
from yolotui.core.planning.allowances import is_under
from yolotui.core.planning.pools import Pools, make_pools, wish_of
from yolotui.core.planning.profile import Profile
from yolotui.core.planning.rooms import Rooms
from yolotui.core.planning.tasks import Share
from yolotui.core.quotas import Quota
from yolotui.core.timetable import Demand, World

FOREVER_S = 10 * 365 * 86400.0
"""What can't be placed sooner than this can't be foreseen."""


class Span(NamedTuple):
    """A time in which devices are not for everybody: a booking's window, or all that comes after they close."""

    start: float
    finish: float
    booking: Booking | None = None


class Ground:
    """Pools, views of them and their capacities, for one plan.

    Pools come first (`pools.members`, then the side slots), behind them the views that some have of a pool on whose
    devices something is booked for them, and the quotas. `spans` are, for each pool and view, the times in which its
    devices are not for those who use it, in order of their starts.
    """

    def __init__(
        self, world: World, bookings: Sequence[Booking], resting: Iterable[str], demands: Iterable[Demand], now: float
    ) -> None:
        demands = list(demands)
        self.forever_at = now + FOREVER_S
        self._now = now
        self._gpus = {gpu.uuid: gpu for gpu in world.gpus}
        self._bookings = {each.id: each for each in sorted(bookings, key=lambda each: (each.starts_at, each.id))}
        self._booked = {booking.job_id for booking in bookings if booking.job_id is not None}
        self._on_card = _bookings_by_card(bookings)
        closing = {gpu.uuid: gpu.closes_at for gpu in world.gpus if gpu.closes_at is not None}
        apart = {
            uuid: (self._on_card.get(uuid, ()), closing.get(uuid)) for uuid in self._on_card.keys() | closing.keys()
        }
        self.pools: Pools = make_pools(world.gpus, resting, map(wish_of, demands), apart)
        self.capacities = [*map(len, self.pools.members), max(1, world.side_slots)]
        self._physical = list(range(len(self.capacities)))
        self._capacity = {wish: self.pools.capacity(wish) for wish in self.pools.of}
        self._closes_at = [closing.get(members[0]) for members in self.pools.members]
        self._has_closing = bool(closing)
        self._mine = _accessible(bookings, demands)
        self.spans = [self._spans(pool, frozenset()) for pool in range(len(self.pools.members))] + [()]
        self._views: dict[tuple[int, frozenset[int]], int] = {}
        self._seen_as: dict[tuple[tuple[int, ...], frozenset[int]], tuple[int, ...]] = {}
        for mine in sorted(set(self._mine.values()), key=sorted):
            for pool in range(len(self.pools.members)):
                self._add_view(pool, mine)
        self._quotas: list[tuple[Quota, int]] = []
        for quota in world.quotas:
            if quota.gpus is not None:
                self._quotas.append((quota, len(self.capacities)))
                self._add_pool(quota.gpus, physical=len(self.capacities), spans=())

    def _add_pool(self, capacity: int, physical: int, spans: tuple[Span, ...]) -> None:
        self.capacities.append(capacity)
        self._physical.append(physical)
        self.spans.append(spans)

    def _add_view(self, pool: int, mine: frozenset[int]) -> None:
        here = mine.intersection(self._booked_on(pool))
        if here and (pool, here) not in self._views:
            self._views[pool, here] = len(self.capacities)
            self._add_pool(self.capacities[pool], physical=pool, spans=self._spans(pool, here))

    def _booked_on(self, pool: int) -> Sequence[int]:
        return self._on_card.get(self.pools.members[pool][0], ())

    def _spans(self, pool: int, mine: frozenset[int]) -> tuple[Span, ...]:
        others = (self._bookings[booking] for booking in self._booked_on(pool) if booking not in mine)
        spans = [Span(max(self._now, each.starts_at), each.ends_at, each) for each in others]
        if (closes_at := self._closes_at[pool]) is not None:
            spans.append(Span(max(self._now, closes_at), self.forever_at))
        return tuple(sorted((span for span in spans if span.finish > self._now), key=lambda span: span.start))

    def profile(self, tenants: int) -> Profile:
        """Everything free, but for what is booked or closes. So many jobs may share a card."""
        views: dict[int, list[int]] = {}
        for view, pool in enumerate(self._physical):
            views.setdefault(pool, []).append(view)
        rooms = Rooms([min(map(self.memory_of, members)) for members in self.pools.members], tenants)
        profile = Profile(self.capacities, self._now, [tuple(views[pool]) for pool in self._physical], rooms)
        for view, spans in enumerate(self.spans):
            for span in spans:
                profile.bar(view, span.start, span.finish, self.capacities[view])
        return profile

    def memory_of(self, uuid: str) -> int:
        """What a card has for jobs that share it: all that processes which are not ours do not hold."""
        gpu = self._gpus[uuid]
        return 0 if gpu.kind == "cpu" else gpu.memory_total_bytes - gpu.foreign_bytes

    def lanes(self, now: float) -> list[list[float]]:
        """One lane for each device, free from now on; views of the same devices share theirs."""
        own = [[now] * capacity for capacity in self.capacities]
        return [own[pool] for pool in self._physical]

    def device_pool(self, view: int) -> int | None:
        """The pool whose devices are seen in this view; None if it is one without devices."""
        pool = self._physical[view]
        return pool if pool < len(self.pools.members) else None

    def capacity(self, demand: Demand) -> int:
        """How many usable GPUs suit the demand."""
        return self._capacity[wish_of(demand)]

    def lasting_capacity(self, demand: Demand) -> int:
        """How many of them do not close."""
        if not self._has_closing:
            return self.capacity(demand)
        suitable = self.pools.of[wish_of(demand)]
        return sum(len(self.pools.members[pool]) for pool in suitable if self._closes_at[pool] is None)

    def views(self, demand: Demand) -> tuple[int, ...]:
        """Where the demand may run, the smallest cards first, as it sees them."""
        if demand.gpus == 0:
            return (self.pools.side,)
        suitable = self.pools.of[wish_of(demand)]
        mine = self._mine.get(demand.job_id)
        if not mine:
            return suitable
        if (suitable, mine) not in self._seen_as:
            self._seen_as[suitable, mine] = tuple(
                self._views.get((pool, mine.intersection(self._booked_on(pool))), pool) for pool in suitable
            )
        return self._seen_as[suitable, mine]

    def lasting_from(self, view: int) -> float | None:
        """From when on the devices are for everybody for good, as far as booked; None if they close."""
        pool = self._physical[view]
        if pool < len(self._closes_at) and self._closes_at[pool] is not None:
            return None
        return max((span.finish for span in self.spans[pool]), default=self._now)

    def physical(self, view: int) -> int:
        """The pool of which this is a view."""
        return self._physical[view]

    def also(self, demand: Demand) -> tuple[int, ...]:
        """The pools without devices from which the demand takes as well: its quotas."""
        return tuple(pool for quota, pool in self._quotas if is_under(quota, demand)) if self._quotas else ()

    def too_small(self, demand: Demand) -> Quota | None:
        """A quota that never lets so many GPUs be used at once."""
        return next(
            (quota for quota, _ in self._quotas if is_under(quota, demand) and (quota.gpus or 0) < demand.gpus), None
        )

    def used_up(self, demand: Demand, profile: Profile) -> Quota | None:
        """A quota of which too little is free now."""
        mine = ((quota, pool) for quota, pool in self._quotas if is_under(quota, demand))
        return next((quota for quota, pool in mine if profile.free_at(pool, self._now) < demand.gpus), None)

    def views_of(self, demand: Demand, booking: Booking) -> tuple[int, ...]:
        """Those of its views that show the cards of a booking of its own."""
        return tuple(view for view in self.views(demand) if self._is_on(view, booking))

    def _is_on(self, view: int, booking: Booking) -> bool:
        pool = self.device_pool(view)
        return pool is not None and booking.id in self._booked_on(pool)

    def bookings_of(self, demand: Demand) -> list[Booking]:
        """What is booked for the demand, the next one first."""
        mine = self._mine.get(demand.job_id)
        return [booking for booking in self._bookings.values() if booking.id in mine] if mine else []

    def is_booked(self, job_id: int) -> bool:
        """Whether a window is this job's own."""
        return job_id in self._booked

    def booking_at(self, demand: Demand, share: Share, moment: float) -> int | None:
        """In whose window a place lies."""
        for booking in self.bookings_of(demand):
            if booking.starts_at <= moment < booking.ends_at and any(self._is_on(view, booking) for view, _ in share):
                return booking.id
        return None

    def card_of(self, demand: Demand) -> str:
        """The card that a running job shares with others, or would if there were any; nothing if it shares none."""
        shares = demand.shares and len(demand.holding) == 1 and demand.holding[0] in self.pools.pool_of
        return demand.holding[0] if shares else ""

    def held(self, demand: Demand) -> Share:
        """What a job that runs has of the pools, but for a card that it shares."""
        if not demand.holding:
            return ((self.pools.side, 1),)
        pool_of = self.pools.pool_of
        own = () if self.card_of(demand) else demand.holding
        devices = Counter(pool_of[uuid] for uuid in own if uuid in pool_of)
        return (*devices.items(), *((pool, len(demand.holding)) for pool in self.also(demand)))


def _bookings_by_card(bookings: Iterable[Booking]) -> Mapping[str, tuple[int, ...]]:
    on_card: dict[str, tuple[int, ...]] = {}
    for booking in bookings:
        for uuid in booking.gpus:
            on_card[uuid] = (*on_card.get(uuid, ()), booking.id)
    return on_card


def _accessible(bookings: Sequence[Booking], demands: Iterable[Demand]) -> dict[int, frozenset[int]]:
    """By job: the bookings that are its own; only jobs that have any."""
    if not bookings:
        return {}
    mine = {
        demand.job_id: frozenset(booking.id for booking in bookings if booking.is_for(demand.job_id, demand.owner))
        for demand in demands
    }
    return {job_id: ids for job_id, ids in mine.items() if ids}
