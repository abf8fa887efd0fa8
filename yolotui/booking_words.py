"""How bookings and what stands in their way read to people: the same words wherever they are shown. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from yolotui.core.bookings import Booking, BookingRequest
from yolotui.core.free_windows import Conflict
from yolotui.core.gpus import Gpu
from yolotui.core.planning.saying import gpus_text
from yolotui.units import format_clock

NAMED_AT_MOST = 4


def named(booking: Booking) -> str:
    """`booking 3 of anna`."""
    return f"booking {booking.id} of {booking.owner.name}"


def span_text(starts_at: float, ends_at: float, now: float) -> str:
    """`tomorrow 22:00 to Mon 06:00`."""
    return f"{format_clock(starts_at, now)} to {format_clock(ends_at, now)}"


def cards_text(booking: Booking, cards: Iterable[Gpu]) -> str:
    """`GPU 0, 3`; of one that has none yet `3 GPUs`."""
    return names_text(booking.gpus, cards) if booking.gpus else _count_text(booking.count, booking.gpu_model)


def names_text(uuids: Iterable[str], cards: Iterable[Gpu]) -> str:
    """`GPU 0, 3`: cards by their index, as far as they are known."""
    index = {card.uuid: str(card.index) for card in cards}
    return f"GPU {', '.join(sorted((index.get(uuid, uuid) for uuid in uuids), key=lambda text: (len(text), text)))}"


def conflict_sentence(conflict: Conflict, cards: Sequence[Gpu], now: float) -> str:
    """Who holds the window, until when, and the nearest ones that are free."""
    request = conflict.request
    parts = [f"{_wanted(request, cards)} can't be had from {span_text(request.starts_at, request.ends_at, now)}."]
    for rival in conflict.rivals[:NAMED_AT_MOST]:
        span = f"{span_text(rival.starts_at, rival.ends_at, now)} (kept until {format_clock(rival.kept_until, now)})"
        parts.append(f"Booking {rival.id} of {rival.owner.name} has {names_text(rival.gpus, cards)} from {span}.")
    if len(conflict.rivals) > NAMED_AT_MOST:
        parts.append(f"And {len(conflict.rivals) - NAMED_AT_MOST} more.")
    parts += [f"GPU {card.index} is out of use then{_closing(card, now)}." for card in conflict.closed]
    if conflict.free:
        spans = "; ".join(span_text(span.starts_at, span.ends_at, now) for span in sorted(conflict.free))
        parts.append(f"Free instead: {spans}.")
    return " ".join(parts)


def _wanted(request: BookingRequest, cards: Sequence[Gpu]) -> str:
    if request.gpus:
        return names_text(request.gpus, cards)
    return _count_text(request.count, request.gpu_model)


def _count_text(count: int, model: str) -> str:
    kind = f" called {model!r}" if model else ""
    return f"{gpus_text(count)}{kind}"


def _closing(card: Gpu, now: float) -> str:
    return f" (from {format_clock(card.closes_at, now)} on)" if card.closes_at is not None else ""
