from __future__ import annotations

import pytest

from yolotui.core.failures import Cause
from yolotui.core.jobs import Attempt, Job, JobSpec, Kind, Outcome, Owner, Priority, Running
from yolotui.core.limits import Intervention, Limits, Pulse, out_of_time, spent_s, stalled

LIMITS = Limits(stall_s=600.0)


def job(limit_s: float | None, *attempts: Attempt) -> Job:
    return Job(
        id=1, spec=JobSpec(name="night", kind=Kind.TRAIN, time_limit_s=limit_s), priority=Priority.P2,
        owner=Owner("anna", 1), submitted_at=0.0, status=Running(0.0, len(attempts)), run_dir="/r",
        attempts=attempts,
    )  # fmt: skip


def ran(number: int, start: float, end: float | None, cause: str | None = None) -> Attempt:
    outcome = None if end is None else Outcome.FAILED
    return Attempt(number=number, uuid=str(number), started_at=start, ended_at=end, outcome=outcome, cause=cause)


@pytest.mark.parametrize(
    ("pulse", "patience_s"),
    [
        (Pulse(silent_s=0, phase="training", batch_s=0.2), 600),
        (Pulse(silent_s=0, phase="training", batch_s=90.0), 1800),
        (Pulse(silent_s=0, phase="training"), 3600),  # the first batch compiles, and has no rhythm yet
        (Pulse(silent_s=0, phase="validating", batch_s=0.2, epoch_s=60.0), 3600),
        (Pulse(silent_s=0, phase="validating", epoch_s=7200.0), 21600),
        (Pulse(silent_s=0, phase="dataset"), 3600),
        (Pulse(silent_s=0), 3600),
    ],
)
def test_patience_is_a_multiple_of_the_runs_own_rhythm_and_generous_where_there_is_none(pulse, patience_s):
    assert pulse.patience_s(LIMITS) == patience_s


def test_a_stall_says_for_how_long_nothing_was_heard_and_during_what():
    pulse = Pulse(silent_s=601, phase="training", batch_s=0.5)
    assert stalled(pulse, LIMITS) == Intervention(
        cause=Cause.STALL,
        sentence="It stalled: nothing was heard of it for 10m1s while training. A batch takes it 0.5s.",
    )
    assert stalled(Pulse(silent_s=599, phase="training", batch_s=0.5), LIMITS) is None
    early = stalled(Pulse(silent_s=4000), LIMITS)
    assert early is not None
    assert "since it started" in early.sentence


def test_time_is_counted_over_all_attempts_and_given_anew_by_a_retry_after_the_limit():
    assert out_of_time(job(100.0, ran(1, 0, 60), ran(2, 1000, None)), 1039.0) is None
    over = out_of_time(job(100.0, ran(1, 0, 60), ran(2, 1000, None)), 1040.0)
    assert over is not None
    assert over.permanent
    assert over.sentence == "It reached its time limit of 1m40s."
    again = job(100.0, ran(1, 0, 100, "time_limit"), ran(2, 1000, None))
    assert out_of_time(again, 1099.0) is None
    assert out_of_time(job(None, ran(1, 0, None)), 1e9) is None


def test_a_clock_that_was_set_back_takes_no_time_away():
    assert spent_s((ran(1, 1000, None),), 500.0) == 0.0
    assert spent_s((ran(1, 1000, 400), ran(2, 500, None)), 510.0) == 10.0
