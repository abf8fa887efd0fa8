"""What each GPU did, does and will do, as spans of time: from attempts, from the timetable, from bookings. Pure."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum, auto

from yolotui.core.bookings import Booking
from yolotui.core.jobs import Attempt, Job
from yolotui.core.timetable import Entry
from yolotui.tui.snapshot import Snapshot


class SpanKind(Enum):
    """What a span stands for."""

    PAST = auto()
    RUNNING = auto()
    FORECAST = auto()
    BOOKED = auto()
    GHOST = auto()


@dataclass(frozen=True)
class Span:
    """A job or a booking on one GPU, between two moments (UTC seconds).

    `entry` is the timetable's line behind what is still to come; `attempt` what has come; `booking` who has booked.
    """

    kind: SpanKind
    gpu: str
    starts_at: float
    ends_at: float
    job: Job | None = None
    attempt: Attempt | None = None
    entry: Entry | None = None
    booking: Booking | None = None

    @property
    def owner(self) -> str:
        """Whose it is."""
        who = self.job.owner if self.job else self.booking.owner if self.booking else None
        return who.name if who else ""

    @property
    def group(self) -> str:
        """The group of its job."""
        return self.job.spec.group if self.job else ""

    def overlaps(self, starts_at: float, ends_at: float) -> bool:
        """Whether any of it lies between two moments."""
        return self.starts_at < ends_at and self.ends_at > starts_at


Tracks = Mapping[str, tuple[Span, ...]]
"""The spans of each GPU, by its UUID, in the order in which they start."""


class TrackMaker:
    """Makes tracks. The past of a job is looked at once, however long the queue is."""

    def __init__(self) -> None:
        self._seen: dict[int, Job] = {}
        self._past: dict[str, list[Span]] = {}

    def tracks(self, snapshot: Snapshot, now: float) -> Tracks:
        """What is known by now."""
        for job in snapshot.jobs.values():
            if self._seen.get(job.id) is not job:
                self._take(job)
        published = snapshot.published
        made: dict[str, list[Span]] = {gpu.uuid: [] for gpu in published.host.gpus} if published else {}
        for booking in published.world.bookings if published else ():
            for gpu in booking.gpus:
                span = Span(SpanKind.BOOKED, gpu, booking.starts_at, booking.ends_at, booking=booking)
                made.setdefault(gpu, []).append(span)
        for span in self._now_and_then(snapshot, now):
            made.setdefault(span.gpu, []).append(span)
        return {
            gpu: tuple(sorted((*self._past.get(gpu, ()), *spans), key=lambda span: span.starts_at))
            for gpu, spans in made.items()
        }

    def _take(self, job: Job) -> None:
        """Remember what of a job is over; what was remembered of it before is still so."""
        known = (
            sum(attempt.ended_at is not None for attempt in self._seen[job.id].attempts) if job.id in self._seen else 0
        )
        ended = [attempt for attempt in job.attempts if attempt.ended_at is not None]
        for attempt in ended[known:]:
            for gpu in attempt.gpus:
                if attempt.started_at is not None and attempt.ended_at is not None:
                    span = Span(SpanKind.PAST, gpu, attempt.started_at, attempt.ended_at, job=job, attempt=attempt)
                    self._past.setdefault(gpu, []).append(span)
        self._seen[job.id] = job

    @staticmethod
    def _now_and_then(snapshot: Snapshot, now: float) -> Iterator[Span]:
        """What runs, and what is foreseen."""
        for job in snapshot.active:
            attempt = job.attempts[-1] if job.attempts else None
            entry = snapshot.entries.get(job.id)
            if attempt is None or attempt.started_at is None:
                continue
            ends_at = max(now, entry.finish_at if entry and entry.finish_at else now)
            for gpu in attempt.gpus:
                yield Span(SpanKind.RUNNING, gpu, attempt.started_at, ends_at, job, attempt, entry)
        running = {job.id for job in snapshot.active}
        for entry in snapshot.entries.values():
            planned = snapshot.jobs.get(entry.job_id)
            if planned and not planned.ended and planned.id not in running:
                yield from foreseen(entry, planned)


def foreseen(entry: Entry, job: Job | None, kind: SpanKind = SpanKind.FORECAST) -> Iterator[Span]:
    """A line of a timetable as spans; none where it is not known when."""
    if entry.start_at is not None and entry.finish_at is not None:
        for gpu in entry.gpus:
            yield Span(kind, gpu, entry.start_at, entry.finish_at, job, entry=entry)


def in_view(spans: Iterable[Span], starts_at: float, ends_at: float) -> list[Span]:
    """Those of which anything is seen."""
    return [span for span in spans if span.overlaps(starts_at, ends_at)]


def lanes(spans: Iterable[Span]) -> list[list[Span]]:
    """The spans in as few lanes as they need, so that those in a lane follow each other: a card may be shared."""
    made: list[list[Span]] = []
    for span in spans:
        lane = next((lane for lane in made if lane[-1].ends_at <= span.starts_at + 2.0), None)
        if lane is None:
            made.append([span])
        else:
            lane.append(span)
    return made


def following(spans: tuple[Span, ...], at: float, step: int) -> Span | None:
    """The next (+1) or the one before (-1) the moment `at`, by the start."""
    starts = [span.starts_at for span in spans]
    if step > 0:
        place = bisect_left(starts, at)
        return spans[place] if place < len(spans) else None
    place = bisect_left(starts, at) - 1
    return spans[place] if place >= 0 else None
