"""Bookings over time: who has to leave before a window opens, and what may be started into the gap before it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from yolotui.core.bookings import Booking
from yolotui.core.jobs import Notice
from yolotui.core.planning.ground import Ground
from yolotui.core.planning.leaving import RESTART_S, UNKNOWN_EPOCH_S, Departure, is_pausable, leave, loses
from yolotui.core.planning.policy import Policy
from yolotui.core.planning.profile import Profile
from yolotui.core.planning.tasks import Place, Task
from yolotui.core.timetable import Demand
from yolotui.units import format_weekday

WORTH_STARTING_S = max(600.0, 5 * RESTART_S)
"""A job is started into a gap, to be paused at its end, when it gets at least so far."""
MOST_PARTS = 3
STOPS = 2  # that are tried: later ones hardly ever start a job sooner


def lead_s(demand: Demand, policy: Policy) -> float:
    """How long before a window opens a job is asked to leave: an epoch, so that it reaches a checkpoint."""
    epoch_s = demand.epoch_s or UNKNOWN_EPOCH_S
    return min(max(epoch_s, policy.checkpoint_wait_s), max(policy.notice_s, policy.checkpoint_wait_s))


def yielding(
    demand: Demand, finish: float, bookings: Iterable[Booking], policy: Policy, now: float
) -> Departure | None:
    """How a running job leaves for the first window that it would run into; None if it need not, or can't."""
    booking = next(run_into(demand, finish, bookings, now), None)
    if booking is None or not is_pausable(demand):
        return None
    known = demand.notice if demand.notice and _is_for(demand.notice, booking) else None
    notice = known or _notice(demand, booking, policy, now)
    departure = leave(demand, now, notice)
    if known:
        return departure
    if now < notice.due_at - policy.notice_s:
        return Departure(demand, departure.leaves_at, departure.loses_s)
    opens = "has begun" if booking.starts_at <= now else f"begins {format_weekday(booking.starts_at)}"
    why = f"{booking.owner.name}'s booking {booking.id} {opens}. {loses(departure.loses_s)}"
    told = Notice(
        given_at=now,
        due_at=notice.due_at,
        why=why,
        for_booking=booking.id,
        loses_s=departure.loses_s,
        patience_s=notice.patience_s,
    )
    return Departure(demand, departure.leaves_at, departure.loses_s, told)


def run_into(demand: Demand, finish: float, bookings: Iterable[Booking], now: float) -> Iterator[Booking]:
    """The bookings of others on its cards that it would still run in, the first to open first."""
    hit = (
        booking
        for booking in bookings
        if max(now, booking.starts_at) < min(finish, booking.ends_at)
        and not booking.is_for(demand.job_id, demand.owner)
        and not set(booking.gpus).isdisjoint(demand.holding)
    )
    return iter(sorted(hit, key=lambda booking: (booking.starts_at, booking.id)))


def _notice(demand: Demand, booking: Booking, policy: Policy, now: float) -> Notice:
    """It has until the window opens to reach a checkpoint; when that is too soon, as long as a P0 would wait."""
    due_at = max(now, booking.starts_at - lead_s(demand, policy))
    patience_s = max(policy.checkpoint_wait_s, booking.starts_at - due_at)
    return Notice(given_at=now, due_at=due_at, why="", for_booking=booking.id, patience_s=patience_s)


def _is_for(notice: Notice, booking: Booking) -> bool:
    """Whether a notice was given for this booking, and for the time at which it opens now."""
    opens_at = max(booking.starts_at, notice.given_at)
    return (
        notice.for_booking == booking.id and notice.due_at <= opens_at <= notice.due_at + (notice.patience_s or 0.0) + 1
    )


class Stop(NamedTuple):
    """A moment before which a job may run, from `start` on in some pools, to be paused then."""

    pools: tuple[int, ...]
    start: float
    finish: float


class Gaps:
    """Places jobs that can be paused into the time before a window; what is left of them comes after it."""

    def __init__(self, ground: Ground, policy: Policy) -> None:
        self._ground = ground
        self._policy = policy

    def place(self, task: Task, demand: Demand, profile: Profile) -> Place:
        """Book the task where it is done soonest, in parts where windows are in the way and it bears that."""
        stops = self._stops(task, demand)
        place = _in_parts(task, stops, profile, MOST_PARTS) if stops else profile.find(task)
        profile.book(place)
        return place

    def _stops(self, task: Task, demand: Demand) -> list[Stop]:
        if not (demand.resumable and demand.preemptible):
            return []
        lead = lead_s(demand, self._policy)
        others = {
            span.start - lead for view in task.pools for span in self._ground.spans[view] if span.booking is not None
        }
        stops = [Stop(task.pools, task.release, finish) for finish in others]
        for booking in self._ground.bookings_of(demand):
            views = tuple(view for view in self._ground.views_of(demand, booking) if view in task.pools)
            stops.append(Stop(views, max(task.release, booking.starts_at), booking.kept_until))
        return sorted(stop for stop in stops if stop.pools and stop.finish - stop.start >= WORTH_STARTING_S)


def _in_parts(task: Task, stops: Sequence[Stop], profile: Profile, parts: int) -> Place:
    """The task as a whole, or in up to so many parts where it is done sooner by that."""
    whole = profile.find(task)
    if parts <= 1 or whole.start <= task.release:
        return whole
    later = [stop for stop in stops if stop.finish - task.release >= WORTH_STARTING_S][:STOPS]
    firsts = [first for stop in later if (first := _first_part(task, stop, profile)) and first.start < whole.start]
    if not firsts:
        return whole
    first = min(firsts, key=lambda place: (place.start, -place.finish))
    done_s = first.finish - first.start
    trial = profile.copy()
    trial.book(first)
    rest = _in_parts(task.part(task.duration - done_s + RESTART_S, first.finish), stops, trial, parts - 1)
    return Place(first.start, first.finish, first.share, rest) if rest.done_at <= whole.finish else whole


def _first_part(task: Task, stop: Stop, profile: Profile) -> Place | None:
    """Where the task can run until the stop, from its earliest; None when it does not get far enough to be worth it."""
    earliest = max(task.release, stop.start)
    part = task.part(task.duration, earliest)
    part.use(stop.pools)
    latest = stop.finish - WORTH_STARTING_S
    if earliest > latest:
        return None
    if stop.finish - earliest >= task.duration:
        earliest = stop.finish - task.duration  # sooner it would be done before
    for start in (earliest, *profile.moments(stop.pools, earliest, latest)):
        if share := profile.fitting(part, start, stop.finish):
            return Place(start, stop.finish, share)
    return None
