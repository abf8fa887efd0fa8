"""Whatever a file holds: a sentence and nothing changed, or something that makes sense; never a traceback."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fuzz.mangling import bounded, mangled
from tests.runner.rig import write_checkpoint
from yolotui.config_reading import read as read_config
from yolotui.core.jobs import Attempt, Job, JobSpec, Kind, Outcome, Owner, Priority, Starting
from yolotui.errors import WrongFile
from yolotui.jobfile import read as read_jobs
from yolotui.runner import checkpoints
from yolotui.runner.control import ControlFile
from yolotui.runner.job import WrongJobError
from yolotui.runner.job import read as read_order
from yolotui.runner.results import last_epoch, trim
from yolotui.scheduler import interventions
from yolotui.scheduler.executor import Ended
from yolotui.scheduler.judging import judge
from yolotui.scheduler.preparing import prepare
from yolotui.scheduler.shrinking import smaller_batch
from yolotui.simulation.trace import read_trace
from yolotui.telemetry import LogTail, RunReader, progress

JOBS = rb"""[defaults]
data = "shapes.yaml"
epochs = 100
keep_env = ["A"]

[[job]]
name = "night-n"
model = "yolo11n.yaml"
priority = "P1"
gpus = 2
vram = "10GiB"
train = { imgsz = 640, batch = 16, seed = 0 }
retries = 5
retry_delay = "5m"
time_limit = "8h"
keep = [10, 20]
env = { A = "b" }
deadline = 08:00:00
avoid = [0, "A100"]

[[job]]
name = "deploy"
run = "python deploy.py {night-n.best}"
gpus = 0
after = { all = ["night-n"], any = [], finished = [] }
when = "night-n.metrics/mAP50-95(B) >= 0.40"
"""
CONFIG = rb"""[queue]
confirm = "marked"
[paths]
runs = "/data/yolo-runs"
[gpus]
use = [0, 1, 2]
ignore_below = "300MiB"
too_hot = 85
[scheduling]
preemption = "queue"
notice = "30m"
[limits]
stall = "10m"
log = "64MiB"
[notify]
finished = ["wecombot://x"]
[keys]
kill = "x"
[ui]
refresh = 1.0
"""
TRACE = b"submit_s,gpus,duration_s,priority,estimate_s\n0,1,3600,P1,\n10,2,60,P0,50\n20,0,5,2,\n"
RESULTS = (
    b"epoch,time,train/box_loss,metrics/mAP50(B),lr/pg0\n1,1.5,0.9,0.1,0.01\n2,3.0,0.8,0.2,0.01\n3,4.5,nan,0.3,0\n"
)
EVENTS = b"""{"t":1.0,"event":"phase","name":"dataset"}
{"t":1.5,"event":"start","task":"detect","epochs":3,"batch":16,"imgsz":64,"batches":2,"resumed_from_epoch":null}
{"t":2.0,"event":"batch","epoch":1,"batch":1,"batches":2,"losses":{"box":1.0},"lr":{"pg0":0.1},"wait_s":0.1,"compute_s":1}
{"t":3.0,"event":"epoch","epoch":1,"epochs":3,"epoch_s":1.0,"metrics":{"metrics/mAP50(B)":0.1},"fitness":0.1}
{"t":3.5,"event":"checkpoint","epoch":1,"path":"last.pt","bytes":10}
{"t":3.6,"event":"changed","what":"batch","from":16,"to":8,"why":"memory"}
{"t":4.0,"event":"control","id":1,"request":"pause"}
{"t":5.0,"event":"end","outcome":"failed","error":{"type":"OutOfMemoryError","message":"x","trace_tail":""},"epochs_done":1}
"""
SMALL = {
    "control.json": b'{"id": 1, "request": "pause"}',
    "exit.json": b'{"exit_code": 1, "signal": null, "error": null, "started_at": 1.0, "ended_at": 2.0, "oom_kills": 0}',
    "launch.json": b'{"argv": ["x"], "cwd": "/", "env": {"A": "b"}, "trainer": {"gpus": 1, "resume_from": null}}',
    "claim": b'{"pid": 1, "start_ticks": 2, "boot_id": "x", "by": "shim"}',
    "process.json": b'{"pid": 1, "start_ticks": 2, "boot_id": "x", "started_at": 1.0}',
    "intervention.json": b'{"cause": "stall", "sentence": "x", "permanent": false}',
}
SPEC = b'{"job": 1, "name": "a", "kind": "train", "model": "yolo11n.yaml", "data": "/d", "arguments": {"epochs": 3}}'
BIG_NUMBERS = (
    b"1e308",
    b"-1e308",
    b"1" * 400,
    b"9007199254740993",
    b'"epoch":0',
    b'"epoch":-1',
    b'"t":null',
    b'"t":1e308',
)


def sentences_only(call: Callable[[], object]) -> None:
    """It succeeds, or tells each mistake as a line of its own with the file's name in it."""
    told = ["any"]
    try:
        call()
    except WrongFile as error:
        told = error.mistakes
    assert told
    assert all("any" in mistake and "Traceback" not in mistake for mistake in told)


