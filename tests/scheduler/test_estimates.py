"""How long jobs are expected to take, from what the queue has seen of others and of themselves."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from yolotui.core.estimating import GUESS_S
from yolotui.core.jobs import (
    Attempt,
    Job,
    JobSpec,
    Kind,
    Outcome,
    Owner,
    Priority,
    Progress,
    Running,
    Status,
    Succeeded,
    Waiting,
)
from yolotui.core.timetable import Forecast
from yolotui.scheduler.estimates import ENOUGH_ERRORS, Estimates, keep_newest
from yolotui.scheduler.judging import FINISHED_ON_REQUEST
from yolotui.store import ForecastRecord

ids = itertools.count(1)


OPTIONS = {"model": "yolo11n.pt", "data": "coco8.yaml", "estimate_s": None}


def training(**arguments: Any) -> JobSpec:
    """A training; what is no field of its spec is an argument for Ultralytics."""
    options: dict[str, Any] = {key: arguments.pop(key, default) for key, default in OPTIONS.items()}
    return JobSpec(name="t", kind=Kind.TRAIN, arguments={"epochs": 10, **arguments}, **options)


def job(spec: JobSpec, status: Status | None = None, *attempts: Attempt) -> Job:
    return Job(
        id=next(ids),
        spec=spec,
        priority=Priority.P2,
        owner=Owner("anna", 0),
        submitted_at=0.0,
        status=status or Waiting(0.0),
        run_dir="/nowhere",
        attempts=attempts,
    )


def ran(
    spec: JobSpec, seconds: float, *, gpu_model: str = "A100", epochs: int = 10, explanation: str = "", **progress: Any
) -> Job:
    """A job that has succeeded."""
    attempt = Attempt(
        number=1,
        uuid="u",
        gpu_model=gpu_model,
        started_at=1000.0,
        ended_at=1000.0 + seconds,
        outcome=Outcome.SUCCEEDED,
        explanation=explanation,
        progress=Progress(epochs_done=epochs, epochs_total=10, epoch_s=seconds / 20, **progress),
    )
    return job(spec, Succeeded(2000.0), attempt)


def running(spec: JobSpec, *, started_at: float = 1000.0, resumed_from: int | None = None, **progress: Any) -> Job:
    attempt = Attempt(
        number=1,
        uuid="u",
        gpu_model="A100",
        started_at=started_at,
        resumed_from_epoch=resumed_from,
        progress=Progress(**progress),
    )
    return job(spec, Running(started_at, 1), attempt)


@pytest.fixture
def estimates() -> Estimates:
    return Estimates()


def test_nothing_known_is_a_guess_that_says_so(estimates: Estimates) -> None:
    estimate = estimates.estimate(job(training()), "A100", 0.0)
    assert estimate.remaining_s == GUESS_S[Kind.TRAIN]
    assert "guess" in estimate.source


def test_the_owners_word_counts_before_a_guess_and_after_earlier_runs(estimates: Estimates) -> None:
    spec = training(estimate_s=7200.0)
    assert estimates.estimate(job(spec), "A100", 0.0).remaining_s == 7200.0
    assert estimates.estimate(job(spec), "A100", 0.0).source == "what its owner said"
    estimates.learn(ran(training(), 100.0))
    assert estimates.estimate(job(spec), "A100", 0.0).remaining_s == 100.0


def test_ultralytics_own_time_limit_is_its_owners_word(estimates: Estimates) -> None:
    assert estimates.estimate(job(training(time=0.5)), "A100", 0.0).remaining_s == 1800.0


def test_the_same_on_the_same_gpu_counts_before_the_similar(estimates: Estimates) -> None:
    estimates.learn(ran(training(), 100.0))
    estimates.learn(ran(training(), 400.0, gpu_model="T4"))
    estimates.learn(ran(training(imgsz=1280), 900.0))
    same = estimates.estimate(job(training()), "A100", 0.0)
    assert (same.remaining_s, same.source) == (100.0, "earlier runs of the same")
    assert estimates.estimate(job(training()), "T4", 0.0).remaining_s == 400.0
    similar = estimates.estimate(job(training(batch=64)), "A100", 0.0)
    assert "similar" in similar.source
    assert "guess" in estimates.estimate(job(training(data="voc.yaml")), "A100", 0.0).source


def test_what_is_spelled_out_is_the_same_as_the_default(estimates: Estimates) -> None:
    estimates.learn(ran(training(), 100.0))
    assert "same" in estimates.estimate(job(training(imgsz=640, batch=16)), "A100", 0.0).source


def test_more_epochs_take_longer(estimates: Estimates) -> None:
    estimates.learn(ran(training(), 100.0))
    assert estimates.estimate(job(training(epochs=30)), "A100", 0.0).remaining_s == pytest.approx(300.0)


def test_a_job_that_is_read_twice_teaches_once(estimates: Estimates) -> None:
    done = ran(training(), 100.0)
    estimates.learn(done)
    version = estimates.version
    estimates.learn(done)
    assert estimates.version == version


def test_its_own_epochs_count_as_soon_as_there_are_any(estimates: Estimates) -> None:
    estimates.learn(ran(training(), 5000.0))
    two = running(training(), epochs_done=2, epochs_total=10, epoch_s=60.0, checkpoint_at=1100.0)
    estimate = estimates.estimate(two, "A100", 1100.0)
    assert estimate.remaining_s == pytest.approx(8 * 60.0)
    assert estimate.source == "its own epochs"
    one = running(training(), epochs_done=1, epochs_total=10, epoch_s=60.0, checkpoint_at=1100.0)
    assert estimates.estimate(one, "A100", 1100.0).source == "its own first epoch"


def test_time_runs_within_an_epoch_but_no_further_than_its_end(estimates: Estimates) -> None:
    two = running(training(), epochs_done=2, epochs_total=10, epoch_s=60.0, checkpoint_at=1100.0)
    assert estimates.estimate(two, "A100", 1130.0).remaining_s == pytest.approx(8 * 60.0 - 30.0)
    assert estimates.estimate(two, "A100", 9999.0).remaining_s == pytest.approx(7 * 60.0)


def test_a_resumed_run_has_only_the_rest_before_it(estimates: Estimates) -> None:
    resumed = running(training(), resumed_from=6, epochs_done=8, epochs_total=10, epoch_s=60.0, checkpoint_at=1100.0)
    assert estimates.estimate(resumed, "A100", 1100.0).remaining_s == pytest.approx(120.0)
    waiting = job(training(), Waiting(0.0), *resumed.attempts)
    assert estimates.estimate(waiting, "A100", 1100.0).remaining_s == pytest.approx(120.0)


def test_before_its_first_epoch_what_has_passed_is_taken_off_and_an_overrun_corrected(estimates: Estimates) -> None:
    estimates.learn(ran(training(), 100.0))
    young = running(training(), epochs_total=10)
    assert estimates.estimate(young, "A100", 1030.0).remaining_s == pytest.approx(70.0)
    assert estimates.estimate(young, "A100", 3000.0).remaining_s == pytest.approx(0.05 * 2000.0)


def test_a_run_with_a_rhythm_tells_those_that_wait(estimates: Estimates) -> None:
    estimates.learn(running(training(), epochs_done=2, epochs_total=10, epoch_s=60.0))
    waiting = estimates.estimate(job(training(lr0=0.1)), "A100", 0.0)
    assert waiting.remaining_s == pytest.approx(600.0)
    assert waiting.source == "earlier runs of the same"


def test_patience_makes_an_early_end_likely_and_a_persons_word_does_not(estimates: Estimates) -> None:
    patient, impatient = job(training()), job(training(patience=3))
    assert estimates.estimate(patient, "A100", 0.0).early_stop == 0.0
    before = estimates.estimate(impatient, "A100", 0.0).early_stop
    estimates.learn(ran(training(patience=3), 40.0, epochs=4, explanation=FINISHED_ON_REQUEST))
    assert estimates.estimate(impatient, "A100", 0.0).early_stop == pytest.approx(before)
    for _ in range(5):
        estimates.learn(ran(training(patience=3), 40.0, epochs=4))
    assert estimates.estimate(impatient, "A100", 0.0).early_stop > 2 * before > 0.0


def test_a_command_is_known_by_its_words(estimates: Estimates) -> None:
    def command(*words: str) -> JobSpec:
        return JobSpec(name="c", kind=Kind.COMMAND, command=words, gpus=0)

    estimates.learn(ran(command("sleep", "7"), 7.0, gpu_model=""))
    assert estimates.estimate(job(command("sleep", "7")), "", 0.0).remaining_s == 7.0
    assert "guess" in estimates.estimate(job(command("sleep", "8")), "", 0.0).source


def test_the_interval_is_that_of_the_errors_made_once_there_are_enough(estimates: Estimates) -> None:
    def made(part: float) -> ForecastRecord:
        forecast = Forecast(0.0, 0.0, 0.0, 0.0, 100.0)
        source = "earlier runs of the same"
        return ForecastRecord(
            job=1, attempt=1, forecast=forecast, estimate_s=100.0, source=source,
            started_at=0.0, ended_at=100.0 * part, outcome=Outcome.SUCCEEDED,
        )  # fmt: skip

    estimates.learn(ran(training(), 100.0))
    before = estimates.estimate(job(training()), "A100", 0.0)
    for number in range(ENOUGH_ERRORS - 1):
        estimates.learn_error(made(0.9 + 0.02 * number))
    assert estimates.estimate(job(training()), "A100", 0.0) == before
    estimates.learn_error(made(1.08))
    after = estimates.estimate(job(training()), "A100", 0.0)
    assert after.low == pytest.approx(0.9)
    assert after.high == pytest.approx(1.06)


def test_what_is_remembered_is_bounded_and_the_newest_stays() -> None:
    kept: dict[str, int] = {}
    for key, value in [("a", 1), ("b", 2), ("a", 3), ("c", 4)]:
        keep_newest(kept, key, value, 2)
    assert kept == {"a": 3, "c": 4}
