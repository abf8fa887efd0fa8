"""What is told of bookings."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from yolotui.config import NotifyEvent
from yolotui.core.bookings import Booking
from yolotui.core.health import Severity
from yolotui.core.planning.saying import gpus_text
from yolotui.notify.notification import Notification, lines, why_of
from yolotui.store import AuditRow
from yolotui.units import format_clock


def _of_booking(row: AuditRow, booking: Booking) -> Notification | None:
    window = f"{format_clock(booking.starts_at, row.at)} to {format_clock(booking.ends_at, row.at)}"
    words, severity = {
        "open-booking": ("is open", Severity.INFO),
        "move-up": ("has moved up from the waitlist", Severity.INFO),
        "booking-hindered": ("won't have all its GPUs", Severity.WARNING),
        "end-booking": _ENDINGS.get(str(row.detail.get("ending")), ("", Severity.INFO)),
    }[row.verb]
    if not words:
        return None
    return Notification(
        event=NotifyEvent.BOOKING,
        severity=severity,
        title=f"Booking {booking.id} {words}",
        body=lines(f"{gpus_text(booking.count)}, {window}.", why_of(row)),
    )


_ENDINGS: Mapping[str, tuple[str, Severity]] = {
    "ended": ("has ended", Severity.INFO),
    "given_back": ("was given back: its job is done", Severity.INFO),
    "expired": ("has expired: nobody used it", Severity.WARNING),
    "missed": ("was missed", Severity.WARNING),
}


TELLERS: Mapping[str, Callable[[AuditRow, Booking], Notification | None]] = dict.fromkeys(
    ("open-booking", "end-booking", "move-up", "booking-hindered"), _of_booking
)
