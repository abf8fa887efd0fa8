"""What is done about a failure: half the batch after the GPU's memory, other GPUs after an error of theirs."""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path

import pytest
from msgspec import structs

from tests.scheduler.conftest import Rig
from tests.scheduler.test_leading import waiting_for
from yolotui.core.jobs import Attempt, Job, JobSpec, Kind, Outcome, Owner, Priority, Progress, Waiting
from yolotui.scheduler.judging import Verdict, what_follows
from yolotui.scheduler.preparing import prepare
from yolotui.scheduler.shrinking import smaller_batch

DOUBLE = """
import json, os, sys
attempt_dir = next(word for word in sys.argv if "attempt-" in word)
launch = json.load(open(attempt_dir + "/launch.json"))
gpus = launch["env"]["CUDA_VISIBLE_DEVICES"]
def say(event, **fields):
    with open(attempt_dir + "/events.jsonl", "a") as file:
        file.write(json.dumps(dict(t=1.0, event=event, **fields)) + chr(10))
say("start", batch=(launch["trainer"]["batch_override"] or {"batch": 16})["batch"])
if attempt_dir.endswith("attempt-3"):
    say("end", outcome="finished")
    sys.exit(0)
say("end", outcome="failed", error={"type": "OutOfMemoryError", "message": "CUDA out of memory."})
sys.exit(1)
"""


def failed(run_dir: Path, cause: str, *, batch: int | None = None, halved_to: int | None = None, **spec) -> Job:
    attempt_dir = run_dir / "attempt-1"
    attempt_dir.mkdir(parents=True)
    events = []
    if batch:
        events.append({"t": 1.0, "event": "start", "batch": batch})
    if halved_to:
        events.append({"t": 2.0, "event": "changed", "what": "batch", "from": batch, "to": halved_to})
    (attempt_dir / "events.jsonl").write_text("".join(json.dumps(event) + "\n" for event in events))
    attempt = Attempt(number=1, uuid="1", gpus=("GPU-1",), outcome=Outcome.FAILED, cause=cause)
    return Job(
        id=1, spec=JobSpec(name="t", kind=Kind.TRAIN, model="yolo11n.yaml", **spec), priority=Priority.P2,
        owner=Owner("anna", 1), submitted_at=0.0, status=Waiting(0.0), run_dir=str(run_dir), attempts=(attempt,),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("options", "batch"),
    [
        ({"batch": 16}, 8),
        ({"batch": 16, "halved_to": 4}, 2),  # Ultralytics had halved it already, twice
        ({"arguments": {"batch": 12}}, 6),  # it failed before it could say anything
        ({}, 8),
        ({"batch": 1}, None),
        ({"batch": 24, "gpus": 4}, 12),
        ({"batch": 20, "gpus": 4}, 8),  # 10 is no multiple of 4
        ({"batch": 4, "gpus": 4}, None),
        ({"arguments": {"batch": 0.6}}, None),
    ],
)
def test_half_the_batch_that_the_last_attempt_ran_with(tmp_path, options, batch):
    assert smaller_batch(failed(tmp_path, "cuda_out_of_memory", **options)) == batch


@pytest.mark.parametrize(
    ("epochs", "delay_s"),
    [
        ([0], 30),
        ([0, 0, 0], 120),
        ([5], 30),
        ([5, 9, 12, 13], 30),
        ([5, 9, 9, 9], 60),
        ([0, 0, 0, 7], 30),
        ([5, 2, 5], 30),  # its checkpoint was lost in between: the third got further than the second
    ],
)
def test_it_waits_longer_only_after_attempts_that_came_no_further(tmp_path, epochs, delay_s):
    attempts = [Attempt(number=n, uuid=str(n), progress=Progress(epochs_done=done)) for n, done in enumerate(epochs, 1)]
    job = structs.replace(failed(tmp_path, "killed"), attempts=tuple(attempts), failures=len(epochs) - 1)
    status, failures = what_follows(job, Verdict(outcome=Outcome.FAILED, cause="killed"), now=1000.0)
    assert status == Waiting(1000.0, 1000.0 + delay_s)
    assert failures == len(epochs)


@pytest.mark.parametrize("cause", ["host_out_of_memory", "killed", "nccl"])
def test_no_other_failure_makes_the_batch_smaller(tmp_path, cause):
    job = failed(tmp_path, cause, batch=16)
    assert smaller_batch(job) is None
    assert prepare(job, []).batch is None


def test_a_training_that_does_not_fit_is_tried_with_half_the_batch_until_it_does_and_says_so(rig: Rig, tmp_path: Path):
    double = tmp_path / "double.py"
    double.write_text(f"#!{sys.executable}\n{DOUBLE}")
    double.chmod(0o755)
    spec = JobSpec(
        name="big", kind=Kind.TRAIN, model="yolo11n.yaml", data=str(tmp_path), python=str(double), retry_delay_s=0.01
    )
    rig.home.config.write_text('[scheduling]\npreflight = "off"\n')  # its data set is none
    job = rig.submit(spec)
    rig.lead()
    done = rig.until(job, "succeeded", "failed")
    assert [attempt.cause for attempt in done.attempts] == ["cuda_out_of_memory", "cuda_out_of_memory", None]
    launches = [json.loads(Path(done.run_dir, f"attempt-{n}", "launch.json").read_text()) for n in (1, 2, 3)]
    assert [each["trainer"]["batch_override"] for each in launches] == [None, {"batch": 8}, {"batch": 4}]
    told = [row.detail.get("how", []) for row in rig.store.read.audit(jobs=[job]) if row.verb == "start"]
    assert any("batch of 4" in line for line in told[2])


def test_after_an_error_of_the_gpu_another_one_is_tried(rig: Rig):
    code = "import sys; print('RuntimeError: CUDA error: unspecified launch failure'); sys.exit(1)"
    job = rig.command("job", sys.executable, "-c", code, gpus=1, retries=1)
    rig.lead()
    first, second = rig.until(job, "failed").attempts
    assert first.cause == "cuda_error"
    assert first.gpus != second.gpus


def test_a_person_who_kills_is_told_from_the_kernel(rig: Rig, tmp_path: Path):
    job = rig.command("job", *waiting_for(tmp_path / "never"))
    rig.lead()
    running = rig.until(job, "running")
    assert running.attempts[0].process
    os.kill(running.attempts[0].process.pid, signal.SIGKILL)
    ended = rig.until(job, "failed")
    exit_file = json.loads(Path(ended.run_dir, "attempt-1", "exit.json").read_text())
    assert exit_file["oom_kills"] in {0, None}
    assert ended.attempts[0].cause == "killed"


def test_a_failure_that_no_try_follows_has_used_no_retry(rig: Rig):
    once = rig.command("once", "false", retries=0)
    again = rig.command("again", "false", retries=1, retry_delay_s=0.01)
    rig.lead()
    assert [rig.until(job, "failed").retries_used for job in (once, again)] == [0, 1]
