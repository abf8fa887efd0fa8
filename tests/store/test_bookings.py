"""A window on GPUs: who gets it, who waits for it, and what becomes of it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator

import pytest
from msgspec.structs import replace

from tests.cli.states import publish
from tests.store.builders import ANNA, command, submission
from yolotui.core.bookings import Booked, BookingRequest, Ending, Open, Over
from yolotui.core.jobs import Attempt, Cancelled
from yolotui.errors import NoSuchBooking, NotPossible, WrongUse
from yolotui.locations import Home
from yolotui.store import Actor, BookingConflict, Store

HOUR = 3600.0
BEN = Actor("ben", 0)
STRANGER = Actor("eve", os.getuid() + 1)


class Clock:
    """A clock that stands still unless it is told to go on."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now

    def after(self, hours: float) -> float:
        """The moment so many hours from now."""
        return self.now + hours * HOUR


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(home: Home, clock: Clock) -> Iterator[Store]:
    """A queue of a machine with four cards, as a leader has seen it."""
    with Store(home, clock=clock) as opened:
        publish(opened, 4, at=clock.now)
        yield opened


Ask = Callable[..., BookingRequest]


@pytest.fixture
def ask(clock: Clock) -> Ask:
    """Ask for cards, from and to so many hours from now."""

    def request(starts: float, ends: float, count: int = 1, **details: object) -> BookingRequest:
        return BookingRequest(starts_at=clock.after(starts), ends_at=clock.after(ends), count=count, **details)  # type: ignore[arg-type]

    return request


def trail(store: Store) -> list[str]:
    return [row.verb for row in store.read.audit() if "booking" in row.detail]


def apart(store: Store) -> bool:
    """Whether no two bookings have a card at the same time."""
    held = [booking for booking in store.read.bookings() if booking.holds]
    return not any(set(a.gpus) & set(b.gpus) and a.meets(b) for a in held for b in held if a is not b)


def test_a_booking_gets_cards_and_is_on_record(store: Store, ask: Ask) -> None:
    made = store.verbs.reserve(ask(10, 18, 2, note="demo for the board"), ANNA)
    (kept,) = store.read.bookings()
    assert kept == made == store.read.booking(made.id)
    assert (kept.owner.name, kept.gpus, kept.state, kept.note) == (
        "anna",
        ("GPU-0", "GPU-1"),
        "booked",
        "demo for the board",
    )
    assert kept.kept_until == pytest.approx(kept.ends_at + 0.8 * HOUR)
    assert trail(store) == ["reserve"]


def test_a_conflict_names_who_and_when_and_the_nearest_free_windows(store: Store, ask: Ask, clock: Clock) -> None:
    store.verbs.reserve(ask(10, 20, 3), ANNA)
    with pytest.raises(
        BookingConflict, match=r"2 GPUs can't be had .* Booking 1 of anna has GPU 0, 1, 2 from"
    ) as refused:
        store.verbs.reserve(ask(12, 16, 2), BEN)
    conflict = refused.value.conflict
    assert [rival.id for rival in conflict.rivals] == [1]
    hours = sorted((span.starts_at - clock.now) / HOUR for span in conflict.free)
    # Right before (with a buffer of 24 min), before that, and right after the buffer of the other.
    assert hours == pytest.approx([1.2, 5.6, 21], abs=1 / 60)
    assert len(store.read.bookings()) == 1
    for span in conflict.free:
        request = replace(ask(0, 1, 2), starts_at=span.starts_at, ends_at=span.ends_at)
        assert store.verbs.reserve(request, BEN).holds, "what is offered can be had"


def test_two_windows_are_apart_by_the_buffer(store: Store, ask: Ask) -> None:
    store.verbs.reserve(ask(10, 20, 4), ANNA)
    with pytest.raises(BookingConflict):
        store.verbs.reserve(ask(20, 24, 1), BEN)
    with pytest.raises(BookingConflict):
        store.verbs.reserve(ask(6, 9.8, 1), BEN)
    assert store.verbs.reserve(ask(21, 24, 4), BEN).holds
    assert store.verbs.reserve(ask(0, 9, 4), BEN).holds


