"""Traces: read, made up, and taken from the queue's own past."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace

from yolotui.core.jobs import Attempt, Job, JobSpec, Kind, Owner, Priority, Status, Succeeded, Waiting
from yolotui.errors import WrongFile
from yolotui.simulation import TraceJob, generate, read_trace, trace_of


def written(directory: Path, text: str) -> Path:
    """A file with this text."""
    path = directory / "trace.csv"
    path.write_text(text, encoding="utf-8")
    return path


def mistakes(directory: Path, text: str) -> list[str]:
    """What is wrong with a trace, without the directory."""
    with pytest.raises(WrongFile) as refused:
        read_trace(written(directory, text))
    return [mistake.removeprefix(f"{directory}/") for mistake in refused.value.mistakes]


def test_three_columns_suffice(tmp_path: Path) -> None:
    trace = read_trace(written(tmp_path, "submit_s,gpus,duration_s\n0,1,60\n2.5,4,3600\n"))
    assert trace == (
        TraceJob(submit_s=0, gpus=1, duration_s=60),
        TraceJob(submit_s=2.5, gpus=4, duration_s=3600),
    )
    assert trace[0].expected_s == 60


def test_columns_may_stand_in_any_order_and_be_left_empty(tmp_path: Path) -> None:
    text = "estimate_s,priority,gpus,duration_s,submit_s\n70,P0,1,60,0\n,,1,60,0\n,3,1,60,0\n"
    trace = read_trace(written(tmp_path, text))
    assert [job.priority for job in trace] == [Priority.P0, Priority.P2, Priority.P3]
    assert [job.expected_s for job in trace] == [70, 60, 60]


def test_what_a_table_program_writes_is_understood(tmp_path: Path) -> None:
    trace = read_trace(written(tmp_path, "\ufeffsubmit_s, gpus , duration_s\n0, 1.0 ,60\n0,2,60\n"))
    assert [job.gpus for job in trace] == [1, 2]


@pytest.mark.parametrize("gpus", ["1.5", "-1", "nan", "inf", ""])
def test_only_whole_gpus_are_counted(tmp_path: Path, gpus: str) -> None:
    (mistake,) = mistakes(tmp_path, f"submit_s,gpus,duration_s\n0,{gpus},60\n")
    assert mistake == f"trace.csv:2: gpus is {gpus!r}, which is no number of GPUs"


def test_every_mistake_is_named_with_its_line(tmp_path: Path) -> None:
    rows = [
        "submit_s,gpus,duration_s,priority",
        "-1,1,60,P0",
        "0,one,60,P0",
        "0,1,0,P0",
        "0,1,nan,P0",
        "0,1,60,P7",
        "0,1",
    ]
    assert mistakes(tmp_path, "\n".join(rows) + "\n") == [
        "trace.csv:2: submit_s is -1, which is too small",
        "trace.csv:3: gpus is 'one', which is no number of GPUs",
        "trace.csv:4: duration_s is 0, which is too small",
        "trace.csv:5: duration_s is nan, which is no finite number",
        "trace.csv:6: priority is 'P7'; write P0, P1, P2 or P3",
        "trace.csv:7: the line has another number of values than the header",
    ]


def test_columns_are_checked_before_the_rows(tmp_path: Path) -> None:
    assert mistakes(tmp_path, "submit_s,gpu,duration_s\nx,y,z\n") == [
        "trace.csv:1: the column gpus is missing",
        "trace.csv:1: unknown column 'gpu'; known are submit_s, gpus, duration_s, priority, estimate_s, "
        "vram_bytes, preemptible, deadline_s, owner",
    ]
    assert mistakes(tmp_path, "submit_s,gpus,duration_s\n") == ["trace.csv:1: the trace holds no jobs"]


def test_what_a_job_allows_and_asks_can_be_said(tmp_path: Path) -> None:
    path = tmp_path / "trace.csv"
    header = "submit_s,gpus,duration_s,vram_bytes,preemptible,deadline_s,owner"
    path.write_text(f"{header}\n0,1,60,8e9,no,3600,alice\n1,1,60,,,,\n")
    assert read_trace(path) == (
        TraceJob(
            submit_s=0,
            gpus=1,
            duration_s=60,
            vram_bytes=8_000_000_000,
            preemptible=False,
            deadline_s=3600,
            owner="alice",
        ),
        TraceJob(submit_s=1, gpus=1, duration_s=60),
    )
    assert mistakes(tmp_path, f"{header}\n0,1,60,much,maybe,-1,\n") == [
        "trace.csv:2: vram_bytes is 'much', which is no number"
    ]
    assert mistakes(tmp_path, f"{header}\n0,1,60,,maybe,-1,\n") == [
        "trace.csv:2: preemptible is 'maybe'; write yes or no"
    ]


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(WrongFile, match=r"nowhere\.csv"):
        read_trace(tmp_path / "nowhere.csv")
    binary = tmp_path / "trace.csv"
    binary.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(WrongFile, match=r"trace\.csv"):
        read_trace(binary)


def test_a_made_up_trace_keeps_the_load_asked_for_and_its_seed() -> None:
    trace = generate(400, 7, 0.9, 8)
    assert trace == generate(400, 7, 0.9, 8)
    assert trace != generate(400, 8, 0.9, 8)
    span_s = trace[-1].submit_s
    assert sum(job.area for job in trace) / (8 * span_s) == pytest.approx(0.9, rel=0.05)
    assert all(1 <= job.gpus <= 8 and 0.85 <= job.expected_s / job.duration_s <= 1.15 for job in trace)
    assert [job.submit_s for job in trace] == sorted(job.submit_s for job in trace)


@pytest.mark.parametrize(("n", "load", "gpus"), [(0, 0.9, 8), (10, 0.0, 8), (10, 0.9, 0)])
def test_a_trace_that_makes_no_sense_is_refused(n: int, load: float, gpus: int) -> None:
    with pytest.raises(ValueError, match="at least one job"):
        generate(n, 1, load, gpus)


def test_the_queues_own_past_is_a_trace() -> None:
    jobs = [
        _job(2, 500.0, Succeeded(900.0), [(600.0, 700.0), (750.0, 900.0)]),
        _job(1, 400.0, Succeeded(450.0), [(410.0, 450.0)]),
    ]
    jobs.append(_job(3, 600.0, Waiting(600.0), []))
    assert trace_of(jobs) == (
        TraceJob(submit_s=0, gpus=2, duration_s=40, priority=Priority.P1, owner="ann"),
        TraceJob(submit_s=100, gpus=2, duration_s=250, priority=Priority.P1, owner="ann"),
    )


def test_the_past_keeps_who_came_after_whom_and_what_was_estimated() -> None:
    first = _job(11, 400.0, Succeeded(450.0), [(410.0, 450.0)])
    second = _job(12, 400.0, Succeeded(440.0), [(410.0, 440.0)])
    child = replace(_job(13, 401.0, Succeeded(500.0), [(450.0, 500.0)]), after=(7, 11, 12))
    either = replace(child, id=14, after_modes={11: "any", 12: "any"}, spec=replace(child.spec, estimate_s=44.0))
    trace = trace_of([child, either, second, first])
    assert [job.after for job in trace] == [(), (), (0, 1), (1,)]
    assert [job.estimate_s for job in trace] == [None, None, None, 44.0]


def _job(job_id: int, submitted_at: float, status: Status, spans: list[tuple[float, float]]) -> Job:
    attempts = tuple(
        Attempt(number=number, uuid=f"{job_id}-{number}", started_at=started_at, ended_at=ended_at)
        for number, (started_at, ended_at) in enumerate(spans, start=1)
    )
    return Job(
        id=job_id,
        spec=JobSpec(name="night", kind=Kind.TRAIN, gpus=2),
        priority=Priority.P1,
        owner=Owner("ann", 1000),
        submitted_at=submitted_at,
        status=status,
        run_dir="",
        attempts=attempts,
    )
