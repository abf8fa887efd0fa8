"""What the leader writes down about bookings: that they open, are used, end, and on which cards they are."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from yolotui.core.bookings import Booked, Booking, Ending, Open, Over
from yolotui.store import bookings
from yolotui.store.database import Actor, Database
from yolotui.store.queries import Queries


class BookingLedger:
    """The leader's writes about bookings. Each looks again, under the write lock, at what it is about to change."""

    _database: Database
    _read: Queries

    def open_booking(self, booking_id: int) -> bool:
        """Its window begins; False if it is no longer booked, or was moved to a later window."""
        with self._database.write(Actor.scheduler()) as write:
            booking = bookings.read_one(write.connection, booking_id)
            if not isinstance(booking.status, Booked) or booking.starts_at > write.now:
                return False
            bookings.update(write, replace(booking, status=Open(write.now)))
            write.audit("open-booking", booking.job_id, booking=booking.id, gpus=booking.gpus)
            return True

    def booking_used(self, booking_id: int, at: float) -> None:
        """Its holder uses a card of it at this moment (UTC seconds); the first time is audited."""
        with self._database.write(Actor.scheduler()) as write:
            booking = bookings.read_one(write.connection, booking_id)
            if not isinstance(booking.status, Open):
                return
            bookings.update(write, replace(booking, status=replace(booking.status, used_at=at)))
            if booking.status.used_at is None:
                write.audit("use-booking", booking.job_id, booking=booking.id)

    def booking_warned(self, booking_id: int) -> bool:
        """Those who run on its cards have been told to make room; it keeps these cards from now on."""
        with self._database.write(Actor.scheduler()) as write:
            booking = bookings.read_one(write.connection, booking_id)
            if not isinstance(booking.status, Booked) or booking.status.warned_at is not None:
                return False
            bookings.update(write, replace(booking, status=replace(booking.status, warned_at=write.now)))
            write.audit("warn-booking", booking.job_id, booking=booking.id, gpus=booking.gpus)
            return True

    def rebind_booking(self, booking_id: int, gpus: Sequence[str]) -> bool:
        """Give a booking that is not open other cards; False if others have them then, or it is no longer booked."""
        with self._database.write(Actor.scheduler()) as write:
            booking = bookings.read_one(write.connection, booking_id)
            if not isinstance(booking.status, Booked) or booking.pinned or set(gpus) == set(booking.gpus):
                return False
            held = (each for each in bookings.read(write.connection) if each.holds and each.id != booking.id)
            if any(set(each.gpus) & set(gpus) and booking.meets(each) for each in held):
                return False
            bookings.rebind(write, booking, gpus)
            return True

    def end_booking(self, booking_id: int, ending: Ending, why: str = "") -> list[Booking]:
        """Nothing more will come of it; what it leaves goes to those on the waitlist, who are returned."""
        with self._database.write(Actor.scheduler()) as write:
            booking = bookings.read_one(write.connection, booking_id)
            if isinstance(booking.status, Over):
                return []
            bookings.end(write, booking, ending, why)
            return bookings.move_up(write, self._read.cards())
