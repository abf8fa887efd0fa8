"""Where a booking finds room, whatever has been booked already."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from yolotui.core.bookings import Booked, Booking, BookingRequest
from yolotui.core.free_windows import burdens, find_conflict, free_windows, latest_end, place
from yolotui.core.gpus import Excluded, Gpu
from yolotui.core.jobs import Owner, Priority
from yolotui.core.timetable import Demand, Entry, Estimate, Timetable, World

CARDS = tuple(Gpu(uuid=f"GPU-{n}", index=n, name="RTX 4090" if n < 3 else "A100") for n in range(4))
NOW = 1_000_020.0  # not on a minute
HOUR = 3600.0

requests = st.builds(
    lambda starts, length, count, pin: BookingRequest(
        starts_at=NOW + starts * 1800,
        ends_at=NOW + (starts + length) * 1800,
        count=count,
        gpus=tuple(card.uuid for card in CARDS[:count]) if pin else (),
    ),
    st.integers(0, 40),
    st.integers(1, 20),
    st.integers(1, 4),
    st.booleans(),
)


def booked(number: int, request: BookingRequest, gpus: Sequence[str]) -> Booking:
    return Booking(
        id=number,
        owner=Owner("anna", 0),
        starts_at=request.starts_at,
        ends_at=request.ends_at,
        count=request.count,
        gpus=tuple(gpus),
        pinned=bool(request.gpus),
        made_at=NOW,
        status=Booked(NOW),
    )


def made(wanted: Sequence[BookingRequest]) -> list[Booking]:
    """Book one after the other, as far as there is room."""
    bookings: list[Booking] = []
    for number, request in enumerate(wanted, start=1):
        placement = place(request, CARDS, bookings)
        if placement is None:
            continue
        bookings = [replace(each, gpus=placement.moved.get(each.id, each.gpus)) for each in bookings]
        bookings.append(booked(number, request, placement.gpus))
    return bookings


@settings(deadline=None)
@given(st.lists(requests, max_size=10))
def test_no_two_bookings_ever_have_a_card_at_the_same_time(wanted: Sequence[BookingRequest]) -> None:
    bookings = made(wanted)
    for one in bookings:
        assert len(set(one.gpus)) == one.count
        assert not one.pinned or one.gpus == one.request.gpus
        for other in bookings:
            assert one is other or not (one.meets(other) and set(one.gpus) & set(other.gpus))


@settings(deadline=None)
@given(st.lists(requests, max_size=8), requests)
def test_three_windows_are_always_offered_and_can_be_had(
    wanted: Sequence[BookingRequest], request: BookingRequest
) -> None:
    bookings = made(wanted)
    spans = free_windows(request, CARDS, bookings, NOW)
    assert len(spans) == 3
    for span in spans:
        assert span.starts_at >= NOW
        assert abs(span.ends_at - span.starts_at - (request.ends_at - request.starts_at)) < 1e-6
        there = replace(request, starts_at=span.starts_at, ends_at=span.ends_at)
        assert place(there, CARDS, bookings) is not None
    if place(request, CARDS, bookings) is not None:
        assert spans[0].starts_at == request.starts_at, "what was asked for is nearest"
        assert find_conflict(request, CARDS, bookings, NOW) is None
    else:
        conflict = find_conflict(request, CARDS, bookings, NOW)
        assert conflict is not None
        assert conflict.rivals, "somebody is in the way"


def test_nobody_is_disturbed_without_need() -> None:
    request = BookingRequest(starts_at=NOW + HOUR, ends_at=NOW + 3 * HOUR, count=2)
    demands = (running(1, "GPU-0", resumable=False), running(2, "GPU-1", resumable=True), running(3, "GPU-2"))
    entries = tuple(Entry(job_id=n, finish_at=NOW + (0.5 if n == 3 else 9) * HOUR) for n in (1, 2, 3))
    burden = burdens(World(gpus=CARDS, demands=demands), Timetable(made_at=NOW, entries=entries), request)
    placement = place(request, CARDS, (), burden)
    assert placement is not None
    assert placement.gpus == ("GPU-2", "GPU-3"), "what has ended by then is no burden"
    everything = place(replace(request, count=3), CARDS, (), burden)
    assert everything is not None
    assert set(everything.gpus) == {"GPU-1", "GPU-2", "GPU-3"}, "what goes on later rather than what is lost"


def running(job: int, gpu: str, *, resumable: bool = True) -> Demand:
    return Demand(
        job_id=job,
        name=f"j{job}",
        priority=Priority.P2,
        submitted_at=NOW,
        gpus=1,
        estimate=Estimate(HOUR, ""),
        state="running",
        holding=(gpu,),
        resumable=resumable,
    )


def test_a_model_is_had_on_its_cards_only() -> None:
    request = BookingRequest(starts_at=NOW, ends_at=NOW + HOUR, count=1, gpu_model="a100")
    first = place(request, CARDS, ())
    assert first is not None
    assert first.gpus == ("GPU-3",)
    loose = booked(1, replace(request, gpu_model="", count=1), ("GPU-3",))
    second = place(request, CARDS, [loose])
    assert second is not None
    assert (second.gpus, second.moved) == (("GPU-3",), {1: ("GPU-0",)}), "who is not picky moves"


def test_cards_out_of_use_are_not_booked_but_bookings_on_them_stay() -> None:
    request = BookingRequest(starts_at=NOW, ends_at=NOW + HOUR, count=1)
    out = replace(CARDS[0], availability=Excluded("drained"))
    closing = replace(CARDS[1], closes_at=NOW + HOUR / 2)
    cards = (out, closing, *CARDS[2:])
    kept = booked(1, replace(request, count=1), ("GPU-0",))
    others = [kept, booked(2, request, ("GPU-2",)), booked(3, replace(request, gpu_model="A100"), ("GPU-3",))]
    conflict = find_conflict(request, cards, others, NOW)
    assert conflict is not None
    assert [card.index for card in conflict.closed] == [0, 1]
    assert place(request, cards, others[:2]) is not None


def test_until_when_a_booking_can_last() -> None:
    one = booked(1, BookingRequest(starts_at=NOW, ends_at=NOW + HOUR, count=1), ("GPU-0",))
    other = booked(2, BookingRequest(starts_at=NOW + 11 * HOUR, ends_at=NOW + 12 * HOUR, count=1), ("GPU-0",))
    assert latest_end(one, CARDS, [one, other]) == NOW + 10 * HOUR, "its buffer ends where the other begins"
    assert latest_end(one, [replace(CARDS[0], closes_at=NOW + 5 * HOUR)], [one, other]) == NOW + 5 * HOUR
    assert latest_end(other, CARDS, [one, other]) is None
