"""Replays: what is physically possible, what was promised, what is reported."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from yolotui.core.jobs import Priority
from yolotui.core.plan import Kind, Mode, Policy
from yolotui.core.timetable import Calibration
from yolotui.errors import WrongUse
from yolotui.simulation import Trace, TraceJob, generate, run
from yolotui.simulation.bounds import bounds
from yolotui.simulation.replaying import Ran, Replay, replay
from yolotui.simulation.reporting import summary

GPUS = 4
HOUR = 3600.0

traces = st.lists(
    st.builds(
        TraceJob,
        submit_s=st.floats(0, 1000),
        gpus=st.integers(0, GPUS),
        duration_s=st.floats(1, 500),
        priority=st.sampled_from(Priority),
        estimate_s=st.none() | st.floats(1, 1000),
    ),
    min_size=1,
    max_size=12,
).map(tuple)


def check(trace: Trace, jobs: tuple[Ran, ...]) -> None:
    """Every job ran once, whole, on its own cards, after its submission."""
    assert [job.id for job in jobs] == list(range(len(trace)))
    for job, asked in zip(jobs, trace, strict=True):
        assert job.start >= asked.submit_s == job.submit
        assert job.end == pytest.approx(job.start + asked.duration_s)
        assert len(set(job.gpus)) == len(job.gpus) == asked.gpus
        assert all(0 <= gpu < GPUS for gpu in job.gpus)
    for one in jobs:
        for other in jobs:
            if one.id < other.id and set(one.gpus) & set(other.gpus):
                assert one.end <= other.start or other.end <= one.start


@settings(max_examples=40, deadline=None)
@given(traces, st.sampled_from(Kind), st.sampled_from(Mode))
def test_no_policy_does_what_a_machine_cannot(trace: Trace, kind: Kind, mode: Mode) -> None:
    jobs = replay(trace, GPUS, Policy(kind=kind, mode=mode, effort=300)).jobs
    check(trace, jobs)
    best = bounds(trace, GPUS)
    figures = summary(trace, Replay(jobs, Calibration()), GPUS)
    assert figures.makespan_s >= best.makespan_s * (1 - 1e-9)
    assert figures.mean_completion_s >= best.mean_completion_s * (1 - 1e-9)
    assert figures.utilisation <= best.utilisation * (1 + 1e-9)


@settings(max_examples=40, deadline=None)
@given(traces)
def test_conservative_backfill_with_exact_durations_keeps_every_promise(trace: Trace) -> None:
    exact = tuple(replace(job, estimate_s=None) for job in trace)
    for job in replay(exact, GPUS, Policy(kind=Kind.FIFO_CONSERVATIVE)).jobs:
        assert job.start <= job.forecast.start_at + 1e-6


def test_a_replay_is_the_same_every_time() -> None:
    trace = generate(40, 3, 0.9, GPUS)
    assert replay(trace, GPUS, Policy(effort=500)) == replay(trace, GPUS, Policy(effort=500))


def test_a_job_that_is_too_wide_is_refused() -> None:
    with pytest.raises(WrongUse, match="job 1 of the trace asks for 5 GPUs, and there are 4"):
        run((TraceJob(submit_s=0, gpus=1, duration_s=1), TraceJob(submit_s=0, gpus=5, duration_s=1)), GPUS)


def test_a_running_job_that_outruns_its_estimate_holds_its_cards_until_it_ends() -> None:
    trace = (
        TraceJob(submit_s=0, gpus=4, duration_s=1000, estimate_s=100),
        TraceJob(submit_s=1, gpus=4, duration_s=10, estimate_s=10),
        TraceJob(submit_s=500, gpus=1, duration_s=10, estimate_s=10),
    )
    jobs = replay(trace, GPUS, Policy()).jobs
    check(trace, jobs)
    assert min(jobs[1].start, jobs[2].start) == 1000


def test_the_report_is_what_the_command_line_prints() -> None:
    trace = (
        TraceJob(submit_s=0, gpus=4, duration_s=HOUR),
        TraceJob(submit_s=10, gpus=2, duration_s=HOUR, priority=Priority.P0),
    )
    report = run(trace, GPUS)
    document = report.document()
    assert document["schema"] == 1
    assert document["jobs"] == [
        {
            "id": 0,
            "start": 0.0,
            "end": HOUR,
            "gpus": [0, 1, 2, 3],
            "forecast": {"start": 0.0, "start_low": 0.0, "start_high": 0.0, "finish": HOUR},
        },
        {"id": 1, "start": HOUR, "end": 2 * HOUR, "gpus": [0, 1], "forecast": document["jobs"][1]["forecast"]},
    ]
    assert document["jobs"][1]["forecast"]["start"] == HOUR
    summary = document["summary"]
    assert summary["mean_wait_s"] == pytest.approx((HOUR - 10) / 2)
    assert summary["worst_wait_s"] == HOUR - 10
    assert summary["mean_wait_by_class_s"] == {"P0": HOUR - 10, "P2": 0}
    assert summary["makespan_s"] == 2 * HOUR
    assert summary["utilisation"] == pytest.approx(0.75)
    assert summary["forecasts_close"] == 1
    assert document["bounds"]["makespan_s"] == 1.5 * HOUR
    lines = report.table().splitlines()
    assert [line.split()[-2:] for line in lines if line.startswith(("makespan", "utilisation"))] == [
        ["2h", "1h30m"],
        ["75.0%", "100.0%"],
    ]


@pytest.mark.parametrize(
    ("trace", "makespan_s", "mean_s"),
    [
        ([(0, 4, 10), (0, 4, 10)], 20, 15),
        ([(0, 3, 10), (0, 3, 10), (0, 1, 10)], 20, 15),
        ([(0, 1, 10), (0, 1, 40)], 40, 25),
        ([(0, 4, 10), (100, 4, 10)], 110, 10),
        ([(0, 4, 100), (0, 0, 1)], 100, 50.5),
        ([(0, 0, 10), (5, 0, 10)], 15, 10),
    ],
)
def test_the_bounds_where_they_are_known(trace: list[tuple[int, int, int]], makespan_s: float, mean_s: float) -> None:
    jobs = tuple(TraceJob(submit_s=submit, gpus=gpus, duration_s=duration) for submit, gpus, duration in trace)
    best = bounds(jobs, GPUS)
    assert best.makespan_s == makespan_s
    assert best.mean_completion_s <= mean_s
    assert best.mean_completion_s >= 0.7 * mean_s


@pytest.mark.parametrize("kind", Kind)
def test_a_job_starts_when_all_that_it_comes_after_have_ended(kind: Kind) -> None:
    trace = (
        TraceJob(submit_s=0, gpus=1, duration_s=5, after=(1, 2)),
        TraceJob(submit_s=0, gpus=1, duration_s=100, estimate_s=10),
        TraceJob(submit_s=20, gpus=0, duration_s=300),
        TraceJob(submit_s=30, gpus=1, duration_s=7, after=(0,), priority=Priority.P0),
    )
    jobs = replay(trace, GPUS, Policy(kind=kind)).jobs
    check(trace, jobs)
    assert [job.start for job in jobs] == [320, 0, 20, 325]


@pytest.mark.parametrize(("after", "said"), [((5,), "one that is not in it"), ((0,), "wait for each other")])
def test_a_job_that_can_never_start_is_refused(after: tuple[int, ...], said: str) -> None:
    with pytest.raises(WrongUse, match=said):
        replay((TraceJob(submit_s=0, gpus=1, duration_s=1, after=after),), GPUS, Policy())


def test_plan_search_beats_priority_with_easy_on_a_crowded_machine() -> None:
    """A guard against a search that has stopped searching; the benchmark has the real figures."""
    trace = generate(120, 11, 1.2, GPUS)
    ours = run(trace, GPUS).summary.mean_wait_s
    assert ours < run(trace, GPUS, Policy(kind=Kind.PRIO_EASY)).summary.mean_wait_s
