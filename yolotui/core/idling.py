"""Why a card was idle: what the planner said at the time, and where nobody planned, what is on record. Pure.

Times are UTC seconds.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import zip_longest
from math import inf

from msgspec import Struct
from msgspec.structs import replace

from yolotui.core.bookings import Booking, Over, Waitlisted
from yolotui.core.gpus import Excluded, Foreign, Gpu, Lost
from yolotui.core.jobs import Job
from yolotui.core.reporting import SHORTEST_GAP_S, IdleGap, left_queue_at
from yolotui.core.standstill import Standstill
from yolotui.core.timetable import Demand, Entry, Timetable, World

_AT_REST = frozenset({"held", "paused"})


class Idleness(Struct, frozen=True):
    """Why a card is idle. `job` is who would have come next, `why` what the planner said of that job or of the card."""

    cause: Standstill
    job: int | None = None
    why: str = ""


class Recorded(Struct, frozen=True):
    """A card's idleness from `since` on, until another one is recorded for it; None: it is in use again."""

    gpu: str
    since: float
    idleness: Idleness | None


class Span(Struct, frozen=True):
    """A stretch of time."""

    since: float
    until: float

    def overlap(self, other: Span | IdleGap) -> float:
        """How many seconds they have in common."""
        return max(0.0, min(self.until, other.until) - max(self.since, other.since))


class Piece(Struct, frozen=True):
    """A part of a gap that has one cause."""

    since: float
    until: float
    idleness: Idleness


# What the planner says


def idle_cards(world: World, timetable: Timetable) -> dict[str, Idleness]:
    """Why each card that nobody has is idle: by UUID."""
    taken = {uuid for demand in world.demands for uuid in demand.holding}
    if taken.issuperset(gpu.uuid for gpu in world.gpus):
        return {}
    resting = frozenset(timetable.resting)
    nexts = _Nexts(world.demands, timetable)
    return {
        gpu.uuid: _matter_of_the_card(gpu, world.bookings, timetable.made_at, is_hot=gpu.uuid in resting)
        or nexts.on(gpu.uuid)
        for gpu in world.gpus
        if gpu.uuid not in taken
    }


def _matter_of_the_card(gpu: Gpu, bookings: Iterable[Booking], now: float, *, is_hot: bool) -> Idleness | None:
    """What keeps everybody, or everybody but one, from the card."""
    match gpu.availability:
        case Excluded(reason=reason):
            return Idleness(Standstill.DRAINED, why=reason)
        case Lost(reason=reason):
            return Idleness(Standstill.LOST, why=reason)
        case Foreign(owners=owners):
            return Idleness(Standstill.FOREIGN, why=", ".join(owners))
    if is_hot:
        return Idleness(Standstill.HOT, why=f"{gpu.temperature_c} °C")
    open_ones = (each for each in bookings if each.holds and each.starts_at <= now < each.kept_until)
    whose = (f"booking {each.id} of {each.owner.name}" for each in open_ones if gpu.uuid in each.gpus)
    return next((Idleness(Standstill.BOOKED, why=who) for who in whose), None)


class _Nexts:
    """Who comes next on each card, and what keeps that job from starting."""

    def __init__(self, demands: Iterable[Demand], timetable: Timetable) -> None:
        entries = timetable.by_job()
        waiting = [demand for demand in demands if demand.gpus and not demand.holding and demand.job_id in entries]
        first = min(waiting, key=_turn, default=None)
        self._first = entries[first.job_id] if first else None
        self._next: dict[str, Entry] = {}
        for entry in sorted((entries[demand.job_id] for demand in waiting), key=_start):
            for uuid in entry.gpus:
                self._next.setdefault(uuid, entry)

    def on(self, uuid: str) -> Idleness:
        """What the card that is asked for waits for."""
        entry = self._next.get(uuid) or self._first
        if entry is None:
            return Idleness(Standstill.NOTHING_WAITED)
        if entry.why is None:  # it starts as soon as it has been checked
            return Idleness(Standstill.CHECK, entry.job_id)
        return Idleness(entry.why.cause, entry.job_id, entry.why.sentence)


def _start(entry: Entry) -> float:
    return inf if entry.start_at is None else entry.start_at


def _turn(demand: Demand) -> tuple[bool, int, float, int]:
    """Who is said to wait where the timetable gives a card to nobody: who wants to start, before who is kept back."""
    return demand.state in _AT_REST, demand.priority, demand.submitted_at, demand.job_id


# What is on record


class Deed(Struct, frozen=True):
    """A row of the audit log, as far as idleness goes. `alone_since`: the leader before was last seen then."""

    at: float
    verb: str
    gpu: str = ""
    alone_since: float | None = None


