"""What people do to bookings. Each verb is one transaction: looked at, decided and written down under one lock.

That is what keeps two people from getting the same window at once.
"""

from __future__ import annotations

import pwd
from collections.abc import Sequence
from typing import Any

import msgspec
from msgspec.structs import replace

from yolotui.booking_words import conflict_sentence, named
from yolotui.core.bookings import Booked, Booking, BookingRequest, Ending, Open, Over, Waitlisted
from yolotui.core.free_windows import Conflict, Placement, burdens, find_conflict, latest_end, place, suitable
from yolotui.core.gpus import Gpu
from yolotui.core.jobs import Held, Owner, Waiting
from yolotui.core.planning.saying import gpus_text
from yolotui.errors import NotPossible, WrongUse
from yolotui.nearest import did_you_mean
from yolotui.store import bookings
from yolotui.store.database import Actor, Database, Transaction
from yolotui.store.queries import Queries
from yolotui.store.rights import refuse_stranger
from yolotui.units import format_clock, format_duration

FURTHEST_S = 366 * 86400.0
"""How far ahead a window may lie: what is further is a slip of the keyboard."""

NOT_MADE_YET = 0
"""The id of a booking that is only thought of."""

JUST_NOW_S = 60.0
"""A window that should have begun so little ago begins now: it takes a while to type."""


class BookingConflict(NotPossible):
    """Others hold the window; `conflict` says who, and what is free instead."""

    def __init__(self, sentence: str, conflict: Conflict) -> None:
        super().__init__(sentence)
        self.conflict = conflict