def test_other_bookings_change_cards_where_that_makes_room(store: Store, ask: Ask) -> None:
    store.verbs.reserve(ask(1, 3, 2), ANNA)
    later = store.verbs.reserve(replace(ask(5, 8, 2), gpus=("GPU-2", "GPU-3")), ANNA)
    loose = store.verbs.reserve(ask(5, 8, 1), ANNA)
    assert loose.gpus == ("GPU-0",)
    made = store.verbs.reserve(ask(1, 8, 1), BEN)
    assert store.read.booking(later.id).gpus == later.gpus, "a person named these"
    assert made.gpus[0] not in later.gpus
    assert [row.detail["booking"] for row in store.read.audit() if row.verb == "rebind"]
    assert apart(store)


def test_named_cards_stay(store: Store, ask: Ask) -> None:
    store.verbs.reserve(ask(1, 4, 1), ANNA)
    made = store.verbs.reserve(ask(1, 4, 1, gpus=("GPU-0",)), BEN)
    assert (made.gpus, made.pinned) == (("GPU-0",), True)
    assert store.read.booking(1).gpus != ("GPU-0",), "who named none moves to another card"
    with pytest.raises(BookingConflict, match="GPU 0 can't be had"):
        store.verbs.reserve(ask(2, 5, 1, gpus=("GPU-0",)), ANNA)


def test_who_was_told_of_a_booking_was_told_right(store: Store, ask: Ask) -> None:
    """Once people were warned, or it is open, a booking keeps its cards."""
    store.verbs.reserve(ask(1, 4, 1), ANNA)
    assert store.ledger.booking_warned(1)
    with pytest.raises(BookingConflict):
        store.verbs.reserve(ask(1, 4, 1, gpus=("GPU-0",)), BEN)


def test_the_machine_is_only_so_large(store: Store, ask: Ask, home: Home, clock: Clock) -> None:
    with pytest.raises(WrongUse, match="has 4 GPUs, fewer than 5 GPUs"):
        store.verbs.reserve(ask(1, 4, 5), ANNA)
    with pytest.raises(WrongUse, match="has no GPUs called 'H100'"):
        store.verbs.reserve(ask(1, 4, 1, gpu_model="H100"), ANNA)
    with pytest.raises(WrongUse, match="must end after"):
        store.verbs.reserve(ask(4, 4), ANNA)
    with pytest.raises(WrongUse, match="1h ago"):
        store.verbs.reserve(ask(-1, 4), ANNA)
    with pytest.raises(WrongUse, match="more than a year"):
        store.verbs.reserve(ask(10_000, 10_004), ANNA)
    store.verbs.smallest_booking_s = 2 * HOUR
    with pytest.raises(WrongUse, match=r"lasts 2h at least.*would last 1h"):
        store.verbs.reserve(ask(1, 2), ANNA)
    with Store(Home(home.root / "other"), clock=clock) as unseen, pytest.raises(NotPossible, match="scheduler start"):
        unseen.verbs.reserve(ask(1, 4), ANNA)


def test_a_drained_card_is_not_booked(store: Store, ask: Ask, clock: Clock) -> None:
    store.verbs.drain(["GPU-0"], ANNA)
    store.verbs.drain(["GPU-1"], ANNA, at=clock.after(6))
    assert store.verbs.reserve(ask(1, 5, 1), ANNA).gpus == ("GPU-1",)
    with pytest.raises(BookingConflict, match=r"GPU 0 is out of use then\. GPU 1 is out of use then \(from .* on\)"):
        store.verbs.reserve(ask(1, 8, 3), ANNA)


def test_the_waitlist_moves_up_the_oldest_first(store: Store, ask: Ask, clock: Clock) -> None:
    first = store.verbs.reserve(ask(10, 20, 4), ANNA)
    clock.now += 1
    wide = store.verbs.reserve(ask(10, 18, 3), BEN, waitlist=True)
    clock.now += 1
    narrow = store.verbs.reserve(ask(12, 14, 2), ANNA, waitlist=True)
    small = store.verbs.reserve(ask(12, 14, 1), BEN, waitlist=True)
    assert [booking.state for booking in (wide, narrow, small)] == ["waitlisted"] * 3
    moved_up = store.verbs.unreserve(first.id, ANNA)
    assert [(booking.id, len(booking.gpus)) for booking in moved_up] == [(wide.id, 3), (small.id, 1)]
    assert [store.read.booking(each.id).state for each in (wide, narrow, small)] == ["booked", "waitlisted", "booked"]
    assert trail(store)[-3:] == ["unreserve", "move-up", "move-up"]
    assert store.verbs.reserve(ask(30, 40, 4), BEN, waitlist=True).holds, "nobody waits for what is free"


