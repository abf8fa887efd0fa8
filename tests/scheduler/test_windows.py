"""Bookings as time goes by: what is due is done once, whoever leads, and nothing is done for nobody."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.cli.states import publish
from tests.store.builders import ANNA, submission, training
from yolotui.core.bookings import BookingRequest, Ending, Open, Over
from yolotui.core.gpus import Foreign, Free, Gpu, Host, Lost
from yolotui.core.jobs import Attempt, Job, Outcome, Succeeded
from yolotui.core.timetable import Binding, Entry, Hindrance, Timetable, Why
from yolotui.locations import Home
from yolotui.scheduler.picture import Picture
from yolotui.scheduler.windows import Windows
from yolotui.store import Actor, Store
from yolotui.users import login_name

HOUR = 3600.0
BEGAN_AT = 1_800_000_000.0
BEN = Actor("ben", 0)
EXPIRES_S = 900.0


class Standing:
    """Readings of a host that is as it was put."""

    def __init__(self) -> None:
        self.latest = Host(at=0.0)

    def refresh(self) -> Host:
        return self.latest


class Desk:
    """A machine with four cards, a clock that is set by hand, and who looks after its bookings."""

    def __init__(self, home: Home) -> None:
        self.now = BEGAN_AT
        self.store = Store(home, clock=lambda: self.now)
        publish(self.store, 4, at=self.now)
        self.host = Standing()
        self.put()
        self.begin()

    def begin(self, *, has_planned: bool = True) -> None:
        """A leader begins, which knows nothing but the queue."""
        self._picture = Picture(self.store, lambda job: None)
        self.windows = Windows(self.store, self._picture, self.host, expires_s=EXPIRES_S)
        if has_planned:
            self.windows.follow(Timetable(made_at=0.0))

    def put(self, **availability: Free | Foreign | Lost) -> None:
        """The cards as they are now."""
        names = [f"GPU-{index}" for index in range(4)]
        self.host.latest = Host(
            at=0.0,
            gpus=tuple(
                Gpu(uuid=name, index=index, name="n", availability=availability.get(f"gpu{index}", Free()))
                for index, name in enumerate(names)
            ),
        )

    def reserve(self, starts: float, ends: float, *, actor: Actor = ANNA, job_id: int | None = None) -> int:
        """Book GPU 0, from and to so many hours from the beginning."""
        window = BookingRequest(
            starts_at=BEGAN_AT + starts * HOUR, ends_at=BEGAN_AT + ends * HOUR, count=1, gpus=("GPU-0",), job_id=job_id
        )
        return self.store.verbs.reserve(window, actor).id

    def at(self, hours: float) -> Desk:
        """Look after everything so many hours from the beginning."""
        self.now = BEGAN_AT + hours * HOUR
        self._picture.refresh()
        self.windows.look_after(self.now)
        self._picture.refresh()
        return self

    def ending(self, booking_id: int) -> Ending | None:
        status = self.store.read.booking(booking_id).status
        return status.ending if isinstance(status, Over) else None

    def used_at(self, booking_id: int) -> float | None:
        status = self.store.read.booking(booking_id).status
        assert isinstance(status, Open), status
        return status.used_at

    def start(self, job_id: int, gpu: str = "GPU-0") -> None:
        """The job runs on a card."""
        assert self.store.ledger.begin_attempt(job_id, Attempt(number=1, uuid="u", gpus=(gpu,)))
        self.store.ledger.attempt_runs(job_id, 1, None)

    def end(self, job_id: int) -> Job:
        """The job has ended well."""
        ended = Attempt(number=1, uuid="u", gpus=("GPU-0",), ended_at=self.now, outcome=Outcome.SUCCEEDED)
        self.store.ledger.attempt_ended(job_id, ended, lambda job: (Succeeded(self.now), 0))
        return self.store.read.job(job_id)

    def submit(self, name: str = "a", *, actor: Actor = ANNA, gpus: int = 1) -> int:
        return self.store.verbs.submit([submission(training(name, gpus=gpus))], actor)[0]

    def verbs(self) -> list[str]:
        return [row.verb for row in self.store.read.audit() if "booking" in row.verb]

    def plan(self, runs: int, waits: int, gpu: str) -> None:
        """Follow a plan in which the one runs on GPU 0 and the other, waiting, is to have a card when that ends."""
        end = self.now + HOUR
        running = Entry(job_id=runs, start_at=self.now, finish_at=end, gpus=("GPU-0",))
        waiting = Entry(job_id=waits, start_at=end, finish_at=end + HOUR, gpus=(gpu,), why=Why("It waits."))
        self.windows.follow(Timetable(made_at=self.now, entries=(running, waiting)))

    def overruns(self) -> list[int]:
        return [eviction.job_id for eviction in self.windows.overruns(self.now)]


@pytest.fixture
def desk(home: Home) -> Iterator[Desk]:
    desk = Desk(home)
    yield desk
    desk.store.close()


def test_it_opens_at_its_moment_is_used_and_ends(desk: Desk) -> None:
    booking = desk.reserve(1, 3)
    desk.at(0.9)
    assert desk.store.read.booking(booking).state == "booked"
    desk.at(1)
    assert desk.store.read.booking(booking).state == "open"
    job = desk.submit()
    desk.start(job)
    desk.at(1.1)
    assert desk.used_at(booking) == desk.now
    desk.end(job)
    desk.at(1.3)
    assert desk.ending(booking) is None
    assert desk.store.read.booking(booking).state == "open"
    job = desk.submit("b")
    desk.start(job)
    for hours in (1.5, 1.7, 2.0, 2.9):
        desk.at(hours)
    desk.end(job)
    desk.at(3)
    assert desk.ending(booking) is Ending.ENDED
    assert desk.verbs() == ["open-booking", "use-booking", "end-booking"]


def test_the_next_leader_goes_on_where_the_last_one_died(desk: Desk) -> None:
    booking = desk.reserve(1, 3)
    desk.at(1)
    desk.begin()
    desk.at(1.1)
    desk.begin()
    desk.at(1.26)
    assert desk.ending(booking) is Ending.EXPIRED
    assert desk.verbs() == ["open-booking", "end-booking"]


def test_one_that_nobody_uses_expires(desk: Desk) -> None:
    booking = desk.reserve(1, 3)
    others = desk.submit(actor=BEN)
    desk.at(1).start(others, "GPU-1")
    desk.at(1.2)
    assert desk.ending(booking) is None
    desk.at(1.25)
    assert desk.ending(booking) is Ending.EXPIRED


def test_a_leader_that_has_not_planned_yet_ends_nothing_for_want_of_use(desk: Desk) -> None:
    booking = desk.reserve(1, 3)
    desk.at(1)
    desk.begin(has_planned=False)
    desk.at(1.5)
    assert desk.ending(booking) is None
    desk.windows.follow(Timetable(made_at=0.0))
    desk.at(1.51)
    assert desk.ending(booking) is Ending.EXPIRED


def test_what_its_holder_runs_past_the_queue_is_use(desk: Desk) -> None:
    booking = desk.reserve(1, 3)
    desk.put(gpu0=Foreign((4242,), 1, (login_name(ANNA.uid),)))
    desk.at(1).at(1.3)
    assert desk.used_at(booking) == desk.now
    desk.put(gpu0=Foreign((4242,), 1, ("somebody-else",)))
    desk.at(1.6)
    assert desk.ending(booking) is Ending.EXPIRED


def test_it_is_kept_for_a_job_that_has_its_place_in_it(desk: Desk) -> None:
    booking = desk.reserve(1, 3)
    desk.at(1)
    placed = Timetable(made_at=0.0, entries=(Entry(job_id=1, booking=booking),))
    desk.windows.follow(placed)
    desk.at(1.9)
    assert desk.ending(booking) is None
    desk.windows.follow(Timetable(made_at=0.0))
    desk.at(1.91)
    assert desk.ending(booking) is Ending.EXPIRED


@pytest.mark.parametrize("hours", [0.5, 1.5])
def test_the_rest_is_given_back_when_its_job_is_done(desk: Desk, hours: float) -> None:
    job = desk.submit()
    booking = desk.reserve(1, 3, job_id=job)
    desk.at(hours)
    desk.store.verbs.cancel([job], ANNA)
    desk.at(hours + 0.01)
    assert desk.ending(booking) is Ending.GIVEN_BACK


def test_what_it_leaves_goes_to_the_waitlist(desk: Desk) -> None:
    first = desk.reserve(1, 5)
    window = desk.store.read.booking(first).request
    second = desk.store.verbs.reserve(window, BEN, waitlist=True)
    desk.at(1).at(1.3)
    assert desk.ending(first) is Ending.EXPIRED
    assert desk.store.read.booking(second.id).state == "booked"
    desk.at(1.31)
    assert desk.store.read.booking(second.id).state == "open"


def test_who_waits_in_vain_is_told_so(desk: Desk) -> None:
    desk.reserve(1, 5)
    window = desk.store.read.bookings()[0].request
    waiting = desk.store.verbs.reserve(window, BEN, waitlist=True)
    job = desk.submit()
    desk.at(1).start(job)
    for hours in (1.2, 1.4, 4.9):
        desk.at(hours)
    desk.at(5)
    assert desk.ending(waiting.id) is Ending.MISSED


def test_one_whose_cards_are_lost_is_missed_and_one_that_nobody_led_through_expires(desk: Desk) -> None:
    lost, slept_through = desk.reserve(1, 3), desk.reserve(4, 6)
    desk.put(gpu0=Lost("fell off the bus"))
    desk.at(1)
    assert desk.ending(lost) is Ending.MISSED
    desk.at(7)
    assert desk.ending(slept_through) is Ending.EXPIRED


def test_what_overruns_has_the_buffer_and_makes_room_for_who_waits(desk: Desk) -> None:
    booking = desk.reserve(1, 3)
    job = desk.submit()
    desk.at(1).start(job)
    desk.at(2.9)
    assert desk.overruns() == []
    desk.at(3)
    assert desk.overruns() == [], "nobody is paused for nobody"
    waits = desk.submit("waits", actor=BEN)
    desk.plan(job, waits, "GPU-1")
    desk.at(3.1)
    assert desk.overruns() == [], "who is to have another card needs no room here"
    desk.plan(job, waits, "GPU-0")
    assert desk.overruns() == [job]
    (eviction,) = desk.windows.overruns(desk.now)
    assert eviction.notice.due_at == desk.store.read.booking(booking).kept_until == BEGAN_AT + 3.2 * HOUR
    assert (eviction.notice.for_booking, eviction.notice.patience_s) == (booking, None)
    desk.at(3.2)
    assert desk.ending(booking) is None, "first it is asked"
    assert desk.store.ledger.evict(job, eviction.notice)
    desk.at(3.2)
    assert desk.ending(booking) is Ending.ENDED


def test_what_overruns_goes_on_when_nobody_waits(desk: Desk) -> None:
    booking = desk.reserve(1, 3)
    job = desk.submit()
    desk.at(1).start(job)
    desk.at(2).at(3.19)
    assert desk.ending(booking) is None
    desk.at(3.2)
    assert desk.ending(booking) is Ending.ENDED
    assert desk.store.read.job(job).state == "running"


def test_better_cards_are_taken_and_what_stands_in_the_way_is_told_once(desk: Desk) -> None:
    loose = desk.store.verbs.reserve(
        BookingRequest(starts_at=BEGAN_AT + HOUR, ends_at=BEGAN_AT + 3 * HOUR, count=1), ANNA
    )
    hindered = Timetable(
        made_at=0.0,
        bindings=(Binding(loose.id, ("GPU-3",)),),
        hindrances=(Hindrance(loose.id, "Job 7 can't be paused."),),
    )
    desk.windows.follow(hindered)
    desk.windows.follow(hindered)
    assert desk.store.read.booking(loose.id).gpus == ("GPU-3",)
    told = [row.detail for row in desk.store.read.audit() if row.verb == "booking-hindered"]
    assert told == [{"booking": loose.id, "why": "Job 7 can't be paused."}]
    desk.windows.follow(Timetable(made_at=0.0))
    desk.windows.follow(hindered)
    assert desk.verbs().count("booking-hindered") == 2
