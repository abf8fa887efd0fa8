"""Whatever people and the leader do to bookings, in whatever order: nobody shares a window, and all is on record."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, MultipleResults, RuleBasedStateMachine, initialize, invariant, multiple, rule

from tests.cli.states import publish
from tests.store.builders import ANNA
from yolotui.core.bookings import BookingRequest, Ending, Over, Waitlisted
from yolotui.errors import NotPossible, WrongUse
from yolotui.locations import Home
from yolotui.store import Actor, Store

HALF_HOUR = 1800.0
starts = st.integers(0, 6)
lengths = st.integers(1, 6)
people = st.sampled_from([ANNA, Actor("ben", 0)])


class Bookings(RuleBasedStateMachine):
    """A machine with three cards and a clock that people push forward."""

    made = Bundle("made")

    @initialize()
    def open(self) -> None:
        self.now = 1_800_000_000.0
        self.directory = tempfile.TemporaryDirectory()
        self.store = Store(Home(Path(self.directory.name)), clock=lambda: self.now)
        publish(self.store, 3, at=self.now)

    def teardown(self) -> None:
        self.store.close()
        self.directory.cleanup()

    def attempt(self, verb: Callable[[], object]) -> None:
        """Do it, or be refused with a sentence."""
        with suppress(NotPossible, WrongUse):
            verb()

    @rule(
        target=made,
        who=people,
        start=starts,
        length=lengths,
        count=st.integers(1, 3),
        pin=st.booleans(),
        wait=st.booleans(),
    )
    def reserve(
        self, who: Actor, start: int, length: int, count: int, pin: bool, wait: bool
    ) -> int | MultipleResults[int]:
        starts_at = self.now + start * HALF_HOUR
        gpus = tuple(f"GPU-{n}" for n in range(count)) if pin else ()
        request = BookingRequest(starts_at=starts_at, ends_at=starts_at + length * HALF_HOUR, count=count, gpus=gpus)
        try:
            return self.store.verbs.reserve(request, who, waitlist=wait).id
        except NotPossible:
            return multiple()

    @rule(booking=made, length=lengths)
    def extend(self, booking: int, length: int) -> None:
        self.attempt(lambda: self.store.verbs.extend(booking, self.now + length * HALF_HOUR, ANNA))

    @rule(booking=made, start=starts, length=lengths)
    def move(self, booking: int, start: int, length: int) -> None:
        starts_at = self.now + start * HALF_HOUR
        self.attempt(lambda: self.store.verbs.move(booking, starts_at, starts_at + length * HALF_HOUR, ANNA))

    @rule(booking=made)
    def unreserve(self, booking: int) -> None:
        self.attempt(lambda: self.store.verbs.unreserve(booking, ANNA))

    @rule(who=people)
    def undo(self, who: Actor) -> None:
        self.attempt(lambda: self.store.verbs.undo(who))

    @rule(booking=made, card=st.integers(0, 2))
    def rebind(self, booking: int, card: int) -> None:
        if self.store.read.booking(booking).count == 1:
            self.store.ledger.rebind_booking(booking, [f"GPU-{card}"])

    @rule(booking=made, how=st.sampled_from(["open", "warn", "end"]))
    def lead(self, booking: int, how: str) -> None:
        if how == "open":
            self.store.ledger.open_booking(booking)
        elif how == "warn":
            self.store.ledger.booking_warned(booking)
        else:
            self.store.ledger.end_booking(booking, Ending.ENDED)

    @rule()
    def time_passes(self) -> None:
        self.now += HALF_HOUR

    @invariant()
    def nobody_shares_a_window(self) -> None:
        held = [booking for booking in self.store.read.bookings() if booking.holds]
        for one in held:
            assert len(set(one.gpus)) == one.count
            for other in held:
                assert one is other or not (set(one.gpus) & set(other.gpus) and one.meets(other))

    @invariant()
    def everything_is_on_record(self) -> None:
        last: dict[int, str] = {}
        for row in self.store.read.audit(limit=10_000):
            if row.verb != "undo" and "booking" in row.detail:
                last[row.detail["booking"]] = row.verb
        bookings = self.store.read.bookings(over=True)
        assert {booking.id for booking in bookings} == last.keys()
        for booking in bookings:
            if isinstance(booking.status, Over):
                assert last[booking.id] in {"unreserve", "end-booking"}
            elif isinstance(booking.status, Waitlisted):
                assert last[booking.id] not in {"move-up", "rebind", "open-booking"}


TestBookings = Bookings.TestCase
TestBookings.settings = settings(
    max_examples=25, stateful_step_count=25, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