def test_what_the_leader_ends_goes_to_the_waitlist_too(store: Store, ask: Ask, clock: Clock) -> None:
    store.verbs.reserve(ask(0, 10, 4), ANNA)
    store.verbs.reserve(ask(1, 9, 4), BEN, waitlist=True)
    store.verbs.reserve(ask(0, 1, 4), BEN, waitlist=True)
    assert store.ledger.open_booking(1)
    clock.now += 2 * HOUR
    (moved_up,) = store.ledger.end_booking(1, Ending.EXPIRED, "nobody used it")
    assert (moved_up.id, moved_up.starts_at, moved_up.state) == (2, clock.now, "booked")
    missed = store.read.booking(3).status
    assert isinstance(missed, Over)
    assert missed.ending is Ending.MISSED
    assert store.ledger.end_booking(1, Ending.ENDED) == [], "over is over"
    assert [b.id for b in store.read.bookings()] == [2]
    assert [b.id for b in store.read.bookings(over=True)] == [1, 3, 2]


def test_a_shorter_booking_makes_room(store: Store, ask: Ask, clock: Clock) -> None:
    store.verbs.reserve(ask(10, 20, 4), ANNA)
    store.verbs.reserve(ask(16, 20, 4), BEN, waitlist=True)
    (moved_up,) = store.verbs.extend(1, clock.after(15), ANNA)
    assert moved_up.id == 2
    with pytest.raises(BookingConflict, match=r"Booking 2 of ben .* can last until .* at most") as refused:
        store.verbs.extend(1, clock.after(17), ANNA)
    assert refused.value.conflict.rivals[0].id == 2
    assert store.read.booking(1).ends_at == clock.after(15)
    with pytest.raises(NotPossible, match="unreserve"):
        store.verbs.extend(1, clock.after(9), ANNA)


def test_extending_keeps_the_cards_and_lets_others_change_theirs(store: Store, ask: Ask, clock: Clock) -> None:
    store.verbs.reserve(ask(1, 4, 2), ANNA)
    store.verbs.reserve(ask(6, 8, 2), BEN)
    assert store.read.booking(2).gpus == ("GPU-0", "GPU-1")
    store.verbs.extend(1, clock.after(7), ANNA)
    assert [booking.gpus for booking in store.read.bookings()] == [("GPU-0", "GPU-1"), ("GPU-2", "GPU-3")]


def test_a_booking_moves_to_another_window_if_it_is_free(store: Store, ask: Ask, clock: Clock) -> None:
    store.verbs.reserve(ask(10, 14, 3), ANNA)
    store.verbs.reserve(ask(20, 24, 3), BEN)
    with pytest.raises(BookingConflict, match="Booking 2 of ben"):
        store.verbs.move(1, clock.after(19), clock.after(23), ANNA)
    store.verbs.move(1, clock.after(12), clock.after(16), ANNA)
    assert (store.read.booking(1).starts_at, store.read.booking(1).gpus) == (
        clock.after(12),
        ("GPU-0", "GPU-1", "GPU-2"),
    )
    clock.now = clock.after(13)
    assert store.ledger.open_booking(1)
    with pytest.raises(NotPossible, match=r"has begun: `yolotui extend`"):
        store.verbs.move(1, clock.after(4), clock.after(8), ANNA)


def test_a_booking_is_given_to_somebody_known(store: Store, ask: Ask) -> None:
    store.verbs.reserve(ask(1, 4), ANNA)
    with pytest.raises(WrongUse, match="did you mean 'anna'"):
        store.verbs.transfer(1, "annna", ANNA)
    store.verbs.submit([submission(command("a"))], BEN)
    assert store.verbs.transfer(1, "ben", ANNA).owner.name == "ben"
    assert store.verbs.transfer(1, "root", BEN).owner.uid == 0
    row = store.read.audit()[-1]
    assert (row.verb, row.detail["before"]["owner"], row.detail["after"]["owner"]) == ("transfer", "ben", "root")