class BookingVerbs:
    """The verbs about bookings, through one connection. `smallest_s` is the smallest window that they make."""

    _database: Database
    _read: Queries
    smallest_booking_s: float = 0.0

    def reserve(self, request: BookingRequest, actor: Actor, *, waitlist: bool = False) -> Booking:
        """Book a window. With `waitlist` one that others hold is waited for instead of being refused.

        Raises BookingConflict, which names them and the nearest free windows; WrongUse for what can never be had.
        """
        with self._database.write(actor) as write:
            booking, placement = self._made(request, actor, write.now)
            if placement is None and not waitlist:
                raise self._taken(booking.request, write.now)
            if placement is not None:
                bookings.settle(write, placement)
            booking = bookings.insert(write, booking)
            write.audit("reserve", booking.job_id, booking=booking.id, **_gist(booking))
            return booking

    def would_be(self, request: BookingRequest, actor: Actor, now: float) -> list[Booking]:
        """The bookings as `reserve` would leave them, the new one last; nothing is written. Raises as it does."""
        with self._database.snapshot():
            booking, placement = self._made(request, actor, now)
            if placement is None:
                raise self._taken(booking.request, now)
            others = self._read.bookings()
        return [*(replace(each, gpus=placement.moved.get(each.id, each.gpus)) for each in others), booking]

    def unreserve(self, booking_id: int, actor: Actor) -> list[Booking]:
        """Take a booking back, or give back the rest of one that is open; returns who moved up from the waitlist."""
        with self._database.write(actor) as write:
            booking = self._to_change(write, booking_id)
            bookings.update(write, replace(booking, status=Over(write.now, Ending.CANCELLED)))
            status = msgspec.to_builtins(booking.status)
            write.audit("unreserve", booking.job_id, booking=booking.id, before={**_gist(booking), "status": status})
            return self._move_up(write)

    def transfer(self, booking_id: int, to: str, actor: Actor) -> Booking:
        """Make a booking somebody else's. Raises WrongUse where nobody is called so."""
        with self._database.write(actor) as write:
            booking = self._to_change(write, booking_id)
            if booking.job_id is not None:
                raise NotPossible(f"{named(booking)} is for job {booking.job_id} and stays with it.")
            after = replace(booking, owner=_owner_called(write, to))
            if after.owner == booking.owner:
                raise NotPossible(f"{named(booking)} is {to}'s already.")
            return self._changed(write, "transfer", booking, after)

    def extend(self, booking_id: int, ends_at: float, actor: Actor) -> list[Booking]:
        """Let a booking end later, or sooner; returns who moved up from the waitlist. Raises BookingConflict."""
        with self._database.write(actor) as write:
            booking = self._to_change(write, booking_id)
            if ends_at >= booking.ends_at:
                self._refuse_span(write.now, booking.starts_at, ends_at)
            if ends_at <= max(write.now, booking.starts_at):
                raise NotPossible(
                    f"{named(booking)} can't end before it begins, nor in the past: `yolotui unreserve` takes it back."
                )
            later = replace(booking, ends_at=ends_at)
            if booking.holds and ends_at > booking.ends_at:
                self._make_room(write, booking, later)
            self._changed(write, "extend", booking, later)
            return self._move_up(write)

    def move(self, booking_id: int, starts_at: float, ends_at: float, actor: Actor) -> list[Booking]:
        """Give a booking that is not open another window; returns who moved up. Raises BookingConflict."""
        with self._database.write(actor) as write:
            booking = self._to_change(write, booking_id)
            if isinstance(booking.status, Open):
                raise NotPossible(f"{named(booking)} has begun: `yolotui extend` changes when it ends.")
            starts_at = _start(write.now, starts_at)
            self._refuse_span(write.now, starts_at, ends_at)
            moved = replace(booking, starts_at=starts_at, ends_at=ends_at)
            if isinstance(booking.status, Booked):
                cards = self._cards()
                others = [each for each in self._read.bookings() if each.id != booking.id]
                # Its own cards if they are free then, so that nothing changes without need.
                on_its_own = place(replace(moved.request, gpus=booking.gpus), cards, others)
                placement = on_its_own or place(moved.request, cards, others)
                if placement is None:
                    raise self._conflict(moved.request, write.now, but=booking.id)
                bookings.settle(write, placement)
                moved = replace(moved, gpus=placement.gpus, status=Booked(write.now))
            self._changed(write, "move", booking, moved)
            return self._move_up(write)

    def find_conflict(self, request: BookingRequest, now: float) -> Conflict | None:
        """What stands in the way of a request at this moment; nothing is written. Raises WrongUse as `reserve` does."""
        cards = self._cards()
        _refuse_too_much(request, cards)
        return find_conflict(request, cards, self._read.bookings(), now)

    def refuse_beyond_booking(self, job_id: int, gpus: int) -> None:
        """Raise NotPossible if a job would ask for more cards than were booked for it."""
        for booking in self._read.bookings():
            if booking.job_id == job_id and gpus > booking.count:
                raise NotPossible(
                    f"{named(booking)} for job {job_id} has {booking.count} of the {gpus} GPUs: "
                    f"`yolotui unreserve {booking.id}` first, then book as many as it needs."
                )

    # What they share

    def _made(self, request: BookingRequest, actor: Actor, now: float) -> tuple[Booking, Placement | None]:
        """The booking that comes of a request, with its place; without one it would have to wait."""
        request = replace(request, starts_at=_start(now, request.starts_at))
        self._refuse_span(now, request.starts_at, request.ends_at)
        request, owner = self._for_whom(request, actor)
        cards = self._cards()
        _refuse_too_much(request, cards)
        published = self._read.published()
        burden = burdens(published.world, published.timetable, request) if published else {}
        placement = place(request, cards, self._read.bookings(), burden)
        booking = Booking(
            id=NOT_MADE_YET,
            owner=owner,
            starts_at=request.starts_at,
            ends_at=request.ends_at,
            count=request.count,
            gpus=placement.gpus if placement else request.gpus,
            gpu_model=request.gpu_model,
            pinned=bool(request.gpus),
            job_id=request.job_id,
            note=request.note,
            made_at=now,
            status=Booked(now) if placement else Waitlisted(now),
        )
        return booking, placement

    def _for_whom(self, request: BookingRequest, actor: Actor) -> tuple[BookingRequest, Owner]:
        """Whose it is: the actor's, or that of the job that it is for, which must be able to use it."""
        if request.job_id is None:
            return request, Owner(actor.name, actor.uid)
        job = self._read.job(request.job_id)
        what = f"job {job.id} ({job.name})"
        refuse_stranger(actor, job.owner, what)
        if not isinstance(job.status, Waiting | Held):
            raise NotPossible(f"{what} is {job.state}: a window can be booked for one that waits.")
        if not job.spec.gpus:
            raise NotPossible(f"{what} asks for no GPU: it needs no booking.")
        if other := [each for each in self._read.bookings() if each.job_id == job.id]:
            raise NotPossible(f"{what} has {named(other[0])} already: `yolotui extend` or `unreserve` changes it.")
        if request.count < job.spec.gpus:
            raise WrongUse(f"{what} needs {job.spec.gpus} GPUs at once: book that many, or leave --gpus out.")
        return replace(request, gpu_model=request.gpu_model or job.spec.gpu_model), job.owner

    def _to_change(self, write: Transaction, booking_id: int) -> Booking:
        """A booking that is not over and that the actor may change."""
        booking = self._read.booking(booking_id)
        refuse_stranger(write.actor, booking.owner, named(booking))
        if isinstance(booking.status, Over):
            since = format_clock(booking.status.since, write.now)
            raise NotPossible(f"{named(booking)} is over since {since} ({booking.status.ending.replace('_', ' ')}).")
        return booking

    def _changed(self, write: Transaction, verb: str, before: Booking, after: Booking) -> Booking:
        bookings.update(write, after)
        was, is_now = _gist(before), _gist(after)
        different = [key for key in is_now if was[key] != is_now[key]]
        write.audit(
            verb,
            after.job_id,
            booking=after.id,
            before={key: was[key] for key in different},
            after={key: is_now[key] for key in different},
        )
        return after

    def _move_up(self, write: Transaction) -> list[Booking]:
        return bookings.move_up(write, self._read.cards())

    def _cards(self) -> Sequence[Gpu]:
        if cards := self._read.cards():
            return cards
        raise NotPossible(
            "No scheduler has seen the GPUs of this machine yet: `yolotui scheduler start` starts one; then book again."
        )

    def _refuse_span(self, now: float, starts_at: float, ends_at: float) -> None:
        if ends_at <= starts_at:
            raise WrongUse("A window must end after it begins.")
        if ends_at - starts_at < self.smallest_booking_s - JUST_NOW_S:
            raise WrongUse(
                f"A window lasts {format_duration(self.smallest_booking_s)} at least, this one would last "
                f"{format_duration(ends_at - starts_at)}. (`smallest` under [bookings] in the configuration.)"
            )
        if ends_at > now + FURTHEST_S:
            raise WrongUse("A window can't lie more than a year ahead.")

    def _make_room(self, write: Transaction, booking: Booking, later: Booking) -> None:
        """Let a booking last longer on the cards that it has: what runs on them goes on. Raises BookingConflict."""
        cards = self._cards()
        others = [each for each in self._read.bookings() if each.id != booking.id]
        request = replace(later.request, gpus=booking.gpus)
        placement = place(request, cards, others)
        if placement is not None:
            bookings.settle(write, placement)
            return
        conflict = self._conflict(request, write.now, but=booking.id)
        end = latest_end(booking, cards, others)
        until = f" It can last until {format_clock(end, write.now)} at most." if end and end > booking.ends_at else ""
        raise BookingConflict(f"{conflict}{until}", conflict.conflict)

    def _taken(self, request: BookingRequest, now: float) -> BookingConflict:
        """Others hold the window of a new booking, which can wait for it."""
        conflict = self._conflict(request, now)
        return BookingConflict(f"{conflict} Or wait for it: `--waitlist`.", conflict.conflict)

    def _conflict(self, request: BookingRequest, now: float, *, but: int | None = None) -> BookingConflict:
        cards = self._cards()
        others = [each for each in self._read.bookings() if each.id != but]
        conflict = find_conflict(request, cards, others, now)
        assert conflict is not None, "who finds a conflict has found no place"
        return BookingConflict(conflict_sentence(conflict, cards, now), conflict)


