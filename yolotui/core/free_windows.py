"""Where a booking finds room: which cards it gets, who is in its way, and when the like is free. Pure.

A window is kept for its holder a little longer than it lasts, so two windows on one card are apart by that buffer.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from math import ceil, floor
from typing import NamedTuple

from msgspec.structs import replace

from yolotui.core.bookings import OVERRUN, Booked, Booking, BookingRequest
from yolotui.core.gpus import Excluded, Gpu, Lost
from yolotui.core.planning.pools import is_called
from yolotui.core.timetable import Timetable, World

OFFERED = 3
"""How many free windows are named where there is a conflict."""

MINUTE_S = 60.0
"""Offered windows begin on whole minutes: nobody books 22:47:13."""

A_PAUSE, A_LOSS = 1.0, 100.0
"""What it weighs to disturb a job that goes on later, and one that can't."""


class Placement(NamedTuple):
    """Cards (UUIDs) for a request; `moved` are other bookings, by id, that get other cards so that it fits."""

    gpus: tuple[str, ...]
    moved: Mapping[int, tuple[str, ...]] = {}


class Span(NamedTuple):
    """From one moment to another, UTC seconds."""

    starts_at: float
    ends_at: float


class Conflict(NamedTuple):
    """Why a request can't be had: who holds its window, in order, and the nearest windows that are free instead.

    `closed` are the suitable cards that are out of use then, whoever has booked them.
    """

    request: BookingRequest
    rivals: tuple[Booking, ...]
    closed: tuple[Gpu, ...]
    free: tuple[Span, ...]


def suitable(request: BookingRequest, cards: Iterable[Gpu]) -> list[Gpu]:
    """The cards that are what is asked for, in use or not."""
    if request.gpus:
        return [card for card in cards if card.uuid in request.gpus]
    return [card for card in cards if not request.gpu_model or is_called(card, request.gpu_model)]


def can_be_booked(card: Gpu, until: float) -> bool:
    """Whether the card is there to be booked up to a moment: neither lost, nor out of use, nor closing before."""
    is_there = not isinstance(card.availability, Lost | Excluded)
    return is_there and (card.closes_at is None or until <= card.closes_at)


def place(
    request: BookingRequest,
    cards: Sequence[Gpu],
    bookings: Iterable[Booking],
    burden: Mapping[str, float] | None = None,
) -> Placement | None:
    """Cards for a request beside the bookings that hold a window, or None where there are too few.

    Of those that are free it gets the least burdened (`burden` says by UUID how much would be disturbed there). Where
    too few are, bookings that nobody has been told of yet move to other cards if that makes room.
    """
    holding = [booking for booking in bookings if booking.holds]
    usable = [card for card in suitable(request, cards) if can_be_booked(card, request.ends_at)]
    taken = {uuid for booking in holding if booking.meets(request) for uuid in booking.gpus}
    free = [card for card in usable if card.uuid not in taken]
    if len(free) >= request.count:
        cost = burden or {}
        free.sort(key=lambda card: (cost.get(card.uuid, 0.0), card.index))
        return Placement(request.gpus or tuple(card.uuid for card in free[: request.count]))
    return _rearranged(request, cards, holding) if len(usable) >= request.count else None


def find_conflict(
    request: BookingRequest, cards: Sequence[Gpu], bookings: Iterable[Booking], now: float
) -> Conflict | None:
    """What stands in the way of a request; None where there is room."""
    bookings = [booking for booking in bookings if booking.holds]
    if place(request, cards, bookings) is not None:
        return None
    wanted = suitable(request, cards)
    uuids = {card.uuid for card in wanted}
    rivals = [booking for booking in bookings if booking.meets(request) and uuids & set(booking.gpus)]
    rivals.sort(key=lambda booking: (booking.starts_at, booking.id))
    closed = tuple(card for card in wanted if not can_be_booked(card, request.ends_at))
    return Conflict(request, tuple(rivals), closed, tuple(free_windows(request, cards, bookings, now)))


def free_windows(
    request: BookingRequest, cards: Sequence[Gpu], bookings: Iterable[Booking], now: float, *, most: int = OFFERED
) -> list[Span]:
    """The `most` windows as long as the one asked for that are free, nearest to it first; none overlaps another.

    None begins before `now`.
    """
    bookings = [booking for booking in bookings if booking.holds]
    length_s = request.ends_at - request.starts_at
    found: list[Span] = []
    while len(found) < most:
        starts = _starts_near(request, cards, [*((b.starts_at, b.kept_until) for b in bookings), *found], now)
        spans = (Span(start, start + length_s) for start in starts)
        apart = (
            span for span in spans if all(span.ends_at <= f.starts_at or span.starts_at >= f.ends_at for f in found)
        )
        nearest = next((span for span in apart if _fits(span, request, cards, bookings)), None)
        if nearest is None:
            break
        found.append(nearest)
    return found


def burdens(world: World, timetable: Timetable, window: BookingRequest) -> dict[str, float]:
    """How much a window would disturb what runs now, by UUID: what can only be stopped counts most."""
    expected = {entry.job_id: entry.finish_at for entry in timetable.entries}
    found: dict[str, float] = {}
    for demand in world.demands:
        finish_at = expected.get(demand.job_id)
        if finish_at is not None and finish_at <= window.starts_at:
            continue
        weight = A_PAUSE if demand.resumable and demand.preemptible else A_LOSS
        for uuid in demand.holding:
            found[uuid] = found.get(uuid, 0.0) + weight
    return found