def test_only_its_owner_changes_a_booking(store: Store, ask: Ask, clock: Clock) -> None:
    store.verbs.reserve(ask(1, 4), ANNA)
    for change in (
        lambda: store.verbs.unreserve(1, STRANGER),
        lambda: store.verbs.extend(1, clock.after(5), STRANGER),
        lambda: store.verbs.move(1, clock.after(2), clock.after(5), STRANGER),
        lambda: store.verbs.transfer(1, "root", STRANGER),
    ):
        with pytest.raises(NotPossible, match="booking 1 of anna belongs to anna"):
            change()
    theirs = store.verbs.reserve(ask(1, 4), STRANGER)
    assert store.verbs.unreserve(theirs.id, ANNA) == [], "root may"
    with pytest.raises(NotPossible, match=r"is over since .* \(cancelled\)"):
        store.verbs.unreserve(theirs.id, ANNA)
    with pytest.raises(NoSuchBooking, match="no booking 77"):
        store.verbs.unreserve(77, ANNA)


def test_a_booking_for_a_job(store: Store, ask: Ask, clock: Clock) -> None:
    (big, small, other) = store.verbs.submit(
        [submission(command("big", gpus=2)), submission(command("small")), submission(command("other", gpus=1))], BEN
    )
    with pytest.raises(WrongUse, match="needs 2 GPUs"):
        store.verbs.reserve(ask(1, 4, 1, job_id=big), ANNA)
    with pytest.raises(NotPossible, match="asks for no GPU"):
        store.verbs.reserve(ask(1, 4, 1, job_id=small), ANNA)
    made = store.verbs.reserve(ask(1, 4, 2, job_id=big), ANNA)
    assert (made.owner.name, made.is_for(big, "anna"), made.is_for(other, "ben")) == ("ben", True, False)
    with pytest.raises(NotPossible, match="has booking 1 of ben already"):
        store.verbs.reserve(ask(8, 12, 2, job_id=big), ANNA)
    with pytest.raises(NotPossible, match="for job 1 and stays with it"):
        store.verbs.transfer(made.id, "root", ANNA)
    store.verbs.cancel([other], BEN)
    assert isinstance(store.read.job(other).status, Cancelled)
    with pytest.raises(NotPossible, match="one that waits"):
        store.verbs.reserve(ask(1, 4, 1, job_id=other), ANNA)


def test_the_life_of_a_booking_as_the_leader_writes_it(store: Store, ask: Ask, clock: Clock) -> None:
    store.verbs.reserve(ask(1, 4, 1), ANNA)
    assert not store.ledger.open_booking(1), "not before its time"
    assert store.ledger.rebind_booking(1, ["GPU-3"])
    assert not store.ledger.rebind_booking(1, ["GPU-3"])
    assert store.ledger.booking_warned(1)
    assert not store.ledger.booking_warned(1)
    clock.now = clock.after(1)
    assert store.ledger.open_booking(1)
    assert not store.ledger.open_booking(1)
    assert not store.ledger.rebind_booking(1, ["GPU-2"]), "an open one stays where it is"
    store.ledger.booking_used(1, clock.now)
    store.ledger.booking_used(1, clock.now + 5)
    status = store.read.booking(1).status
    assert isinstance(status, Open)
    assert status.used_at == clock.now + 5
    store.ledger.end_booking(1, Ending.GIVEN_BACK)
    store.ledger.booking_used(1, clock.now + 9)
    assert store.read.bookings() == []
    assert trail(store) == ["reserve", "rebind", "warn-booking", "open-booking", "use-booking", "end-booking"]


def test_a_rebinding_that_comes_too_late_is_refused(store: Store, ask: Ask) -> None:
    store.verbs.reserve(ask(1, 4, 1), ANNA)
    store.verbs.reserve(ask(2, 5, 1, gpus=("GPU-3",)), BEN)
    assert not store.ledger.rebind_booking(1, ["GPU-3"])
    assert not store.ledger.rebind_booking(2, ["GPU-2"]), "a person named it"
    assert isinstance(store.read.booking(1).status, Booked)


