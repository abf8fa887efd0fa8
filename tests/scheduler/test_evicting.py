"""What a timetable asks for, held against the notices in force."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import pytest

from tests.scheduler.conftest import ANNA
from tests.scheduler.evictions import notice
from tests.store.builders import submission, training
from yolotui.core.jobs import Attempt, Job, Pausing, Running
from yolotui.core.timetable import Eviction
from yolotui.locations import Home
from yolotui.scheduler.evicting import Evictor
from yolotui.scheduler.picture import Picture
from yolotui.store import Store


class Desk:
    """A queue with one running training, and an evictor that is told what to do; the clock ticks once a write."""

    def __init__(self, store: Store) -> None:
        self.store = store
        (self.job_id,) = store.verbs.submit([submission(training("victim"))], ANNA)
        assert store.ledger.begin_attempt(self.job_id, Attempt(number=1, uuid="u", gpus=("G0",)))
        store.ledger.attempt_runs(self.job_id, 1, None)
        self._picture = Picture(store, lambda job: None)
        self._evictor = Evictor(store, self._picture)

    def carry_out(self, *evictions: Eviction, now: float = 1000.0) -> bool:
        self._picture.refresh()
        return self._evictor.carry_out(evictions, now)

    @property
    def job(self) -> Job:
        return self.store.read.job(self.job_id)

    def verbs(self) -> list[str]:
        return [row.verb for row in self.store.read.audit(jobs=[self.job_id])][3:]


@pytest.fixture
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    clock = itertools.count(100.0)
    with Store(Home(tmp_path_factory.mktemp("desk")), clock=lambda: next(clock)) as store:
        yield Desk(store)


def test_a_notice_is_given_once_and_told_again_when_it_changes(desk: Desk) -> None:
    due_later = notice(due_at=2000.0)
    assert desk.carry_out(Eviction(job_id=desk.job_id, notice=due_later))
    status = desk.job.status
    assert isinstance(status, Running)
    assert status.notice == due_later
    assert not desk.carry_out(Eviction(job_id=desk.job_id, notice=notice(due_at=2000.0, loses_s=130.0)))
    assert desk.carry_out(Eviction(job_id=desk.job_id, notice=notice(due_at=2000.0, for_job=98)))
    assert desk.verbs() == ["notice", "notice"]
    told = desk.store.read.audit(jobs=[desk.job_id])[-2]
    assert told.detail == {
        "why": "Job 99 goes first.", "for_job": 99, "for_booking": None, "minutes_lost": 2.0, "due_at": 2000.0
    }  # fmt: skip


def test_a_notice_that_is_not_needed_any_more_is_withdrawn(desk: Desk) -> None:
    desk.carry_out(Eviction(job_id=desk.job_id, notice=notice(due_at=2000.0)))
    assert desk.carry_out()
    status = desk.job.status
    assert isinstance(status, Running)
    assert status.notice is None
    assert not desk.carry_out()
    assert desk.verbs() == ["notice", "withdraw-notice"]


def test_what_is_due_is_asked_with_what_it_costs_by_now(desk: Desk) -> None:
    desk.carry_out(Eviction(job_id=desk.job_id, notice=notice(due_at=2000.0)))
    assert desk.carry_out(Eviction(job_id=desk.job_id, notice=notice(due_at=2000.0, loses_s=60.0)), now=2000.0)
    status = desk.job.status
    assert isinstance(status, Pausing)
    assert status.notice is not None
    assert status.notice.loses_s == 60.0
    assert desk.verbs() == ["notice", "evict"]
    assert not desk.carry_out(now=2001.0), "what is on its way out is not called back"


def test_what_a_person_has_asked_meanwhile_stands(desk: Desk) -> None:
    desk.store.verbs.kill([desk.job_id], ANNA)
    assert not desk.carry_out(Eviction(job_id=desk.job_id, notice=notice()))
    assert not desk.store.ledger.give_notice(desk.job_id, notice())
    assert not desk.store.ledger.evict(desk.job_id, notice())
    assert desk.job.state == "stopping"


def test_patience_ends_and_a_clock_that_was_set_back_prolongs_nothing() -> None:
    asked = Pausing(100.0, 1, notice(patience_s=20.0))
    assert not asked.is_out_of_patience(110.0)
    assert asked.is_out_of_patience(120.0)
    assert asked.is_out_of_patience(50.0)
    assert not Pausing(100.0, 1, notice()).is_out_of_patience(1e9)
    assert not Pausing(100.0, 1).is_out_of_patience(1e9)
