"""Taking back what a person did last to a booking, as long as nobody has got the cards meanwhile."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from msgspec.structs import replace

from yolotui.booking_words import named
from yolotui.core.bookings import Booking, BookingStatus, Ending, Over, Waitlisted
from yolotui.core.gpus import Gpu
from yolotui.core.jobs import Owner
from yolotui.errors import NotPossible
from yolotui.store import bookings
from yolotui.store.database import Transaction
from yolotui.store.queries import AuditRow


def undo_to_booking(write: Transaction, row: AuditRow, cards: Sequence[Gpu]) -> None:
    """Put a booking back as it was before the verb; what that frees goes to the waitlist."""
    booking = bookings.read_one(write.connection, row.detail["booking"])
    if row.verb == "reserve":
        _unmake(write, booking, row)
    elif row.verb == "unreserve":
        if not isinstance(booking.status, Over) or booking.status.since != row.at:
            raise _moved_on(booking, row)
        status = msgspec.convert(row.detail["before"]["status"], BookingStatus)
        _restore(write, replace(booking, status=status), row)
    else:
        _restore(write, _as_before(booking, row), row)
    bookings.move_up(write, cards)


def _unmake(write: Transaction, booking: Booking, row: AuditRow) -> None:
    if booking.state != row.detail["state"]:
        raise _moved_on(booking, row)
    bookings.end(write, booking, Ending.CANCELLED, "its making was undone")


def _as_before(booking: Booking, row: AuditRow) -> Booking:
    """The booking with what the verb changed changed back."""
    after, before = row.detail["after"], row.detail["before"]
    now = {"owner": booking.owner.name, "starts_at": booking.starts_at, "ends_at": booking.ends_at}
    if isinstance(booking.status, Over) or any(now[key] != after[key] for key in now.keys() & after.keys()):
        raise _moved_on(booking, row)
    changed: dict[str, Any] = {key: before[key] for key in ("starts_at", "ends_at") if key in before}
    if "gpus" in before:
        changed["gpus"] = tuple(before["gpus"])
    if "owner" in before:
        changed["owner"] = Owner(before["owner"], before.get("owner_uid", booking.owner.uid))
    return replace(booking, **changed)


def _restore(write: Transaction, booking: Booking, row: AuditRow) -> None:
    """Write it down if its window is still to come and its cards are nobody else's."""
    if booking.ends_at <= write.now:
        raise NotPossible(f"The window of {named(booking)} has passed: nothing was undone.")
    others = (each for each in bookings.read(write.connection) if each.holds and each.id != booking.id)
    taken = [each for each in others if set(each.gpus) & set(booking.gpus) and each.meets(booking)]
    if taken and not isinstance(booking.status, Waitlisted):
        raise NotPossible(f"{named(taken[0])} has its cards now: {row.verb!r} was not undone.")
    bookings.update(write, booking)


def _moved_on(booking: Booking, row: AuditRow) -> NotPossible:
    return NotPossible(
        f"{named(booking)} is no longer as {row.verb!r} left it (it is {booking.state}): nothing was undone."
    )
