"""What is told of a row of the audit log: to whom it matters, how much, and in which words. Figures and names only."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Protocol

from msgspec import Struct

from yolotui.config import NotifyEvent
from yolotui.core.bookings import Booking
from yolotui.core.health import Severity
from yolotui.core.jobs import Job, Kind, Outcome, Owner
from yolotui.core.planning.saying import gpus_text
from yolotui.errors import NoSuchBooking, NoSuchJob
from yolotui.store import AuditRow
from yolotui.units import format_clock, format_duration

_FOLDERS = re.compile(r"(?<![\w.…])/(?:[^\s/'\":,]+/)+")


class Notification(Struct, frozen=True, kw_only=True):
    """One thing to tell. `owner` is whose job or booking it is about; None: the machine."""

    event: NotifyEvent
    severity: Severity
    title: str
    body: str = ""
    owner: Owner | None = None


class Records(Protocol):
    """Where jobs and bookings are looked up."""

    def job(self, job_id: int) -> Job:
        """Raises NoSuchJob."""

    def booking(self, booking_id: int) -> Booking:
        """Raises NoSuchBooking."""


def tell(row: AuditRow, records: Records) -> Notification | None:
    """What people should be told of a row, if anything."""
    try:
        if row.verb in _OF_JOBS and row.job is not None:
            job = records.job(row.job)
            told = _OF_JOBS[row.verb](row, job)
            return told and _with_owner(told, job.owner)
        if row.verb in _OF_BOOKINGS:
            booking = records.booking(row.detail["booking"])
            told = _OF_BOOKINGS[row.verb](row, booking)
            return told and _with_owner(told, booking.owner)
    except (NoSuchJob, NoSuchBooking):  # a repaired queue may have lost it
        return None
    return _OF_MACHINE[row.verb](row) if row.verb in _OF_MACHINE else None


def without_folders(text: str) -> str:
    """A text without the folders of the paths in it: where somebody's data lies is nobody else's business."""
    return _FOLDERS.sub("…/", text)


def _with_owner(told: Notification, owner: Owner) -> Notification:
    return Notification(event=told.event, severity=told.severity, title=told.title, body=told.body, owner=owner)


def _lines(*lines: str) -> str:
    return "\n".join(line for line in lines if line)


def _why(row: AuditRow) -> str:
    return without_folders(str(row.detail.get("why") or ""))


def _started(row: AuditRow, job: Job) -> Notification | None:
    if row.detail.get("attempt") != 1:
        return None
    gpus = len(row.detail.get("gpus") or ())
    return Notification(
        event=NotifyEvent.STARTED,
        severity=Severity.INFO,
        title=f"{job.name} has started",
        body=f"Job {job.id}, {gpus_text(gpus)}.",
    )


def _runs(row: AuditRow, job: Job) -> Notification | None:
    """An attempt runs: good news where the one before it broke."""
    number = row.detail["attempt"]
    if number < 2:
        return None
    before, attempt = job.attempts[number - 2], job.attempts[number - 1]
    if before.outcome not in {Outcome.FAILED, Outcome.INTERRUPTED}:
        return None
    epoch = attempt.resumed_from_epoch
    return Notification(
        event=NotifyEvent.RECOVERED,
        severity=Severity.WARNING,
        title=f"{job.name} runs again",
        body=_lines(
            f"Job {job.id}, attempt {number}, "
            + (f"continued after epoch {epoch}." if epoch is not None else "from the beginning."),
            f"Before: {without_folders(before.explanation)}" if before.explanation else "",
        ),
    )


def _ended(row: AuditRow, job: Job) -> Notification | None:
    attempt = job.attempts[row.detail["attempt"] - 1]
    took = sum((each.ended_at or 0.0) - each.started_at for each in job.attempts if each.started_at and each.ended_at)
    match row.detail["then"]:
        case "succeeded":
            best = attempt.progress.best
            figures = ", ".join(f"{name.removeprefix('metrics/')} {value:.4g}" for name, value in sorted(best.items()))
            weights = f"{job.run_dir}/train/weights/best.pt" if job.spec.kind is Kind.TRAIN else ""
            return Notification(
                event=NotifyEvent.FINISHED,
                severity=Severity.INFO,
                title=f"{job.name} has finished",
                body=_lines(
                    f"Job {job.id}, {format_duration(took)}"
                    + (f", {_epochs(job)}." if job.progress.epochs_done else "."),
                    f"Best: {figures}." if figures else "",
                    f"Weights: {weights}" if weights else "",
                    f"More: yolotui show {job.id}",
                ),
            )
        case "failed":
            cause = row.detail.get("cause") or "no cause known"
            return Notification(
                event=NotifyEvent.FAILED,
                severity=Severity.ERROR,
                title=f"{job.name} has failed",
                body=_lines(
                    f"Job {job.id}, {format_duration(took)}, {_epochs(job)}, {cause}.",
                    _why(row),
                    f"More: yolotui show {job.id}, yolotui logs {job.id}",
                ),
            )
    return None


def _epochs(job: Job) -> str:
    return f"{job.progress.epochs_done} of {job.progress.epochs_total or job.spec.epochs or '?'} epochs"


def _out_of_sight(row: AuditRow, job: Job) -> Notification:
    return Notification(
        event=NotifyEvent.FAILED,
        severity=Severity.WARNING,
        title=f"{job.name} is out of sight",
        body=_lines(f"Job {job.id}: nothing proves its process alive or dead.", _why(row)),
    )


def _of_eviction(words: str) -> Callable[[AuditRow, Job], Notification]:
    def told(row: AuditRow, job: Job) -> Notification:
        due_at = row.detail.get("due_at")
        when = f"At {format_clock(due_at, row.at)}: " if due_at else ""
        return Notification(
            event=NotifyEvent.EVICTED,
            severity=Severity.INFO if row.verb == "withdraw-notice" else Severity.WARNING,
            title=f"{job.name} {words}",
            body=_lines(f"Job {job.id}. {when}{_why(row)}", "It keeps its place and continues from its checkpoint."),
        )

    return told


def _of_deadline(row: AuditRow, job: Job) -> Notification:
    is_safe = row.verb == "deadline-safe-again"
    deadline, finish = row.detail.get("deadline_at"), row.detail.get("expected_finish")
    times = (
        f"Due {format_clock(deadline, row.at)}, expected {format_clock(finish, row.at)}." if deadline and finish else ""
    )
    return Notification(
        event=NotifyEvent.DEADLINE,
        severity=Severity.INFO if is_safe else Severity.WARNING,
        title=f"{job.name}: its deadline is {'safe again' if is_safe else 'in danger'}",
        body=_lines(f"Job {job.id}. {times}", _why(row), str(row.detail.get("change") or "")),
    )


def _of_health(row: AuditRow, job: Job) -> Notification:
    return Notification(
        event=NotifyEvent.HEALTH,
        severity=Severity(row.detail["severity"]),
        title=f"{job.name}: {row.detail['rule']}",
        body=_lines(f"Job {job.id}, epoch {row.detail['epoch']}.", _why(row)),
    )


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
        body=_lines(f"{gpus_text(booking.count)}, {window}.", _why(row)),
    )


_ENDINGS: Mapping[str, tuple[str, Severity]] = {
    "ended": ("has ended", Severity.INFO),
    "given_back": ("was given back: its job is done", Severity.INFO),
    "expired": ("has expired: nobody used it", Severity.WARNING),
    "missed": ("was missed", Severity.WARNING),
}


def _of_gpu(row: AuditRow) -> Notification:
    is_over = row.verb == "end-quarantine"
    return Notification(
        event=NotifyEvent.GPU,
        severity=Severity.INFO if is_over else Severity.ERROR,
        title=f"GPU {str(row.detail.get('gpu'))[:12]} is {'used again' if is_over else 'out of use'}",
        body=_why(row),
    )


_OF_JOBS: Mapping[str, Callable[[AuditRow, Job], Notification | None]] = {
    "start": _started,
    "run": _runs,
    "end": _ended,
    "lose-sight": _out_of_sight,
    "notice": _of_eviction("will have to make room"),
    "withdraw-notice": _of_eviction("need not make room after all"),
    "evict": _of_eviction("makes room"),
    "deadline-in-danger": _of_deadline,
    "deadline-safe-again": _of_deadline,
    "health": _of_health,
}
_OF_BOOKINGS: Mapping[str, Callable[[AuditRow, Booking], Notification | None]] = dict.fromkeys(
    ("open-booking", "end-booking", "move-up", "booking-hindered"), _of_booking
)
_OF_MACHINE: Mapping[str, Callable[[AuditRow], Notification]] = dict.fromkeys(("quarantine", "end-quarantine"), _of_gpu)

VERBS = frozenset({*_OF_JOBS, *_OF_BOOKINGS, *_OF_MACHINE})
"""The verbs of the audit log of which something may be told."""