def test_nothing_starts_in_the_open_window_of_another(store: Store, ask: Ask, clock: Clock) -> None:
    store.verbs.reserve(ask(1, 4, 1), ANNA)
    (hers,) = store.verbs.submit([submission(command("hers", gpus=1))], ANNA)
    (his, also_his) = store.verbs.submit([submission(command(name, gpus=1)) for name in ("his", "also")], BEN)
    attempt = Attempt(number=1, uuid="u", gpus=("GPU-0",))
    clock.now = clock.after(1)
    assert not store.ledger.begin_attempt(his, attempt), "not even before the leader has opened it"
    store.ledger.open_booking(1)
    assert not store.ledger.begin_attempt(his, attempt)
    assert store.ledger.begin_attempt(also_his, Attempt(number=1, uuid="v", gpus=("GPU-1",)))
    assert store.ledger.begin_attempt(hers, attempt)


RACE = """
import sys
from yolotui.core.bookings import BookingRequest
from yolotui.errors import NotPossible
from yolotui.locations import Home
from yolotui.store import Actor, Store
from pathlib import Path

home, name, verb, now = sys.argv[1], sys.argv[2], sys.argv[3], float(sys.argv[4])
with Store(Home(Path(home))) as store:
    print("ready", flush=True)
    sys.stdin.readline()
    won = 0
    for hour in range(20):
        starts_at = now + 3600.0 * (10 + 20 * hour)
        try:
            if verb == "reserve":
                request = BookingRequest(starts_at=starts_at, ends_at=starts_at + 7200, count=3)
                store.verbs.reserve(request, Actor(name, 0))
            else:
                store.verbs.move(int(verb), starts_at, starts_at + 7200, Actor(name, 0))
            won += 1
        except NotPossible:
            pass
    print(won)
"""


def test_processes_that_race_for_the_same_windows_never_both_get_one(home: Home) -> None:
    """Twenty windows on four cards; three processes book three cards in each, three move a booking of three there."""
    import time

    now = time.time()
    with Store(home) as store:
        publish(store, 4, at=now)
        movers = [
            store.verbs.reserve(
                BookingRequest(starts_at=now + (5000 + 10 * n) * 60, ends_at=now + (5000 + 10 * n + 5) * 60, count=3),
                ANNA,
            )
            for n in range(3)
        ]
        verbs = ["reserve"] * 3 + [str(booking.id) for booking in movers]
        racers = [
            subprocess.Popen(
                [sys.executable, "-c", RACE, str(home.root), f"racer-{n}", verb, str(now)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
            for n, verb in enumerate(verbs)
        ]
        assert [racer.stdout.readline() for racer in racers if racer.stdout] == ["ready\n"] * 6
        for racer in racers:
            assert racer.stdin
            racer.stdin.write("go\n")
            racer.stdin.flush()
        won = [int(racer.communicate(timeout=120)[0]) for racer in racers]
        held = store.read.bookings()
        assert all(
            one is other or not (set(one.gpus) & set(other.gpus) and one.meets(other)) for one in held for other in held
        )
        # Every window went to somebody at some moment, and each booking that was made is there.
        assert len(held) == 3 + sum(won[:3])
        assert sum(won[:3]) >= 20 - 3
        assert len([row for row in store.read.audit(limit=10_000) if row.verb in {"reserve", "move"}]) == 3 + sum(won)


def test_a_job_does_not_outgrow_its_booking(store: Store, ask: Ask) -> None:
    (job,) = store.verbs.submit([submission(command("a", gpus=2))], ANNA)
    store.verbs.reserve(ask(1, 4, 2, job_id=job), ANNA)
    with pytest.raises(NotPossible, match=r"has 2 of the 3 GPUs: `yolotui unreserve 1` first"):
        store.verbs.edit(job, {}, ANNA, asks={"gpus": 3})
    store.verbs.edit(job, {}, ANNA, asks={"gpus": 1})


def test_what_would_be_booked_is_told_and_not_written(store: Store, ask: Ask, clock: Clock) -> None:
    store.verbs.reserve(ask(1, 4, 4), ANNA)
    before = store.read.revision()
    would_be = store.verbs.would_be(ask(5, 8, 2), BEN, clock.now)
    assert [(booking.owner.name, len(booking.gpus)) for booking in would_be] == [("anna", 4), ("ben", 2)]
    with pytest.raises(BookingConflict):
        store.verbs.would_be(ask(2, 5, 2), BEN, clock.now)
    assert store.read.revision() == before
    assert len(store.read.bookings()) == 1
