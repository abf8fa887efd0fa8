"""A look at a booking that is being written: can it be had, what is free instead, whom would it move, and where."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from msgspec.structs import replace

from yolotui.booking_words import conflict_sentence
from yolotui.core.bookings import Booked, Booking, BookingRequest
from yolotui.core.free_windows import burdens, place
from yolotui.core.jobs import Owner
from yolotui.core.whatif import Difference
from yolotui.errors import NotPossible, WrongUse
from yolotui.queue import Queue
from yolotui.store import Actor, BookingConflict
from yolotui.tui.examining import moves_told
from yolotui.tui.tracks import Span, SpanKind, foreseen
from yolotui.units import duration, format_clock, moment

KEYS = ("from", "for", "gpus", "note")
WAIT_KEY = "f2"
"""Letters are words in the dialog: so this key puts it on the waitlist."""


@dataclass(frozen=True)
class BookingLook:
    """What is known of the texts. Without a `request` they mean nothing yet; `free`: it can be had as it stands.

    `held`: others have the window of a new booking, which can be put on the waitlist.
    `ghosts` are the window itself and the jobs that it would move, where they would then be.
    """

    texts: Mapping[str, str]
    request: BookingRequest | None = None
    free: bool = False
    held: bool = False
    sentences: tuple[str, ...] = ()
    ghosts: tuple[Span, ...] = field(default=())


def look(texts: Mapping[str, str], queue: Queue, now: float, moving: Booking | None) -> BookingLook:
    """Read the texts and look ahead; `moving` is a booking that is given another window, not a new one."""
    try:
        request = _request(texts, queue, now, moving)
    except (WrongUse, ValueError) as error:
        return BookingLook(texts, sentences=(str(error),))
    others = [booking for booking in queue.bookings() if moving is None or booking.id != moving.id]
    try:
        difference = None if moving else queue.what_if_reserved(request)
    except BookingConflict as error:
        said = conflict_sentence(error.conflict, queue.cards(), now)
        return BookingLook(texts, request, held=True, sentences=(f"{WAIT_KEY.upper()} waits for it. {said}",))
    except (NotPossible, WrongUse) as error:
        return BookingLook(texts, request, sentences=tuple(str(error).splitlines()))
    published = queue.published()
    burden = burdens(published.world, published.timetable, request) if published else {}
    placement = place(request, queue.cards(), others, burden)
    if placement is None:
        conflict = queue.booking_conflict(request)
        free = [format_clock(span.starts_at, now) for span in conflict.free] if conflict else []
        instead = f" Free from {', '.join(free)}." if free else ""
        return BookingLook(texts, request, sentences=(f"Others hold that window.{instead}",))
    window = _window(request, placement.gpus, moving, now)
    told = moves_told(difference, queue, now) if difference else []
    ghosts = (*window, *(_moved(difference, queue) if difference else ()))
    until = f"{format_clock(request.starts_at, now)} to {format_clock(request.ends_at, now)}"
    cards = {card.uuid: card.index for card in queue.cards()}
    where = ", ".join(sorted(str(cards.get(gpu, "?")) for gpu in placement.gpus))
    return BookingLook(texts, request, free=True, sentences=(f"{until}, on GPU {where}.", *told), ghosts=ghosts)


def _request(texts: Mapping[str, str], queue: Queue, now: float, moving: Booking | None) -> BookingRequest:
    """What is asked for. Raises WrongUse or ValueError with a sentence."""
    starts_at = moment(texts["from"], now)
    if texts["for"].strip().isdecimal():
        raise ValueError(f"{texts['for']!r} says no unit: write {texts['for'].strip()}h")
    ends_at = starts_at + duration(texts["for"])
    if moving:
        return replace(moving.request, starts_at=starts_at, ends_at=ends_at)
    words = texts["gpus"].replace(",", " ").split()
    if "," in texts["gpus"] or any(not word.isdecimal() for word in words):
        return queue.booking_request(starts_at, ends_at, on=words, note=texts["note"].strip())
    return queue.booking_request(starts_at, ends_at, gpus=int(words[0]) if words else 1, note=texts["note"].strip())


def _window(request: BookingRequest, gpus: tuple[str, ...], moving: Booking | None, now: float) -> tuple[Span, ...]:
    """The window on its cards, as it would stand on the tracks."""
    actor = Actor.current()
    owner = moving.owner if moving else Owner(actor.name, actor.uid)
    booking = Booking(id=0, owner=owner, starts_at=request.starts_at, ends_at=request.ends_at, count=request.count,
                      gpus=gpus, note=request.note, made_at=now, status=Booked(now))  # fmt: skip
    return tuple(Span(SpanKind.GHOST, gpu, booking.starts_at, booking.ends_at, booking=booking) for gpu in gpus)


def _moved(difference: Difference, queue: Queue) -> list[Span]:
    """The jobs that would start at another time, where they would then be."""
    entries = difference.timetable.by_job()
    ids = [move.job_id for move in difference.moves if move.job_id in entries]
    jobs = {job.id: job for job in queue.jobs(ids=ids)}
    return [span for job_id in ids for span in foreseen(entries[job_id], jobs.get(job_id), SpanKind.GHOST)]