@given(mangled([JOBS], [b'"P9"', b"job = 1\n", b"[job]\n", b"after = 'night-n'\n", b"12:00:00", b"{x.dir}"]))
@bounded
def test_jobs_toml(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "shapes.yaml").touch()
    file = tmp_path / "any.toml"
    file.write_bytes(content)
    sentences_only(lambda: [msgspec.json.encode(job) for job in read_jobs(file, weights_dir=tmp_path).jobs])


@given(mangled([CONFIG], [b"[keys]\n", b"1e400", b"[gpus.use]\n"]))
@bounded
def test_config_toml(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "any.toml"
    file.write_bytes(content)
    sentences_only(lambda: msgspec.json.encode(read_config(file)))


@given(mangled([TRACE], [b"P7", b"1e308", b'"a\n']))
@bounded
def test_trace_csv(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "any.csv"
    file.write_bytes(content)
    sentences_only(lambda: read_trace(file))


@given(mangled([RESULTS], BIG_NUMBERS), mangled([EVENTS], BIG_NUMBERS), mangled([EVENTS], BIG_NUMBERS))
@bounded
def test_what_a_run_wrote(
    tmp_path_factory: pytest.TempPathFactory, results: bytes, first: bytes, second: bytes
) -> None:
    run_dir = tmp_path_factory.mktemp("run")
    for name, content in (("attempt-1", first), ("attempt-2", second)):
        (run_dir / name).mkdir()
        (run_dir / name / "events.jsonl").write_bytes(content)
        (run_dir / name / "console.log").write_bytes(content)
    (run_dir / "train").mkdir()
    table = run_dir / "train" / "results.csv"
    table.write_bytes(results)
    reader = RunReader(run_dir)
    reader.poll()
    epochs = [row.epoch for row in reader.series.epochs]
    assert epochs == sorted(set(epochs))
    json.dumps(msgspec.to_builtins(progress(reader.series, epochs_asked=3)), allow_nan=False)
    tail = LogTail(run_dir / "attempt-1" / "console.log")
    tail.poll()
    assert all("\x1b" not in line for line in tail.lines)
    assert last_epoch(str(table)) >= 0
    trim(str(table), 1)
    assert last_epoch(str(table)) <= 1
    smaller_batch(_job(run_dir))
    judge(_job(run_dir), run_dir / "attempt-1", Ended(ended_at=2.0, exit_code=1))


@given(st.fixed_dictionaries({name: mangled([content]) for name, content in SMALL.items()}), mangled([SPEC]))
@bounded
def test_the_small_files_of_an_attempt(
    tmp_path_factory: pytest.TempPathFactory, files: dict[str, bytes], spec: bytes
) -> None:
    run_dir = tmp_path_factory.mktemp("run")
    attempt_dir = run_dir / "attempt-1"
    attempt_dir.mkdir()
    (run_dir / "spec.json").write_bytes(spec)
    for name, content in files.items():
        (attempt_dir / name).write_bytes(content)
    request = ControlFile(str(attempt_dir / "control.json")).look(now=True)
    assert request is None or request.request in {"pause", "checkpoint", "finish"}
    interventions.read(attempt_dir)
    judge(_job(run_dir), attempt_dir, Ended(ended_at=2.0, exit_code=1))
    prepare(_job(run_dir), [])
    (run_dir / "spec.json").write_bytes(spec)
    with suppress(WrongJobError):
        read_order(str(attempt_dir))


def _job(run_dir: Path) -> Job:
    failed = Attempt(number=1, uuid="1", outcome=Outcome.FAILED, cause="cuda_out_of_memory")
    return Job(
        id=1, spec=JobSpec(name="a", kind=Kind.TRAIN, model="yolo11n.yaml", data="/d"), priority=Priority.P2,
        owner=Owner("anna", 1), submitted_at=0.0, status=Starting(0.0, 1), run_dir=str(run_dir), attempts=(failed,),
    )  # fmt: skip


@given(st.data())
@bounded
def test_a_checkpoint_is_whole_or_refused(tmp_path_factory: pytest.TempPathFactory, data: Any) -> None:
    folder = tmp_path_factory.mktemp("train") / "weights"
    folder.mkdir()
    good = write_checkpoint(folder / "good.pt", epoch=2, epochs=5).read_bytes()
    (folder / "last.pt").write_bytes(
        data.draw(mangled([good], [b"cos\nsystem\n(S'false'\ntR.", b"PK\x05\x06", b"\x95"]))
    )
    try:
        epoch = checkpoints.inspect(folder / "last.pt").epoch
    except checkpoints.CheckpointError:
        epoch = None
        assert checkpoints.choose(folder.parent).kind == "fresh"
    assert epoch is None or epoch >= 0
