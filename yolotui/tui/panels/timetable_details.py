"""What is under the timetable's cursor: who, what, from when to when, and why. Pure."""

from __future__ import annotations

from rich.style import Style

from yolotui.core.bookings import Booked, Booking, Open, Waitlisted
from yolotui.core.gpus import Gpu
from yolotui.core.jobs import Job
from yolotui.core.planning.saying import gpus_text
from yolotui.tui.glyphs import Glyphs
from yolotui.tui.palette import CAUTION, PLAIN, QUIET, STATE_COLOURS, STRONG, YELLOW, ink
from yolotui.tui.panels.texts import Piece, pieces, wrapped
from yolotui.tui.plot import Row
from yolotui.tui.snapshot import Snapshot
from yolotui.tui.tracks import Span, SpanKind, following
from yolotui.tui.words import named, plain, reason, short_duration
from yolotui.units import format_clock


def span_rows(span: Span, snapshot: Snapshot, now: float, width: int, glyphs: Glyphs) -> list[Row]:
    """A job's or a booking's span."""
    if span.booking:
        return _booking_rows(span.booking, now, width)
    assert span.job is not None
    job = snapshot.jobs.get(span.job.id, span.job)
    owner = (
        f"{plain(job.owner.name)} {glyphs.separator} @{plain(job.spec.group)} {glyphs.separator} {job.priority.name}"
    )
    head: list[Piece] = [
        (f"{glyphs.state(job.state)} {job.state}  ", ink(STATE_COLOURS[job.state], bold=True)),
        (named(job), STRONG),
        (f"   {owner} {glyphs.separator} {gpus_text(job.spec.gpus)}", QUIET),
    ]
    rows = [pieces(*head), pieces((_when(span, job, now), PLAIN))]
    if text := _why(span, job):
        rows += wrapped(text, width, _why_style(span, job))
    return rows


def _when(span: Span, job: Job, now: float) -> str:
    """From when to when, and how sure that is."""
    length = short_duration(span.ends_at - span.starts_at)
    if span.kind is SpanKind.PAST:
        number = f"attempt {span.attempt.number}, " if span.attempt and len(job.attempts) > 1 else ""
        return f"{number}{format_clock(span.starts_at, now)} to {format_clock(span.ends_at, now)}, {length}"
    finish = f"{format_clock(span.ends_at, now)}{_between(span, now)}"
    if span.kind is SpanKind.RUNNING:
        return f"since {format_clock(span.starts_at, now)}, ends about {finish}"
    start = format_clock(span.starts_at, now)
    entry = span.entry
    if entry and entry.start_low_at is not None and entry.start_high_at is not None:
        start += f" ({format_clock(entry.start_low_at, now)} to {format_clock(entry.start_high_at, now)})"
    about = "about " if entry and entry.rough else ""
    return f"starts {about}{start}, ends {finish}, {length}"


def _between(span: Span, now: float) -> str:
    entry = span.entry
    if entry is None or entry.finish_low_at is None or entry.finish_high_at is None:
        return ""
    return f" ({format_clock(entry.finish_low_at, now)} to {format_clock(entry.finish_high_at, now)})"


def _why(span: Span, job: Job) -> str:
    if span.kind is SpanKind.PAST and span.attempt:
        outcome = str(span.attempt.outcome.value).replace("_", " ") if span.attempt.outcome else ""
        return f"{outcome}. {plain(span.attempt.explanation)}".strip().capitalize()
    return reason(job, span.entry)


def _why_style(span: Span, job: Job) -> Style:
    failed = span.kind is SpanKind.PAST and span.attempt is not None and span.attempt.outcome == "failed"
    return CAUTION if failed or job.state == "failed" else QUIET


def _booking_rows(booking: Booking, now: float, width: int) -> list[Row]:
    head = pieces(
        (f"booking {booking.id}  ", ink(YELLOW, bold=True)),
        (plain(booking.owner.name), STRONG),
        (f"   {gpus_text(booking.count)}", QUIET),
    )
    length = short_duration(booking.ends_at - booking.starts_at)
    when = f"{format_clock(booking.starts_at, now)} to {format_clock(booking.ends_at, now)}, {length}"
    rows = [head, pieces((when, PLAIN), (f"   {_booking_state(booking)}", QUIET))]
    if booking.note:
        rows += wrapped(plain(booking.note), width, QUIET)
    if booking.job_id is not None:
        rows.append(pieces((f"for job {booking.job_id}", QUIET)))
    return rows


def _booking_state(booking: Booking) -> str:
    match booking.status:
        case Waitlisted():
            return "on the waiting list: it moves up when others let go"
        case Booked():
            return "booked"
        case Open(used_at=used_at):
            return "open now, in use" if used_at else "open now, not used yet"
    return "over"


def gap_rows(gpu: Gpu, tracks: tuple[Span, ...], at: float, now: float) -> list[Row]:
    """A moment at which nothing is on a GPU: since when, and until when."""
    before = max((span.ends_at for span in tracks if span.ends_at <= at), default=None)
    after = following(tracks, at, +1)
    since = f"since {format_clock(before, now)}" if before is not None else "before all that is known"
    until = f"until {format_clock(after.starts_at, now)}" if after else "with nothing planned after it"
    word = "was idle" if at < now else "is free"
    length = f", {short_duration(after.starts_at - before)}" if before is not None and after else ""
    return [
        pieces((f"{format_clock(at, now)}  ", STRONG), (f"GPU {gpu.index} {word} {since}, {until}{length}.", PLAIN)),
        pieces(("[ and ] go to the job before and after.", QUIET)),
    ]


def told_booking(booking: Booking, now: float) -> list[str]:
    """A booking in lines, for a question about it."""
    window = f"{format_clock(booking.starts_at, now)} to {format_clock(booking.ends_at, now)}"
    return [f"{plain(booking.owner.name)}, {gpus_text(booking.count)}, {window}", plain(booking.note)]
