"""What a training rests on is looked at again before it starts, and what has changed meanwhile is said."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from tests.helpers import eventually
from tests.preflight.drawing import draw, label_of
from yolotui.core.jobs import Held, JobSpec, Kind
from yolotui.core.timetable import Entry
from yolotui.locations import Home
from yolotui.queue import Queue
from yolotui.scheduler import preflights
from yolotui.scheduler.picture import Picture
from yolotui.scheduler.preflights import Preflights
from yolotui.store import Actor, Store, Submission


class Leader:
    """As much of a leader as has trainings checked."""

    def __init__(self, home: Home) -> None:
        self.store = Store(home)
        self.picture = Picture(self.store, lambda job: None)
        self.picture.refresh()
        self.preflights = Preflights(home, self.store, self.picture, lambda: None, mode="hold")

    def submit(self, data: Path, **given: Any) -> int:
        spec = JobSpec(name="t", kind=Kind.TRAIN, model="yolo11n.yaml", data=str(data), arguments=given)
        return self.store.verbs.submit([Submission(spec=spec)], Actor("anna", 1))[0]

    def lets_start(self, job: int) -> bool:
        self.picture.refresh()
        entry = cast("Entry", SimpleNamespace(job_id=job))
        passed = self.preflights.passed([entry]) if job in self.picture.jobs else []
        self.preflights.look_after()
        return bool(passed)

    def until_looked_at(self, job: int, *, since: float) -> None:
        def looked_at() -> bool:
            self.preflights.look_after()
            return (found := self.store.read.preflights([job]).get(job)) is not None and found.at >= since

        eventually(looked_at)


@pytest.fixture
def leader(tmp_path: Path) -> Iterator[Leader]:
    found = Leader(Home(tmp_path / "home"))
    yield found
    found.preflights.close()
    found.store.close()


def test_what_has_changed_since_the_first_check_is_said_before_the_start(
    leader: Leader, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = draw(tmp_path / "data")
    job = leader.submit(data)
    assert not leader.lets_start(job)
    leader.until_looked_at(job, since=0.0)
    assert leader.lets_start(job)
    monkeypatch.setattr(preflights, "FRESH_S", 0.0)
    again = Leader(leader.store.home)
    label_of(data.parent, "train", 0).write_text("0 .5 .5 .5 .5\n0 .4 .4 .2 .2")
    changed_at = time.time()
    assert not again.lets_start(job)
    again.until_looked_at(job, since=changed_at)
    (remark,) = again.store.read.preflights([job])[job].warnings
    assert (remark.rule, remark.text) == ("drift", "Changed since it was checked first: data.")
    (row,) = [row for row in again.store.read.audit(jobs=[job]) if row.verb == "preflight"]
    assert row.detail["why"] == [remark.text]
    again.preflights.close()
    again.store.close()


def held(leader: Leader, data: Path) -> int:
    """A job that is held for its data set."""
    for number in range(20):
        label_of(data.parent, "train", number).write_text("7 .5 .5 .5 .5")
    job = leader.submit(data)
    assert not leader.lets_start(job)
    leader.until_looked_at(job, since=0.0)
    assert isinstance(leader.store.read.job(job).status, Held)
    return job


def released(leader: Leader, job: int) -> None:
    """A person lets it go, and it is looked at again."""
    leader.store.verbs.release([job], Actor("anna", 1))
    released_at = time.time()
    assert not leader.lets_start(job)
    leader.until_looked_at(job, since=released_at)


def test_who_was_released_with_errors_is_let_go(leader: Leader, tmp_path: Path) -> None:
    job = held(leader, draw(tmp_path / "data"))
    released(leader, job)
    assert leader.lets_start(job)
    assert leader.store.read.preflights([job])[job].verdict == "errors"


def test_who_was_released_after_mending_is_held_for_what_else_is_wrong(leader: Leader, tmp_path: Path) -> None:
    data = draw(tmp_path / "data")
    job = held(leader, data)
    for number in range(20):
        label_of(data.parent, "train", number).write_text("0 320 240 64 64")
    released(leader, job)
    status = leader.store.read.job(job).status
    assert isinstance(status, Held)
    assert "outside of 0 to 1" in status.reason
    for number in range(20):
        label_of(data.parent, "train", number).write_text(f"{number % 2} .5 .5 .5 .5")
    released(leader, job)
    assert leader.lets_start(job)
    assert leader.store.read.preflights([job])[job].verdict == "warnings"  # that its data has changed


def test_what_starts_soon_is_looked_at_again_before_a_gpu_waits_for_it(
    leader: Leader, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = leader.submit(draw(tmp_path / "data"))
    assert not leader.lets_start(job)
    leader.until_looked_at(job, since=0.0)
    looked_at = time.time()
    leader.preflights.look_ahead([Entry(job_id=job, start_at=looked_at + 60)])
    assert leader.lets_start(job)  # it is fresh enough
    monkeypatch.setattr(preflights, "SOON_S", preflights.FRESH_S + 60)
    leader.preflights.look_ahead([Entry(job_id=job, start_at=looked_at + 60)])
    leader.until_looked_at(job, since=looked_at)
    assert leader.lets_start(job)


def test_what_has_changed_between_submission_and_the_first_check_is_said(leader: Leader, tmp_path: Path) -> None:
    data = draw(tmp_path / "data")
    with Queue(leader.store.home.root, start_scheduler=False) as queue:
        (job,) = queue.add(JobSpec(name="t", kind=Kind.TRAIN, model="yolo11n.yaml", data=str(data)))
    data.write_text(data.read_text() + "# another one\n")
    assert not leader.lets_start(job)
    leader.until_looked_at(job, since=0.0)
    (remark,) = (each for each in leader.store.read.preflights([job])[job].warnings if each.rule == "drift")
    assert remark.text == "Changed since it was submitted: data.yaml."
