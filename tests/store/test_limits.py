"""What a start can't break, even one from a plan that is out of date; and what owners and groups have used."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from msgspec.structs import replace

from tests.store.builders import ANNA, command, submission, training
from yolotui.core.jobs import Attempt, Outcome, Process, Succeeded
from yolotui.core.quotas import Quota, QuotaScope, week_of
from yolotui.core.timetable import Estimate, Forecast
from yolotui.errors import WrongUse
from yolotui.locations import Home
from yolotui.store import Actor, StartLimits, Store

GIB = 1024**3
HOUR = 3600.0
BEN = Actor("ben", 0)
WEDNESDAY = datetime(2027, 1, 13, 12, 0).timestamp()  # noqa: DTZ001 - weeks are counted by local time


class Clock:
    """A clock that stands still unless it is told to go on."""

    now = WEDNESDAY

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(home: Home, clock: Clock) -> Iterator[Store]:
    """Four jobs for one GPU each: two of Anna's, two of Ben's, in one group each."""
    with Store(home, clock=clock) as opened:
        for actor in (ANNA, BEN):
            specs = [command(f"{actor.name}-{n}", gpus=1, group=f"g-{actor.name}") for n in range(2)]
            opened.verbs.submit([submission(spec) for spec in specs], actor)
        yield opened


def begin(store: Store, job: int, gpu: str = "A", *, promised: int | None = None, **limits: object) -> bool:
    attempt = Attempt(number=1, uuid=f"u{job}", gpus=(gpu,), promised_bytes=promised)
    return store.ledger.begin_attempt(job, attempt, limits=StartLimits(**limits))  # type: ignore[arg-type]


def run(store: Store, clock: Clock, job: int, hours: float, gpus: tuple[str, ...] = ("A",)) -> None:
    """Run a job for so long."""
    attempt = Attempt(number=1, uuid=f"u{job}", gpus=gpus)
    assert store.ledger.begin_attempt(job, attempt)
    store.ledger.attempt_runs(job, 1, Process(1, 1, "boot"))
    clock.now += hours * HOUR
    running = store.read.job(job).attempts[0]
    ended = replace(running, ended_at=clock.now, outcome=Outcome.SUCCEEDED)
    store.ledger.attempt_ended(job, ended, lambda _: (Succeeded(clock.now), 0))


def test_a_shared_card_has_so_many_tenants_and_never_promises_more_than_it_has(store: Store) -> None:
    room = {"A": 20 * GIB}
    assert begin(store, 1, promised=12 * GIB, room_bytes=room)
    assert not begin(store, 2, promised=9 * GIB, room_bytes=room)
    assert begin(store, 2, promised=8 * GIB, room_bytes=room)
    assert not begin(store, 3, promised=1, room_bytes={"A": 100 * GIB})
    assert begin(store, 3, promised=1, room_bytes={"A": 100 * GIB}, tenants=3)
    assert begin(store, 4, "B", promised=1, tenants=1)
    assert [(lease.gpu, lease.job) for lease in store.read.leases()] == [("A", 1), ("A", 2), ("A", 3), ("B", 4)]


def test_a_quota_of_gpus_at_once_holds(store: Store) -> None:
    mine = (Quota(scope=QuotaScope.OWNER, name="anna", gpus=1),)
    assert begin(store, 1, "A", quotas=mine)
    assert not begin(store, 2, "B", quotas=mine)
    assert begin(store, 3, "B", quotas=mine), "a quota is for whom it names"
    group = (Quota(scope=QuotaScope.GROUP, name="g-ben", gpus=1),)
    assert not begin(store, 4, "C", quotas=group)
    assert begin(store, 4, "C", quotas=())


def test_a_shared_card_counts_once_for_who_shares_it_with_himself(store: Store) -> None:
    mine = (Quota(scope=QuotaScope.OWNER, name="anna", gpus=1),)
    assert begin(store, 1, "A", promised=GIB, quotas=mine)
    assert not begin(store, 2, "B", promised=GIB, quotas=mine)
    assert begin(store, 2, "A", promised=GIB, quotas=mine)


def test_gpu_seconds_are_counted_by_owner_and_group(store: Store, clock: Clock) -> None:
    began_at = clock.now
    run(store, clock, 1, 2, gpus=("A", "B"))
    run(store, clock, 3, 1)
    assert store.ledger.begin_attempt(2, Attempt(number=1, uuid="u2", gpus=("A",)))
    store.ledger.attempt_runs(2, 1, Process(1, 1, "boot"))
    clock.now += HOUR
    used = store.read.gpu_seconds(began_at, clock.now)
    assert used.owners == {"anna": 5 * HOUR, "ben": HOUR}
    assert used.groups == {"g-anna": 5 * HOUR, "g-ben": HOUR}
    # What reaches over an edge counts for the part between.
    assert store.read.gpu_seconds(began_at + HOUR, clock.now).owners == {"anna": 3 * HOUR, "ben": HOUR}
    assert store.read.gpu_seconds(clock.now, clock.now).owners == {"anna": 0.0}


def test_a_quota_of_gpu_hours_a_week_holds_until_monday(store: Store, clock: Clock) -> None:
    quotas = (Quota(scope=QuotaScope.OWNER, name="anna", weekly_gpu_s=2 * HOUR),)
    run(store, clock, 1, 2)
    assert not begin(store, 2, quotas=quotas)
    clock.now = week_of(clock.now).ends_at - 1
    assert not begin(store, 2, quotas=quotas)
    clock.now += 1
    assert begin(store, 2, quotas=quotas)


def test_a_week_is_from_monday_to_monday() -> None:
    monday, next_monday = (datetime(2027, 1, day, tzinfo=UTC).timestamp() for day in (11, 18))
    for moment in (monday, monday + 1, WEDNESDAY, next_monday - 1):
        assert week_of(moment, UTC) == (monday, next_monday)
    assert week_of(next_monday, UTC).starts_at == next_monday


def test_a_card_that_will_be_drained_takes_what_ends_before(store: Store, clock: Clock) -> None:
    store.verbs.drain(["A"], Actor("anna", 0, "new fan"), at=clock.now + 2 * HOUR)
    assert not starts(store, clock, 1, lasting=3 * HOUR)
    assert starts(store, clock, 1, lasting=2 * HOUR)
    mark = store.read.gpu_marks()["A"]
    assert (mark.closes_at, mark.keeps_out(clock.now), mark.will_close(clock.now)) == (
        clock.now + 2 * HOUR,
        False,
        True,
    )
    clock.now += 2 * HOUR + 1
    assert mark.keeps_out(clock.now)
    assert not begin(store, 3, "A", promised=1)
    store.verbs.undrain(["A"], ANNA)
    assert store.read.gpu_marks()["A"].closes_at is None
    assert begin(store, 3, "B")
    with pytest.raises(WrongUse, match="has passed"):
        store.verbs.drain(["A"], ANNA, at=clock.now - 1)


def starts(store: Store, clock: Clock, job: int, *, lasting: float) -> bool:
    forecast = Forecast(clock.now, clock.now, clock.now, clock.now, clock.now + lasting)
    attempt = Attempt(number=1, uuid=f"u{job}", gpus=("A",))
    return store.ledger.begin_attempt(job, attempt, foreseen=(forecast, Estimate(lasting, "its owner")))


def test_another_moment_for_a_drain_counts(store: Store, clock: Clock) -> None:
    store.verbs.drain(["A"], ANNA, at=clock.now + HOUR)
    store.verbs.drain(["A"], ANNA, at=clock.now + 3 * HOUR)
    assert store.read.gpu_marks()["A"].closes_at == clock.now + 3 * HOUR
    store.verbs.drain(["A"], ANNA)
    assert store.read.gpu_marks()["A"].keeps_out(clock.now)


def test_a_deadline_is_the_next_such_time_after_submission(store: Store, clock: Clock) -> None:
    specs = [training(f"t{n}", deadline=text) for n, text in enumerate(("13:00", "12:00", "2027-02-01T08:00", None))]
    ids = store.verbs.submit([submission(spec) for spec in specs], ANNA)
    february = datetime(2027, 2, 1, 8, 0).timestamp()  # noqa: DTZ001 - as its owner's clock says
    assert [store.read.job(each).deadline_at for each in ids] == [
        WEDNESDAY + HOUR,
        WEDNESDAY + 24 * HOUR,
        february,
        None,
    ]
    with pytest.raises(WrongUse, match=r"no possible deadline: 'soon' is not a time"):
        store.verbs.submit([submission(training("x", deadline="soon"))], ANNA)


def test_a_deadline_is_set_and_taken_away(store: Store, clock: Clock) -> None:
    store.verbs.set_deadline([1, 2], clock.now + HOUR, ANNA)
    assert [job.deadline_at for job in store.read.jobs(ids=[1, 2])] == [clock.now + HOUR] * 2
    store.verbs.set_deadline([1], None, ANNA)
    assert store.read.job(1).deadline_at is None
    with pytest.raises(WrongUse, match="lies ahead"):
        store.verbs.set_deadline([1], clock.now, ANNA)
    assert [row.detail for row in store.read.audit() if row.verb == "deadline" and row.job == 1] == [
        {"before": None, "after": clock.now + HOUR},
        {"before": clock.now + HOUR, "after": None},
    ]
