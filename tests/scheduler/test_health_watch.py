"""What is found in a run goes on over its attempts and over leaders: told once, and not lost."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli import states
from tests.telemetry.writing import Run
from yolotui.core.health import Finding
from yolotui.core.jobs import Attempt, Job, JobSpec, Kind, Outcome, Process, Progress, Succeeded, Waiting
from yolotui.core.limits import Limits, Pulse
from yolotui.locations import Home
from yolotui.scheduler.health import HealthWatch
from yolotui.scheduler.memory import PeakWatch
from yolotui.scheduler.preparing import Beginning
from yolotui.scheduler.progress import ProgressWatch
from yolotui.scheduler.runs import Runs
from yolotui.store import Actor, Store, Submission

SPEC = JobSpec(name="night-n", kind=Kind.TRAIN, model="yolo11n.pt", data="shapes.yaml", arguments={"epochs": 60})
GOOD, BAD = 0.5, 0.1


class Night:
    """A training that is looked at after each of its epochs, through attempts and leaders."""

    def __init__(self, home: Home) -> None:
        self.store = Store(home)
        self.job_id = self.submit()
        self.run = Run(Path(self.job.run_dir))
        self.lead()

    @property
    def job(self) -> Job:
        return self.store.read.job(self.job_id)

    @property
    def health(self) -> dict[str, Finding]:
        return {finding.rule: finding for finding in self.job.progress.health}

    @property
    def told(self) -> list[str]:
        """What was told to people, in order."""
        return [str(row.detail["rule"]) for row in self.store.read.audit() if row.verb == "health"]

    def submit(self) -> int:
        return self.store.verbs.submit([Submission(spec=SPEC)], Actor("anna", 1))[0]

    def lead(self) -> None:
        """A leader that remembers nothing of its own takes over."""
        health = HealthWatch(lambda _job, _attempt: Pulse(silent_s=0.0), Limits())
        for job in self.store.read.ended_last(100):
            health.learn(job)
        self._watch = ProgressWatch(Runs(), PeakWatch(), health, lambda: ())

    def start(self, resumed: int | None = None) -> None:
        """The next attempt begins, after an epoch or from the beginning."""
        beginning = Beginning(spec=SPEC, resumed_from_epoch=resumed)
        number = len(self.job.attempts) + 1
        attempt = Attempt(number=number, uuid=f"u{number}", progress=beginning.progress(self.job))
        assert self.store.ledger.begin_attempt(self.job_id, attempt)
        self.store.ledger.attempt_runs(self.job_id, number, Process(4000, 1, "boot"))
        self.look()
        self.run.begin(resumed=resumed, epochs=60)
        self.look()

    def epochs(self, first: int, last: int, score: float, *, box_loss: float = 1.2) -> None:
        for epoch in range(first, last + 1):
            self.run.epoch(epoch, metrics={"train/box_loss": box_loss, "metrics/mAP50-95(B)": score})
            self.look()

    def look(self) -> None:
        self.store.ledger.record_progress(self._watch.look([self.job]))

    def die(self) -> None:
        states.end(self.store, self.job_id, Waiting(2e9), outcome=Outcome.FAILED, signal=9)
        self._watch.forget(self.job_id)


@pytest.fixture
def night(tmp_path: Path) -> Iterator[Night]:
    found = Night(Home(tmp_path / "home"))
    yield found
    found.store.close()


def test_what_was_found_before_a_resume_stays_and_is_not_told_twice(night: Night) -> None:
    night.start()
    night.epochs(1, 6, GOOD)
    night.epochs(7, 12, BAD)
    before = night.health["losing-ground"]
    night.die()
    night.start(resumed=12)
    assert night.health["losing-ground"].epoch == before.epoch
    night.epochs(13, 15, BAD)
    assert night.health["losing-ground"].epoch == before.epoch
    assert night.told == ["losing-ground"]


def test_a_suspicion_is_confirmed_by_the_first_epoch_after_a_resume(night: Night) -> None:
    night.start()
    night.epochs(1, 6, GOOD)
    night.epochs(7, 11, BAD)
    assert night.health == {}
    night.die()
    night.start(resumed=11)
    assert night.health == {}
    night.epochs(12, 12, BAD)
    assert night.told == ["losing-ground"]


def test_what_is_mended_after_a_resume_is_taken_back(night: Night) -> None:
    night.start()
    night.epochs(1, 6, GOOD)
    night.epochs(7, 12, BAD)
    night.die()
    night.start(resumed=6)
    night.epochs(7, 8, GOOD)
    assert "losing-ground" in night.health
    night.epochs(9, 9, GOOD)
    assert "losing-ground" not in night.health


def test_an_attempt_from_the_beginning_has_nothing_of_the_one_before(night: Night) -> None:
    night.start()
    night.epochs(1, 3, GOOD, box_loss=4.8)
    assert night.health.keys() == {"first-box-loss"}
    night.die()
    night.start()
    assert night.health == {}
    night.epochs(1, 3, GOOD)
    assert night.health == {}
    assert night.told == ["first-box-loss"]


def test_another_leader_goes_on_where_the_one_before_was(night: Night) -> None:
    night.start()
    night.epochs(1, 6, GOOD)
    night.epochs(7, 8, BAD)
    night.lead()
    night.epochs(9, 13, BAD)
    night.lead()
    night.look()
    assert night.told == ["losing-ground"]


def test_how_earlier_runs_began_is_what_is_usual(night: Night) -> None:
    for _ in range(3):
        other = night.submit()
        states.start(night.store, other)
        began = Progress(epochs_done=10, first={"train/box_loss": 0.8})
        night.store.ledger.record_progress([(other, 1, began)])
        states.end(night.store, other, Succeeded(2e9), exit_code=0)
    night.lead()
    night.start()
    night.epochs(1, 1, GOOD, box_loss=1.6)
    assert "3 earlier runs of this model and data began at 0.80" in night.health["first-box-loss"].text
