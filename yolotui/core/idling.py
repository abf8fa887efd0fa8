"""Why a card was idle: what the audit log, the bookings and the queue of that time say. Pure. Times are UTC seconds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum

from msgspec import Struct

from yolotui.core.bookings import Booking, Over, Waitlisted
from yolotui.core.jobs import Job
from yolotui.core.reporting import IdleGap, left_queue_at


class IdleCause(StrEnum):
    """What kept a card from being used. The last four: something waited, and could not use it."""

    DRAINED = "out of use"
    BOOKED = "booked"
    NOTHING_WAITED = "nothing waited"
    NO_SCHEDULER = "no scheduler"
    OTHER_JOBS = "waited for other jobs"
    MORE_CARDS = "waited for several cards"
    MEMORY = "waited for memory"
    HELD = "held, or between two tries"


class Span(Struct, frozen=True):
    """A stretch of time."""

    since: float
    until: float

    def overlap(self, other: Span | IdleGap) -> float:
        """How many seconds they have in common."""
        return max(0.0, min(self.until, other.until) - max(self.since, other.since))


class Deed(Struct, frozen=True):
    """A row of the audit log, as far as idleness goes."""

    at: float
    verb: str
    gpu: str = ""


class Circumstances(Struct, frozen=True, kw_only=True):
    """What is known of the time beside the jobs: when cards were out of use, when nobody led, who had booked."""

    out_of_use: Mapping[str, Sequence[Span]]
    leaderless: Sequence[Span]
    bookings: Sequence[Booking]


def circumstances(deeds: Iterable[Deed], bookings: Sequence[Booking], until: float) -> Circumstances:
    """From the audit log, the oldest row first. A leader that was killed is missed only once another one leads."""
    out: dict[str, list[Span]] = {}
    closed_at: dict[str, float] = {}
    leaderless: list[Span] = []
    left_at: float | None = 0.0
    for deed in deeds:
        match deed.verb:
            case "drain" | "quarantine":
                closed_at.setdefault(deed.gpu, deed.at)
            case "undrain" | "end-quarantine":
                if deed.gpu in closed_at:
                    out.setdefault(deed.gpu, []).append(Span(closed_at.pop(deed.gpu), deed.at))
            case "lead":
                if left_at is not None:
                    leaderless.append(Span(left_at, deed.at))
                left_at = None
            case "leave":
                left_at = deed.at
    for gpu, at in closed_at.items():
        out.setdefault(gpu, []).append(Span(at, until))
    if left_at is not None:
        leaderless.append(Span(left_at, until))
    return Circumstances(out_of_use=out, leaderless=leaderless, bookings=bookings)


def cause(gap: IdleGap, gpu: str, around: Circumstances, jobs: Sequence[Job]) -> IdleCause:
    """What best explains a gap: what holds for more than half of it, the strongest first."""
    half = gap.length_s / 2
    if sum(span.overlap(gap) for span in around.out_of_use.get(gpu, ())) > half:
        return IdleCause.DRAINED
    if sum(_window(booking).overlap(gap) for booking in around.bookings if gpu in booking.gpus) > half:
        return IdleCause.BOOKED
    waiting = [job for job in jobs if _waits_at(job, gap.since)]
    if not waiting:
        return IdleCause.NOTHING_WAITED
    if sum(span.overlap(gap) for span in around.leaderless) > half:
        return IdleCause.NO_SCHEDULER
    return _what_they_waited_for(waiting, jobs, gap.since)


def _window(booking: Booking) -> Span:
    """When its cards were kept for it."""
    if isinstance(booking.status, Waitlisted):
        return Span(0.0, 0.0)
    over_at = booking.status.since if isinstance(booking.status, Over) else booking.ends_at
    return Span(booking.starts_at, min(booking.ends_at, over_at))


def _waits_at(job: Job, at: float) -> bool:
    left = left_queue_at(job)
    return job.spec.gpus > 0 and job.submitted_at <= at and (left is None or left > at)


def _what_they_waited_for(waiting: Sequence[Job], jobs: Sequence[Job], at: float) -> IdleCause:
    """The reason of him who stood first."""
    first = min(waiting, key=lambda job: (job.priority, job.submitted_at, job.id))
    by_id = {job.id: job for job in jobs}
    needs = [by_id[need] for need in first.after if need in by_id]
    if any(not need.ended or need.status.since > at for need in needs):
        return IdleCause.OTHER_JOBS
    if first.spec.gpus > 1:
        return IdleCause.MORE_CARDS
    return IdleCause.MEMORY if first.spec.vram_bytes else IdleCause.HELD
