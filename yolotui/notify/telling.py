"""What is told of a row of the audit log: to whom it matters, how much, and in which words. Figures and names only."""

from __future__ import annotations

from msgspec.structs import replace

from yolotui.errors import NoSuchBooking, NoSuchJob
from yolotui.harmless import clean
from yolotui.notify import of_bookings, of_jobs, of_machine
from yolotui.notify.notification import Notification, Records
from yolotui.store import AuditRow

VERBS = frozenset({*of_jobs.TELLERS, *of_bookings.TELLERS, *of_machine.TELLERS})
"""The verbs of the audit log of which something may be told."""


def tell(row: AuditRow, records: Records) -> Notification | None:
    """What people should be told of a row, if anything. What is about a job or a booking is its owner's business."""
    told = _told_of(row, records)
    return told and replace(told, **{name: _cleaned(getattr(told, name)) for name in ("title", "body", "details")})


def _cleaned(text: str) -> str:
    return "\n".join(clean(line) for line in text.splitlines())


def _told_of(row: AuditRow, records: Records) -> Notification | None:
    try:
        if row.verb in of_machine.TELLERS:
            return of_machine.TELLERS[row.verb](row, records)
        if row.verb in of_bookings.TELLERS:
            booking = records.booking(row.detail["booking"])
            told = of_bookings.TELLERS[row.verb](row, booking)
            return told and replace(told, owner=booking.owner)
        if row.verb in of_jobs.TELLERS and row.job is not None:
            job = records.job(row.job)
            told = of_jobs.TELLERS[row.verb](row, job)
            return told and replace(told, owner=job.owner)
    except (NoSuchJob, NoSuchBooking):  # a repaired queue may have lost it
        pass
    return None
