"""Bookings as time goes by: opened, used, given back, expired, ended, and told when something stands in their way."""

from __future__ import annotations

import logging
from math import inf

from yolotui.core.bookings import Booked, Booking, Ending, Open, Waitlisted
from yolotui.core.gpus import Foreign, Lost
from yolotui.core.jobs import Job, Kind, Notice, Running
from yolotui.core.timetable import Eviction, Timetable
from yolotui.scheduler.picture import Picture
from yolotui.scheduler.watch import Readings
from yolotui.store import Store
from yolotui.users import login_name

USE_NOTED_EVERY_S = 60.0

log = logging.getLogger("yolotui.scheduler")


class Windows:
    """Looks after the bookings that are not over. One that nobody uses for `expires_s` is over."""

    def __init__(self, store: Store, picture: Picture, host: Readings, *, expires_s: float) -> None:
        self._store = store
        self._ledger = store.ledger
        self._picture = picture
        self._host = host
        self._expires_s = expires_s
        self._placed: frozenset[int] | None = None  # no plan yet: nobody knows who is to run in which
        self._hindered: frozenset[int] = frozenset()
        self._in_the_way: frozenset[int] = frozenset()

    def look_after(self, now: float) -> bool:
        """Do what is due for each booking; whether anything was."""
        before = self._store.read.revision()
        for booking in list(self._picture.bookings.values()):
            match booking.status:
                case Booked():
                    self._see_to_booked(booking, now)
                case Open() as status:
                    self._see_to_open(booking, status, now)
                case Waitlisted() if now >= booking.ends_at:
                    self._end(booking, Ending.MISSED, "nobody let go of its window in time")
        return self._store.read.revision() != before

    def follow(self, timetable: Timetable) -> None:
        """Give bookings the better cards that a plan has found, and tell once what stands in the way of which."""
        self._placed = frozenset(entry.booking for entry in timetable.entries if entry.booking is not None)
        self._in_the_way = in_the_way(timetable)
        hindrances = {hindrance.booking_id: hindrance.why for hindrance in timetable.hindrances}
        for booking_id in hindrances.keys() - self._hindered:
            self._ledger.tell("booking-hindered", None, booking=booking_id, why=hindrances[booking_id])
        self._hindered = frozenset(hindrances)
        for binding in timetable.bindings:
            self._ledger.rebind_booking(binding.booking_id, binding.gpus)

    def overruns(self, now: float) -> list[Eviction]:
        """What still runs in windows that are over: asked to make room, when the buffer ends, for whoever waits."""
        over = [
            each for each in self._picture.bookings.values() if each.ends_at <= now and isinstance(each.status, Open)
        ]
        return [
            Eviction(job_id=job.id, notice=_overrun(booking)) for booking in over for job in self._overrunning(booking)
        ]

    def _see_to_booked(self, booking: Booking, now: float) -> None:
        if self._is_its_job_done(booking):
            self._end(booking, Ending.GIVEN_BACK, f"job {booking.job_id} has ended")
        elif now >= booking.ends_at:
            self._end(booking, Ending.EXPIRED, "nobody used it: no scheduler led while its window was open")
        elif now >= booking.starts_at:
            if self._lost(booking):
                self._end(booking, Ending.MISSED, "none of its cards answers")
            else:
                log.info("booking %d opens", booking.id)
                self._ledger.open_booking(booking.id)

    def _see_to_open(self, booking: Booking, status: Open, now: float) -> None:
        users = self._users(booking)
        if self._is_its_job_done(booking):
            self._end(booking, Ending.GIVEN_BACK, f"job {booking.job_id} has ended")
        elif now >= booking.ends_at:
            if not users or (now >= booking.kept_until and not self._overrunning(booking)):
                self._end(booking, Ending.ENDED, "its time is up")
        elif users or self._is_used_by_a_process(booking):
            if status.used_at is None or not 0 <= now - status.used_at < USE_NOTED_EVERY_S:
                self._ledger.booking_used(booking.id, now)
        elif now - (status.used_at or status.since) >= self._expires_s and self._is_unplanned(booking):
            self._end(booking, Ending.EXPIRED, "nobody used it")

    def _end(self, booking: Booking, ending: Ending, why: str) -> None:
        log.info("booking %d is over: %s", booking.id, why)
        self._ledger.end_booking(booking.id, ending, why)

    def _is_unplanned(self, booking: Booking) -> bool:
        """Whether no job of its holder waits for its turn in it."""
        return self._placed is not None and booking.id not in self._placed

    def _users(self, booking: Booking) -> list[Job]:
        """Its holder's jobs that have cards of it."""
        return [
            job
            for job in self._picture.active()
            if booking.is_for(job.id, job.owner.name) and set(job.attempts[-1].gpus) & set(booking.gpus)
        ]

    def _is_used_by_a_process(self, booking: Booking) -> bool:
        """Whether its holder runs something on a card of it past the queue."""
        owner = login_name(booking.owner.uid)
        return any(
            isinstance(gpu.availability, Foreign) and owner in gpu.availability.owners
            for gpu in self._host.latest.gpus
            if gpu.uuid in booking.gpus
        )

    def _is_its_job_done(self, booking: Booking) -> bool:
        if booking.job_id is None or booking.job_id in self._picture.jobs:
            return False
        return all(job.ended for job in self._store.read.jobs(ids=[booking.job_id]))

    def _lost(self, booking: Booking) -> bool:
        there = {gpu.uuid for gpu in self._host.latest.gpus if not isinstance(gpu.availability, Lost)}
        return not self._host.latest.trouble and there.isdisjoint(booking.gpus)

    def _overrunning(self, booking: Booking) -> list[Job]:
        """What runs of it and could be paused for somebody who waits: nobody is paused for nobody."""
        return [job for job in self._users(booking) if _is_pausable(job) and job.id in self._in_the_way]


def in_the_way(timetable: Timetable) -> frozenset[int]:
    """The running jobs whose cards a job that waits is to have as soon as they end."""
    running = [entry for entry in timetable.entries if entry.why is None and not entry.starts_now]
    awaited: dict[str, float] = {}
    for entry in timetable.entries:
        if entry.why is not None and entry.start_at is not None:
            for uuid in entry.gpus:
                awaited[uuid] = min(entry.start_at, awaited.get(uuid, entry.start_at))
    return frozenset(
        entry.job_id
        for entry in running
        if entry.finish_at is not None and any(awaited.get(uuid, inf) <= entry.finish_at for uuid in entry.gpus)
    )


def _is_pausable(job: Job) -> bool:
    return isinstance(job.status, Running) and job.spec.kind is Kind.TRAIN and job.spec.preemptible


def _overrun(booking: Booking) -> Notice:
    return Notice(
        given_at=booking.ends_at,
        due_at=booking.kept_until,
        for_booking=booking.id,
        why=f"Booking {booking.id}, in whose window it was started, is over, and others wait for its cards.",
    )
