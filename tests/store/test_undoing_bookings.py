"""What was done to a booking is taken back exactly, or not at all."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from tests.cli.states import publish
from tests.store.builders import ANNA, command, submission
from yolotui.core.bookings import Booking, BookingRequest
from yolotui.errors import NotPossible
from yolotui.locations import Home
from yolotui.store import Actor, Store

BEN = Actor("ben", 0)
NOW = time.time()
HOUR = 3600.0


@pytest.fixture
def store(home: Home) -> Iterator[Store]:
    """A queue of a machine with two cards, both Anna's for a while."""
    with Store(home) as opened:
        publish(opened, 2, at=NOW)
        book(opened, 10, 20)
        yield opened


def book(store: Store, starts: float, ends: float, actor: Actor = ANNA, *, waitlist: bool = False) -> Booking:
    request = BookingRequest(starts_at=NOW + starts * HOUR, ends_at=NOW + ends * HOUR, count=2)
    return store.verbs.reserve(request, actor, waitlist=waitlist)


def test_a_booking_that_was_made_is_taken_back(store: Store) -> None:
    waiting = book(store, 11, 19, BEN, waitlist=True)
    undone = store.verbs.undo(ANNA)
    assert (undone.verb, undone.booking, undone.jobs) == ("reserve", 1, ())
    assert [booking.id for booking in store.read.bookings()] == [waiting.id]
    assert store.read.booking(waiting.id).holds, "who waited for the window has it"


def test_a_booking_that_was_given_back_is_had_again_unless_others_have_it(store: Store) -> None:
    before = store.read.booking(1)
    store.verbs.unreserve(1, ANNA)
    assert store.verbs.undo(ANNA).verb == "unreserve"
    again = store.read.booking(1)
    assert (again.status, again.gpus) == (before.status, before.gpus)
    store.verbs.unreserve(1, ANNA)
    book(store, 12, 14, BEN)
    with pytest.raises(NotPossible, match="booking 2 of ben has its cards now"):
        store.verbs.undo(ANNA)


def test_windows_and_owners_go_back(store: Store) -> None:
    before = store.read.booking(1)
    store.verbs.submit([submission(command("a"))], BEN)
    store.verbs.extend(1, NOW + 15 * HOUR, ANNA)
    store.verbs.move(1, NOW + 30 * HOUR, NOW + 35 * HOUR, ANNA)
    store.verbs.transfer(1, "ben", ANNA)
    assert [store.verbs.undo(ANNA).verb for _ in range(3)] == ["transfer", "move", "extend"]
    after = store.read.booking(1)
    assert (after.starts_at, after.ends_at, after.owner, after.gpus) == (
        before.starts_at,
        before.ends_at,
        before.owner,
        before.gpus,
    )


def test_what_has_moved_on_is_left_alone(store: Store) -> None:
    store.verbs.extend(1, NOW + 15 * HOUR, ANNA)
    store.verbs.extend(1, NOW + 16 * HOUR, BEN)
    with pytest.raises(NotPossible, match="no longer as 'extend' left it"):
        store.verbs.undo(ANNA)
    book(store, 18, 20, BEN)
    store.verbs.extend(1, NOW + 14 * HOUR, ANNA)
    store.verbs.undo(ANNA)
    assert store.read.booking(1).ends_at == NOW + 16 * HOUR
    store.verbs.unreserve(1, BEN)
    with pytest.raises(NotPossible, match="it is over"):
        store.verbs.undo(ANNA)


def test_a_deadline_goes_back(store: Store) -> None:
    (job,) = store.verbs.submit([submission(command("a"))], ANNA)
    store.verbs.set_deadline([job], NOW + HOUR, ANNA)
    store.verbs.set_deadline([job], None, ANNA)
    assert store.verbs.undo(ANNA).jobs == (job,)
    assert store.read.job(job).deadline_at == NOW + HOUR
    store.verbs.undo(ANNA)
    assert store.read.job(job).deadline_at is None