def _start(now: float, starts_at: float) -> float:
    """When a window begins that should begin then."""
    if starts_at < now - JUST_NOW_S:
        raise WrongUse(f"The window would have begun {format_duration(now - starts_at)} ago: choose a later start.")
    return max(starts_at, now)


def _gist(booking: Booking) -> dict[str, Any]:
    """What the audit log keeps of a booking, to tell and to take back."""
    return {
        "owner": booking.owner.name,
        "owner_uid": booking.owner.uid,
        "starts_at": booking.starts_at,
        "ends_at": booking.ends_at,
        "gpus": list(booking.gpus),
        "state": booking.state,
    }


def _refuse_too_much(request: BookingRequest, cards: Sequence[Gpu]) -> None:
    """Raise WrongUse for what this machine doesn't have at all."""
    found = len(suitable(request, cards))
    if request.count < 1:
        raise WrongUse("A booking is for one GPU at least.")
    if found < request.count:
        kind = f" called {request.gpu_model!r}" if request.gpu_model else ""
        raise WrongUse(
            f"This machine has {found or 'no'} GPUs{kind}, fewer than {gpus_text(request.count)}: ask for less."
        )


def _owner_called(write: Transaction, name: str) -> Owner:
    """Who is called so: an account of this machine, or somebody whom the queue knows. Raises WrongUse."""
    try:
        return Owner(name, pwd.getpwnam(name).pw_uid)
    except (KeyError, ValueError):
        pass
    rows = write.execute("SELECT owner, owner_uid FROM jobs UNION SELECT owner, owner_uid FROM bookings").fetchall()
    known: dict[str, int] = {row["owner"]: row["owner_uid"] for row in rows}
    if name not in known:
        raise WrongUse(f"Nobody here is called {name!r}: no account, and no owner of a job{did_you_mean(name, known)}.")
    return Owner(name, known[name])