def latest_end(booking: Booking, cards: Iterable[Gpu], bookings: Iterable[Booking]) -> float | None:
    """Until when a booking can last on the cards that it has; None: as long as it likes."""
    own = set(booking.gpus)
    after = [
        other.starts_at
        for other in bookings
        if other.id != booking.id and other.holds and own & set(other.gpus) and other.starts_at >= booking.ends_at
    ]
    closings = [card.closes_at for card in cards if card.uuid in own and card.closes_at is not None]
    ends = [booking.starts_at + (start - booking.starts_at) / (1 + OVERRUN) for start in after] + closings
    return min(ends, default=None)


def _fits(span: Span, request: BookingRequest, cards: Sequence[Gpu], bookings: Iterable[Booking]) -> bool:
    moved = replace(request, starts_at=span.starts_at, ends_at=span.ends_at)
    return place(moved, cards, bookings) is not None


def _starts_near(
    request: BookingRequest, cards: Iterable[Gpu], busy: Iterable[tuple[float, float]], now: float
) -> list[float]:
    """Where a window can begin that comes right after, or ends right before, something: nearest to the wish first."""
    length_s = request.ends_at - request.starts_at
    soonest = ceil(now / MINUTE_S) * MINUTE_S
    starts = {request.starts_at, soonest}
    for starts_at, ends_at in busy:
        starts.add(ceil(ends_at / MINUTE_S) * MINUTE_S)
        starts.add(floor((starts_at - length_s * (1 + OVERRUN)) / MINUTE_S) * MINUTE_S)
    for card in cards:
        if card.closes_at is not None:
            starts.add(floor((card.closes_at - length_s) / MINUTE_S) * MINUTE_S)
    possible = (start for start in starts if start >= now)
    return sorted(possible, key=lambda start: (abs(start - request.starts_at), start))


def _rearranged(request: BookingRequest, cards: Sequence[Gpu], holding: Iterable[Booking]) -> Placement | None:
    """Room made by moving other bookings to other cards; None where none of the arrangements tried gives any.

    To find one whenever there is one is hard (cards differ, some bookings can't move); these few find nearly all.
    """
    holding = list(holding)
    movable = [booking for booking in holding if _may_move(booking)]
    fixed = [booking for booking in holding if not _may_move(booking)]
    in_time: list[Booking | BookingRequest] = sorted([*movable, request], key=lambda each: each.starts_at)
    arrangements = (
        _arranged(order, fixed, cards)
        for order in (
            sorted(in_time, key=lambda each: each is not request),
            in_time,
            sorted(in_time, key=lambda each: each.starts_at - each.kept_until),
        )
    )
    return next((placement for placement in arrangements if placement), None)


def _arranged(
    order: Iterable[Booking | BookingRequest], fixed: Iterable[Booking], cards: Sequence[Gpu]
) -> Placement | None:
    """Place the request and the bookings that may move in this order; None if one finds no room."""
    calendar = _Calendar(fixed)
    gpus: tuple[str, ...] | None = None
    moved: dict[int, tuple[str, ...]] = {}
    for each in order:
        wanted, before = (each.request, each.gpus) if isinstance(each, Booking) else (each, ())
        found = calendar.best(wanted, cards, before)
        if found is None:
            return None
        calendar.take(found, each)
        if not isinstance(each, Booking):
            gpus = found
        elif set(found) != set(before):
            moved[each.id] = found
    return Placement(gpus, moved) if gpus else None


def _may_move(booking: Booking) -> bool:
    """Until its window opens or people were told to make room for it, unless a person chose its cards."""
    return not booking.pinned and isinstance(booking.status, Booked) and booking.status.warned_at is None


class _Calendar:
    """Who has which card when, while bookings are being arranged."""

    def __init__(self, fixed: Iterable[Booking]) -> None:
        self._spans: dict[str, list[Span]] = {}
        for booking in fixed:
            self.take(booking.gpus, booking)

    def take(self, uuids: Iterable[str], window: Booking | BookingRequest) -> None:
        """Give cards away for a window."""
        for uuid in uuids:
            self._spans.setdefault(uuid, []).append(Span(window.starts_at, window.kept_until))

    def best(self, window: BookingRequest, cards: Iterable[Gpu], before: Collection[str]) -> tuple[str, ...] | None:
        """Cards for a window: those that it had, then those that were busy until shortly before: gaps stay long."""
        free = [
            card
            for card in suitable(window, cards)
            if (can_be_booked(card, window.ends_at) or card.uuid in before) and self._is_free(card.uuid, window)
        ]
        if len(free) < window.count:
            return None
        free.sort(
            key=lambda card: (card.uuid not in before, -self._busy_until(card.uuid, window.starts_at), card.index)
        )
        return tuple(card.uuid for card in free[: window.count])

    def _is_free(self, uuid: str, window: BookingRequest) -> bool:
        taken = self._spans.get(uuid, ())
        return all(span.ends_at <= window.starts_at or span.starts_at >= window.kept_until for span in taken)

    def _busy_until(self, uuid: str, moment: float) -> float:
        ends = (span.ends_at for span in self._spans.get(uuid, ()))
        return max((end for end in ends if end <= moment), default=0.0)