class Circumstances(Struct, frozen=True, kw_only=True):
    """What is known of the time beside the planner's word: cards out of use, nobody leading, bookings, the queue."""

    out_of_use: Mapping[str, Sequence[Span]]
    leaderless: Sequence[Span]
    bookings: Sequence[Booking]
    jobs: Sequence[Job]


def circumstances(
    deeds: Iterable[Deed], bookings: Sequence[Booking], jobs: Sequence[Job], last_seen_at: float | None, until: float
) -> Circumstances:
    """From the audit log, the oldest row first. `last_seen_at` is when a leader last published anything."""
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
                alone_since = left_at if left_at is not None else deed.alone_since
                if alone_since is not None:
                    leaderless.append(Span(alone_since, deed.at))
                left_at = None
            case "leave":
                left_at = deed.at
    for gpu, at in closed_at.items():
        out.setdefault(gpu, []).append(Span(at, until))
    alone_since = left_at if left_at is not None else last_seen_at
    if alone_since is not None and alone_since < until:
        leaderless.append(Span(alone_since, until))
    return Circumstances(out_of_use=out, leaderless=leaderless, bookings=bookings, jobs=jobs)


def pieces(gap: IdleGap, gpu: str, record: Iterable[Recorded], around: Circumstances) -> list[Piece]:
    """A gap in pieces, each with its cause: while somebody led as it was planned, else from what is on record.

    `record` is that of the card, the oldest first. Pieces of less than a minute go with the one before.
    """
    found: list[Piece] = []
    at = gap.since
    for piece in [
        *_of_planner(gap, record, around.leaderless),
        Piece(gap.until, gap.until, Idleness(Standstill.NOT_RECORDED)),
    ]:
        if piece.since - at >= SHORTEST_GAP_S:
            found.append(Piece(at, piece.since, Idleness(_from_records(Span(at, piece.since), gpu, around))))
            at = piece.since
        if piece.until > piece.since:
            found.append(replace(piece, since=at))
            at = piece.until
    if not found:
        return [Piece(gap.since, gap.until, Idleness(_from_records(gap, gpu, around)))]
    return _joined([*found[:-1], replace(found[-1], until=gap.until)])


def _of_planner(gap: IdleGap, record: Iterable[Recorded], leaderless: Iterable[Span]) -> Iterator[Piece]:
    """What was recorded of the gap, as far as somebody led: a leader that was killed takes nothing back."""
    rows, alone = list(record), sorted(leaderless, key=lambda span: span.since)
    for row, following in zip_longest(rows, rows[1:]):
        since, until = max(row.since, gap.since), min(following.since if following else inf, gap.until)
        if row.idleness is None:
            continue
        for span in alone:
            if span.since < until and span.until > since:
                if span.since > since:
                    yield Piece(since, span.since, row.idleness)
                since = span.until
        if until > since:
            yield Piece(since, until, row.idleness)


def _joined(found: Sequence[Piece]) -> list[Piece]:
    joined: list[Piece] = []
    for piece in found:
        last = joined[-1] if joined else None
        is_same = last and (last.idleness.cause, last.idleness.job) == (piece.idleness.cause, piece.idleness.job)
        if last and (is_same or piece.until - piece.since < SHORTEST_GAP_S):
            joined[-1] = replace(last, until=piece.until)
        else:
            joined.append(piece)
    return joined


def _from_records(gap: Span | IdleGap, gpu: str, around: Circumstances) -> Standstill:
    """What holds for more than half of a stretch of which no planner has said anything, the strongest first."""
    half = (gap.until - gap.since) / 2
    if sum(span.overlap(gap) for span in around.out_of_use.get(gpu, ())) > half:
        return Standstill.DRAINED
    if sum(_window(booking).overlap(gap) for booking in around.bookings if gpu in booking.gpus) > half:
        return Standstill.BOOKED
    if not any(_waits_at(job, gap.since) for job in around.jobs):
        return Standstill.NOTHING_WAITED
    if sum(span.overlap(gap) for span in around.leaderless) > half:
        return Standstill.NO_SCHEDULER
    return Standstill.NOT_RECORDED


def _window(booking: Booking) -> Span:
    """When its cards were kept for it."""
    if isinstance(booking.status, Waitlisted):
        return Span(0.0, 0.0)
    over_at = booking.status.since if isinstance(booking.status, Over) else booking.ends_at
    return Span(booking.starts_at, min(booking.ends_at, over_at))


def _waits_at(job: Job, at: float) -> bool:
    left = left_queue_at(job)
    return job.spec.gpus > 0 and job.submitted_at <= at and (left is None or left > at)
