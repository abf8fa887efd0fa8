"""The record of forecasts: kept with the start, completed with the end, without what never came true."""

from __future__ import annotations

import itertools
import sqlite3
from importlib.resources import files

import msgspec
import pytest

from tests.store.builders import ANNA, command, submission, training
from yolotui.core.jobs import Attempt, Job, Outcome, Status, Waiting
from yolotui.core.timetable import Estimate, Forecast
from yolotui.locations import Home
from yolotui.store import Store
from yolotui.store.database import machine_identity

FORECAST = Forecast(made_at=10.0, start_at=20.0, low_at=15.0, high_at=30.0, finish_at=120.0)
ESTIMATE = Estimate(100.0, "a guess")


def waits(job: Job) -> tuple[Status, int]:
    return Waiting(0.0), 0


def begin(store: Store, job_id: int, number: int = 1) -> Attempt:
    attempt = Attempt(number=number, uuid="u")
    assert store.ledger.begin_attempt(job_id, attempt, foreseen=(FORECAST, ESTIMATE))
    return attempt


def test_a_start_is_kept_with_what_was_foreseen_and_its_end_added(home: Home) -> None:
    clock = itertools.count(100.0)
    with Store(home, clock=lambda: next(clock)) as store:
        (job,) = store.verbs.submit([submission(command("a"))], ANNA)
        attempt = begin(store, job)
        (record,) = store.read.forecast_record()
        assert (record.job, record.attempt, record.forecast) == (job, 1, FORECAST)
        assert (record.estimate_s, record.source) == (100.0, "a guess")
        assert record.started_at > 100.0
        assert (record.ended_at, record.outcome) == (None, None)
        ended = msgspec.structs.replace(attempt, outcome=Outcome.SUCCEEDED, ended_at=250.0)
        store.ledger.attempt_ended(job, ended, waits)
        (record,) = store.read.forecast_record()
        assert (record.ended_at, record.outcome) == (250.0, Outcome.SUCCEEDED)
        assert store.read.forecast_of(job, 1) == record
        assert store.read.forecast_of(job, 2) is None


def test_what_never_started_leaves_no_record(home: Home) -> None:
    with Store(home) as store:
        (job,) = store.verbs.submit([submission(command("a"))], ANNA)
        attempt = begin(store, job)
        stillborn = msgspec.structs.replace(attempt, outcome=Outcome.NEVER_STARTED, ended_at=1.0)
        store.ledger.attempt_ended(job, stillborn, waits)
        assert store.read.forecast_record() == []


def test_the_newest_are_read_oldest_first(home: Home) -> None:
    clock = itertools.count(100.0)
    with Store(home, clock=lambda: next(clock)) as store:
        jobs = store.verbs.submit([submission(command(name)) for name in "abc"], ANNA)
        for job in jobs:
            begin(store, job)
        assert [record.job for record in store.read.forecast_record()] == jobs
        assert [record.job for record in store.read.forecast_record(2)] == jobs[1:]


def test_a_start_that_is_undone_leaves_no_record(home: Home) -> None:
    with Store(home) as store:
        jobs = store.verbs.submit([submission(command(name, gpus=1)) for name in "ab"], ANNA)
        assert store.ledger.begin_attempt(jobs[0], Attempt(number=1, uuid="u", gpus=("A",)))
        second = Attempt(number=1, uuid="v", gpus=("A",))
        with pytest.raises(sqlite3.IntegrityError):
            store.ledger.begin_attempt(jobs[1], second, foreseen=(FORECAST, ESTIMATE))
        assert store.read.forecast_record() == []


def test_a_home_of_the_first_schema_is_brought_up_to_date(home: Home) -> None:
    """With a job in it that had run before anybody recorded forecasts or the models of GPUs."""
    home.create()
    old = sqlite3.connect(home.queue)
    old.executescript(files("yolotui.store").joinpath("schema/0001_queue.sql").read_text(encoding="utf-8"))
    old.execute("INSERT INTO queue (one, machine, created_at) VALUES (1, ?, 1.0)", (machine_identity(),))
    old.execute("INSERT INTO environments VALUES ('d', '{}')")
    old.execute(
        "INSERT INTO jobs (owner, owner_uid, name, group_name, priority, submitted_at, spec, status, run_dir, "
        "environment, revision) VALUES ('anna', 0, 'old', 'default', 2, 5.0, ?, ?, '/runs/old', 'd', 1)",
        (msgspec.json.encode(training("old")).decode(), '{"state": "waiting", "since": 5.0}'),
    )
    attempt = {"number": 1, "uuid": "u", "gpus": ["GPU-a"], "outcome": "failed", "ended_at": 9.0}
    old.execute("INSERT INTO attempts (job, number, record) VALUES (1, 1, ?)", (msgspec.json.encode(attempt).decode(),))
    old.execute("PRAGMA user_version = 1")
    old.commit()
    old.close()
    with Store(home) as store:
        assert store._database.connection.execute("PRAGMA user_version").fetchone()[0] >= 2
        job = store.read.job(1)
        assert (job.name, job.state, job.attempts[0].gpu_model) == ("old", "waiting", "")
        assert store.read.forecast_record() == []
        assert store.read.gpu_marks() == {}
        begin(store, 1, number=2)
        assert [record.attempt for record in store.read.forecast_record()] == [2]
        store.verbs.drain(["GPU-a"], ANNA)
        assert store.read.gpu_marks().keys() == {"GPU-a"}
