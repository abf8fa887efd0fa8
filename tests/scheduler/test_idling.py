"""What kept cards idle is on record as it was planned, and no more of it than is worth a row."""

from __future__ import annotations

import pytest

from tests.core.test_idling import card, demand
from yolotui.core.idling import Recorded
from yolotui.core.plan import Policy, plan
from yolotui.core.standstill import Standstill
from yolotui.core.timetable import Demand, World
from yolotui.locations import Home
from yolotui.scheduler.deciding import Decision
from yolotui.scheduler.idling import IdleWatch
from yolotui.store import Store


def decision(at: float, *demands: Demand) -> Decision:
    world = World(gpus=(card(0),), demands=demands)
    return Decision(at, world, plan(world, Policy(), at))


def waiting(until: float) -> Demand:
    return demand(1, not_before=until)


RUNNING = demand(1, state="running", holding=("GPU-0",))


@pytest.fixture
def store(home: Home):
    with Store(home) as store:
        yield store


def recorded(store: Store, since: float = 0.0) -> list[tuple[float, Standstill | None]]:
    return [(row.since, row.idleness.cause if row.idleness else None) for row in store.read.idleness(since, 1e9)]


def test_what_lasts_is_written_down_once_from_when_it_began(store):
    watch = IdleWatch(store)
    for at in (100.0, 105.0, 111.0, 116.0, 300.0):
        watch.look_at(decision(at, waiting(500.0)))
    assert recorded(store) == [(100.0, Standstill.RETRY)]
    watch.look_at(decision(500.0, RUNNING))
    watch.look_at(decision(600.0, RUNNING))
    assert recorded(store) == [(100.0, Standstill.RETRY), (500.0, None)]


def test_what_ended_between_two_looks_is_not_lost(store):
    watch = IdleWatch(store)
    watch.look_at(decision(100.0, waiting(500.0)))
    watch.look_at(decision(400.0))
    watch.look_at(decision(1000.0, RUNNING))
    assert recorded(store) == [(100.0, Standstill.RETRY), (400.0, Standstill.NOTHING_WAITED)]


def test_a_moment_between_two_jobs_is_not_worth_a_row(store):
    watch = IdleWatch(store)
    for at in (100.0, 160.0, 220.0):
        watch.look_at(decision(at, RUNNING))
        watch.look_at(decision(at + 55, waiting(at + 56)))
    assert recorded(store) == [(at, None) for at in (100.0, 160.0, 220.0)]


def test_what_was_in_force_when_a_period_began_is_read_with_it(store):
    store.ledger.record_idleness([Recorded("GPU-0", at, None) for at in (10.0, 20.0, 30.0)])
    assert [since for since, _ in recorded(store, since=25.0)] == [20.0, 30.0]
