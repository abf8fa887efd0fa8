"""Deadlines that a plan does not keep: told once, with what would save them, and told when they are safe again."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from msgspec.structs import replace

from tests.core.planning import HOUR, NOW, cards, running, waiting
from tests.store.builders import ANNA, command, submission
from yolotui.core.jobs import Priority
from yolotui.core.plan import Policy, plan
from yolotui.core.timetable import Demand, World
from yolotui.locations import Home
from yolotui.scheduler.deadlines import IN_DANGER, SAFE_AGAIN, DeadlineWatch
from yolotui.scheduler.deciding import Decision
from yolotui.store import Store
from yolotui.store.queries import AuditRow


class Desk:
    """A queue of three jobs, and who watches over their deadlines; worlds are made up."""

    def __init__(self, store: Store) -> None:
        self._store = store
        store.verbs.submit([submission(command(name)) for name in "abc"], ANNA)
        self.begin()

    def begin(self) -> None:
        """A leader begins, which knows nothing but the queue."""
        self._watch = DeadlineWatch(self._store, Policy())
        self._watch.remember()

    def decide(self, *demands: Demand) -> None:
        """Plan for one card, and look at what comes of it."""
        world = World(gpus=cards(1), demands=demands)
        self._watch.look_at(Decision(NOW, world, plan(world, Policy(), NOW)))

    def told(self) -> list[AuditRow]:
        return [row for row in self._store.read.audit() if row.verb in {IN_DANGER, SAFE_AGAIN}]


@pytest.fixture
def desk(home: Home) -> Iterator[Desk]:
    with Store(home) as store:
        yield Desk(store)


def due(job_id: int, in_hours: float, hours: float = 1.0, priority: Priority = Priority.P2) -> Demand:
    """A job of so many hours that must be done in so many."""
    return replace(waiting(job_id, hours=hours, priority=priority), deadline_at=NOW + in_hours * HOUR)


BUSY = (running(1, ["gpu-0"], hours=1.0), waiting(2, hours=2.0, priority=Priority.P1))


def test_a_miss_is_told_once_with_what_would_save_it(desk: Desk) -> None:
    desk.decide(*BUSY, due(3, 2.5))
    desk.decide(*BUSY, due(3, 2.5))
    (row,) = desk.told()
    assert (row.verb, row.job, row.detail["deadline_at"]) == (IN_DANGER, 3, NOW + 2.5 * HOUR)
    assert row.detail["expected_finish"] == pytest.approx(NOW + 4 * HOUR)
    assert "too late" in row.detail["why"]
    assert row.detail["change"].startswith("`yolotui priority P")
    assert "would save it" in row.detail["change"]


def test_what_can_not_be_saved_is_told_as_well(desk: Desk) -> None:
    desk.decide(*BUSY, due(3, 0.5))
    assert [row.detail["change"] for row in desk.told()] == ["No other class would save it."]


def test_it_is_told_when_it_is_safe_again_and_not_when_it_wavers(desk: Desk) -> None:
    desk.decide(*BUSY, due(3, 3.9))
    desk.decide(*BUSY, due(3, 4.001))
    assert [row.verb for row in desk.told()] == [IN_DANGER], "a few seconds are no safety"
    desk.decide(*BUSY, due(3, 4.5))
    desk.decide(*BUSY, due(3, 4.5))
    assert [row.verb for row in desk.told()] == [IN_DANGER, SAFE_AGAIN]
    desk.decide(*BUSY, due(3, 3.0))
    assert [row.verb for row in desk.told()] == [IN_DANGER, SAFE_AGAIN, IN_DANGER]


def test_the_next_leader_does_not_tell_it_again(desk: Desk) -> None:
    desk.decide(*BUSY, due(3, 2.5))
    desk.begin()
    desk.decide(*BUSY, due(3, 2.5))
    assert len(desk.told()) == 1
    desk.decide(*BUSY, due(3, 2.0))
    assert len(desk.told()) == 2, "another deadline is another matter"


def test_who_has_no_deadline_any_more_is_forgotten(desk: Desk) -> None:
    desk.decide(*BUSY, due(3, 2.5))
    desk.decide(*BUSY, waiting(3))
    desk.decide(*BUSY)
    desk.decide(*BUSY, due(3, 2.5))
    assert [row.verb for row in desk.told()] == [IN_DANGER, IN_DANGER]
