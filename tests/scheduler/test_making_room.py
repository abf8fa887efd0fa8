"""Trainings that make room under a real scheduler: at a checkpoint or stopped, with their place in the queue kept."""

from __future__ import annotations

import random
import threading
from functools import partial

import pytest

from tests.helpers import eventually
from tests.scheduler.conftest import ANNA, Rig
from tests.scheduler.evictions import double, notice, rows_of_csv
from yolotui.core.jobs import Attempt, Job, Outcome, Pausing, Running, Starting, Waiting
from yolotui.errors import NotPossible

ROUNDS = 4
SEED = 20261121


def until_epoch(rig: Rig, job_id: int, epoch: int) -> Job:
    """The job as soon as so many of its epochs are done."""

    def arrived() -> Job | None:
        job = rig.job(job_id)
        return job if job.progress.epochs_done >= epoch else None

    try:
        return eventually(arrived, 90) or rig.job(job_id)
    except AssertionError as error:
        raise AssertionError(f"{rig.job(job_id)}\n{rig.log()}") from error


def evicted(rig: Rig, job_id: int) -> Attempt:
    """The first attempt that was evicted, once there is one."""

    def look() -> Attempt | None:
        return next((a for a in rig.job(job_id).attempts if a.outcome is Outcome.EVICTED), None)

    attempt = eventually(look)
    assert attempt is not None
    return attempt


def test_it_pauses_at_a_checkpoint_keeps_its_place_and_comes_back(rig: Rig) -> None:
    job_id = rig.submit(double(rig, epochs=30))
    rig.lead("--until-idle")
    before = until_epoch(rig, job_id, 2)
    assert rig.store.ledger.evict(job_id, notice())
    attempt = evicted(rig, job_id)
    ended = rig.until(job_id, "succeeded")
    assert [each.outcome for each in ended.attempts] == [Outcome.EVICTED, Outcome.SUCCEEDED]
    assert attempt.explanation.startswith("Made room for job 99: paused after epoch ")
    assert attempt.explanation.endswith("; 0s of its work lost, 2m foreseen.")
    assert ended.attempts[1].resumed_from_epoch == attempt.progress.epochs_done
    assert (ended.submitted_at, ended.failures) == (before.submitted_at, 0)
    assert rows_of_csv(ended) == list(range(1, 31))
    verbs = [row.verb for row in rig.store.read.audit(jobs=[job_id]) if row.verb not in {"run", "health"}]
    assert verbs == ["submit", "start", "evict", "end", "start", "end"]


def test_it_is_stopped_when_no_checkpoint_comes_in_time_and_loses_no_more_than_that(rig: Rig) -> None:
    job_id = rig.submit(double(rig, epochs=3, batch_s=1.5))
    rig.lead("--until-idle")
    until_epoch(rig, job_id, 1)
    assert rig.store.ledger.evict(job_id, notice(patience_s=0.0))
    attempt = evicted(rig, job_id)
    assert "stopped, as no checkpoint came in time" in attempt.explanation
    ended = rig.until(job_id, "succeeded")
    assert ended.attempts[1].resumed_from_epoch == attempt.progress.epochs_done == 1
    assert ended.failures == 0
    assert rows_of_csv(ended) == [1, 2, 3]


def test_a_notice_that_no_plan_asks_for_is_withdrawn_by_the_leader(rig: Rig) -> None:
    job_id = rig.submit(double(rig, epochs=2000))
    rig.lead()
    until_epoch(rig, job_id, 1)
    assert rig.store.ledger.give_notice(job_id, notice(due_at=1e12))
    eventually(lambda: "withdraw-notice" in rig.verbs_of(job_id))
    assert rig.job(job_id).state == "running"


def test_a_persons_pause_and_kill_win_over_an_eviction(rig: Rig) -> None:
    one, other = (rig.submit(double(rig, epochs=50, batch_s=0.5, name=name)) for name in ("one", "other"))
    rig.lead()
    for job_id, verb in ((one, rig.store.verbs.pause), (other, rig.store.verbs.kill)):
        until_epoch(rig, job_id, 1)
        assert eventually(partial(rig.store.ledger.evict, job_id, notice()))
        verb([job_id], ANNA)
        with pytest.raises(NotPossible, match=r"is (pausing|stopping): can't pause"):
            rig.store.verbs.pause([job_id], ANNA)
    assert rig.until(one, "paused").attempts[0].outcome is Outcome.PAUSED
    assert rig.until(other, "cancelled").attempts[0].outcome is Outcome.STOPPED
    assert len(rig.job(one).attempts) == 1


def test_an_eviction_survives_leaders_that_die_in_the_middle_of_it(rig: Rig) -> None:
    chance = random.Random(SEED)
    epochs = 40
    job_id = rig.submit(double(rig, epochs=epochs, batch_s=0.08))
    for number in range(ROUNDS):
        leader = rig.lead()
        job = until_epoch(rig, job_id, rig.job(job_id).progress.epochs_done + 1)
        if isinstance(job.status, Running):
            rig.store.ledger.evict(job_id, notice(patience_s=0.0 if number % 2 else None))
        threading.Event().wait(chance.uniform(0.0, 0.6))
        rig.kill(leader)
        assert isinstance(rig.job(job_id).status, Pausing | Waiting | Starting | Running)
    rig.lead("--until-idle")
    ended = rig.until(job_id, "succeeded", timeout_s=120)
    outcomes = [attempt.outcome for attempt in ended.attempts]
    assert outcomes[-1] is Outcome.SUCCEEDED
    assert Outcome.EVICTED in outcomes
    assert set(outcomes[:-1]) <= {Outcome.EVICTED, Outcome.NEVER_STARTED}
    assert ended.failures == 0
    assert rig.store.read.leases() == []
    assert sorted(set(rows_of_csv(ended))) == list(range(1, epochs + 1))
