"""What a training tells and obeys, with a trainer that is only described."""

from __future__ import annotations

import json
import math
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.helpers import eventually
from tests.runner.rig import ROOT, alive, write_checkpoint
from yolotui.runner import callbacks, control, rhythm, stopping, training, verdict
from yolotui.runner.checkpoints import inspect
from yolotui.runner.dataset_lock import DatasetLock
from yolotui.runner.events import EventLog
from yolotui.runner.job import Job, WrongJobError, read


class Stage:
    """A watch, the trainer it watches, and what came out."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.losses_read = 0
        self.progress = verdict.Progress()
        self.watch = callbacks.TrainingWatch(
            events=EventLog(str(folder / "events.jsonl")),
            progress=self.progress,
            control_file=control.ControlFile(str(folder / "control.json")),
            stop=stopping.StopSignals(1.0, lambda signum: None),
            dataset_lock=DatasetLock(str(folder / "locks"), "data.yaml"),
            start_facts={},
            prepare=lambda trainer: None,
            record=lambda trainer: None,
            leads=True,
        )
        self.trainer = SimpleNamespace(
            epoch=0, epochs=10, batch_size=16, stop=False, epoch_time=1.5, train_loader=range(4), tloss={"box": 1.0},
            metrics={"metrics/mAP50(B)": 0.25}, lr={"lr/pg0": 0.01}, fitness=0.3, best_fitness=0.4, resume=False,
            optimizer=SimpleNamespace(param_groups=[{"lr": 0.01}]), device=SimpleNamespace(type="cpu"),
            stopper=SimpleNamespace(best_epoch=1), args=SimpleNamespace(time=None), last=folder / "weights" / "last.pt",
            label_loss_items=self.read_losses,
        )  # fmt: skip
        self.callbacks = self.watch.callbacks()

    def read_losses(self, losses):
        self.losses_read += 1
        return {f"train/{name}": value for name, value in losses.items()}

    def call(self, *names: str) -> None:
        for name in names:
            self.callbacks[name](self.trainer)

    def events(self, kind: str) -> list[dict[str, Any]]:
        lines = (self.folder / "events.jsonl").read_text().splitlines()
        return [event for event in map(json.loads, lines) if event["event"] == kind]

    def ask(self, request: str, number: int = 1) -> None:
        (self.folder / "control.json").write_text(json.dumps({"id": number, "request": request}))


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    return Stage(tmp_path)


def test_losses_are_read_by_the_clock_and_not_with_every_batch(stage):
    began = time.monotonic()
    stage.call("on_train_epoch_start")
    for _ in range(2000):
        stage.call("on_train_batch_start", "on_train_batch_end")
    elapsed = time.monotonic() - began

    assert 1 <= stage.losses_read == len(stage.events("batch")) <= 1 + elapsed / rhythm.DENSE_EVERY_S


def test_batches_are_told_densely_at_first_and_thinly_later():
    ages_s = [0.0, 5.0, 60.0, 3600.0]
    assert [rhythm.report_every_s(age_s) for age_s in ages_s] == [0.1, 0.1, 0.5, 2.0]


def test_an_epoch_that_begins_again_is_explained(stage):
    stage.call("on_train_epoch_start")
    stage.trainer.batch_size = 8
    stage.call("on_train_epoch_start")
    stage.trainer.epoch = 1
    stage.call("on_train_epoch_start", "on_train_epoch_start")

    smaller, again = stage.events("changed")
    assert (smaller["what"], smaller["from"], smaller["to"]) == ("batch", 16, 8)
    assert "memory" in smaller["why"]
    assert (again["what"], again["from"]) == ("epoch", 2)


def test_a_number_that_is_none_is_null_and_named(stage):
    stage.trainer.tloss = {"box": math.nan, "cls": math.inf}
    stage.trainer.fitness = math.nan
    stage.call("on_train_epoch_start", "on_train_batch_start", "on_train_batch_end", "on_fit_epoch_end")

    (batch,), (epoch,) = stage.events("batch"), stage.events("epoch")
    assert batch["losses"] == {"train/box": None, "train/cls": None}
    assert batch["nonfinite"] == ["train/box", "train/cls"]
    assert epoch["fitness"] is None
    assert epoch["metrics"]["metrics/mAP50(B)"] == 0.25
    assert "fitness" in epoch["nonfinite"]


def test_early_stop_is_told_from_the_end(stage):
    stage.trainer.stop, stage.trainer.epoch = True, 4
    stage.call("on_fit_epoch_end")
    assert stage.progress.outcome == verdict.STOPPED_EARLY
    stage.trainer.epoch = 9
    stage.call("on_fit_epoch_end")
    assert stage.progress.outcome == verdict.FINISHED


def test_a_pause_waits_for_a_checkpoint_that_proves_whole(stage):
    stage.ask("pause")
    stage.trainer.last.parent.mkdir()
    stage.trainer.last.write_bytes(b"torn")
    stage.call("on_fit_epoch_end")
    assert not stage.trainer.stop
    write_checkpoint(stage.trainer.last, epoch=1)
    stage.call("on_fit_epoch_end")
    assert stage.trainer.stop
    assert stage.progress.outcome == verdict.PAUSED


def test_each_request_is_acknowledged_once_and_nonsense_is_ignored(stage):
    for text in ("{half", "[]", '{"id": 1, "request": "dance"}', '{"id": "x", "request": "pause"}'):
        (stage.folder / "control.json").write_text(text)
        stage.call("on_fit_epoch_end")
    stage.ask("checkpoint", 3)
    stage.call("on_fit_epoch_end", "on_fit_epoch_end")
    stage.ask("finish", 2)  # older than what was obeyed
    stage.call("on_fit_epoch_end")

    assert [(event["id"], event["request"]) for event in stage.events("control")] == [(3, "checkpoint")]
    assert not stage.trainer.stop


def test_a_broken_callback_costs_nothing_but_its_event(stage, capfd):
    """It is told once. On the console its traceback would pass for the cause of whatever ends the training later."""
    del stage.trainer.optimizer
    stage.trainer.tloss = None
    stage.call("on_train_epoch_start", "on_train_batch_start", "on_train_batch_end")
    stage.call("on_fit_epoch_end", "on_fit_epoch_end")

    assert stage.events("phase")
    assert not stage.events("batch") + stage.events("epoch")
    batch, epoch = stage.events("trouble")
    assert (batch["callback"], epoch["callback"]) == ("on_batch_end", "on_epoch_end")
    assert epoch["error"]["type"] == "AttributeError"
    assert "read_losses" in epoch["error"]["trace_tail"]
    assert capfd.readouterr() == ("", "")


def test_a_full_disk_drops_events_and_later_lines_are_whole(tmp_path):
    script = (
        "import resource, signal, sys; signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "from yolotui.runner.events import EventLog\n"
        "log = EventLog(sys.argv[1]); log.write('first')\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (60, resource.RLIM_INFINITY))\n"
        "log.write('half', text='x' * 500); log.write('none')\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))\n"
        "log.write('last')\n"
    )
    path = tmp_path / "events.jsonl"
    subprocess.run([sys.executable, "-c", script, str(path)], cwd=ROOT, check=True)
    lines = path.read_text().splitlines()
    assert len(lines) == 3
    assert [json.loads(line)["event"] for line in (lines[0], lines[-1])] == ["first", "last"]


def test_events_cannot_fail_where_no_file_can_be(tmp_path):
    EventLog(str(tmp_path / "missing" / "events.jsonl")).write("start")
    EventLog(None).write("start")


# --- locks, stops, verdicts -----------------------------------------------------------------------------------------


def test_one_at_a_time_prepares_a_data_set_and_nobody_waits_for_ever(tmp_path):
    first, second, other = (DatasetLock(str(tmp_path), name) for name in ("a.yaml", "a.yaml", "b.yaml"))
    assert first.acquire()
    assert other.acquire(0.0)
    assert not second.acquire(0.0)
    first.release()
    assert second.acquire(0.0)
    second.release()
    other.release()


def test_data_workers_that_were_forked_meanwhile_keep_nobody_from_the_data_set(tmp_path):
    first, second = DatasetLock(str(tmp_path), "a.yaml"), DatasetLock(str(tmp_path), "a.yaml")
    assert first.acquire()
    assert first._file is not None
    waits = [sys.executable, "-c", "input()"]
    with subprocess.Popen(waits, stdin=subprocess.PIPE, pass_fds=[first._file]) as worker:
        first.release()
        assert second.acquire(0.0)
        second.release()
        worker.communicate(b"\n")


STUCK = """
import os, sys, time, threading
from yolotui.runner.stopping import Stopped, StopSignals
stop = StopSignals(float(sys.argv[2]), lambda signum: os._exit(70))
stop.install()
child = os.fork()
if child == 0:
    open(sys.argv[1] + ".child", "w").write(str(os.getpid()))
    time.sleep(600)
try:
    open(sys.argv[1], "w").close()
    time.sleep(600)
except Stopped as stopped:
    if sys.argv[3] == "stuck":
        time.sleep(600)
    try:
        stop.check()
    except Stopped:
        stop.leave()
        os.kill(child, 9)
        sys.exit(stopped.exit_code)
"""


@pytest.mark.parametrize(
    ("signum", "how", "patience", "code"),
    [(signal.SIGTERM, "free", 600, 143), (signal.SIGINT, "free", 600, 130), (signal.SIGTERM, "stuck", 0.1, 70)],
)
def test_a_stop_is_raised_once_and_a_stuck_process_is_ended(tmp_path, signum, how, patience, code):
    ready = tmp_path / "ready"
    with subprocess.Popen([sys.executable, "-c", STUCK, str(ready), str(patience), how], cwd=ROOT) as process:
        child = tmp_path / "ready.child"
        pid = int(eventually(lambda: ready.exists() and child.exists() and child.read_text()))
        process.send_signal(signum)
        assert process.wait(timeout=60) == code
    if how == "stuck":
        os.kill(pid, signal.SIGTERM)
    # Killed by its parent, or by a signal for which a forked child has the default action again.
    eventually(lambda: not alive(pid))


@pytest.mark.parametrize(
    ("problem", "started", "code"),
    [
        (WrongJobError("no"), True, 2),
        (SyntaxError("'epoch' is not a valid YOLO argument"), False, 2),
        (RuntimeError("Dataset 'x.yaml' error"), False, 2),
        (FileNotFoundError("x"), False, 2),
        (FileNotFoundError("x"), True, 1),
        (ValueError("Invalid CUDA 'device=0' requested"), False, 1),
        (RuntimeError("CUDA out of memory"), True, 1),
        (SystemExit(0), True, 1),
        (MemoryError(), False, 1),
    ],
)
def test_permanent_errors_are_told_from_others(tmp_path, problem, started, code):
    def work() -> None:
        raise problem

    job = Job(attempt_dir=str(tmp_path / "attempt-1"), kind="train", model="m")
    ending = verdict.attend(work, job, verdict.Progress(started=started, epochs_done=3))

    assert (ending.outcome, ending.exit_code, ending.epochs_done) == ("failed", code, 3)
    assert ending.error is not None
    assert ending.error["type"] == type(problem).__name__
    assert "work" in ending.error["trace_tail"]
    assert (ending.best, ending.last) == (None, None)


def test_an_error_is_told_with_the_one_that_it_was_raised_from():
    worker = RuntimeError("DataLoader worker (pid 9) is killed by signal: Killed. ")
    lost, told_already = RuntimeError("DataLoader worker (pid(s) 9) exited unexpectedly"), RuntimeError(f"oh: {worker}")
    lost.__cause__ = told_already.__cause__ = worker

    assert verdict.describe(lost)["message"] == f"{lost} (because of: {worker})"
    assert verdict.describe(told_already)["message"] == str(told_already)


# --- what a job may ask for -----------------------------------------------------------------------------------------


def written(folder: Path, spec: dict[str, Any], order: dict[str, Any]) -> str:
    attempt = folder / "run" / "attempt-1"
    attempt.mkdir(parents=True)
    data = folder / "data.yaml"
    data.touch()
    complete = {"kind": "train", "model": "yolo11n.yaml", "data": str(data), **spec}
    (attempt.parent / "spec.json").write_text(json.dumps(complete))
    (attempt / "launch.json").write_text(json.dumps({"trainer": order}))
    return str(attempt)


@pytest.mark.parametrize(("asked", "expected"), [({}, 3), ({"workers": 1}, 1)])
def test_the_share_of_workers_is_a_default(tmp_path, asked, expected):
    job = read(written(tmp_path, {"arguments": asked}, {"workers": 3, "gpus": 1, "cpu": False}))
    assert training.train_arguments(job, "8.4.190")["workers"] == expected


@pytest.mark.parametrize("batch", [-1, 0.7])
def test_no_automatic_batch_on_several_gpus(tmp_path, batch):
    spec = {"arguments": {"batch": batch}}
    with pytest.raises(WrongJobError, match="one GPU only"):
        read(written(tmp_path, spec, {"gpus": 2, "cpu": False}))


def test_a_resume_keeps_the_batch_that_fitted_and_says_what_it_ignores(tmp_path):
    last = write_checkpoint(tmp_path / "last.pt", epoch=1, epochs=5)  # its batch is 8
    spec = {"arguments": {"batch": 32, "epochs": 9, "imgsz": 64, "lr0": 0.1}}
    job = read(written(tmp_path, spec, {"resume_from": str(last)}))
    arguments = training.train_arguments(job, "8.4.190")

    assert arguments.items() >= {"resume": str(last), "imgsz": 64, "data": job.data, "device": "cpu"}.items()
    assert not {"batch", "epochs", "lr0"} & set(arguments)
    ignored = {what: (asked, in_force) for what, asked, in_force, _ in training.overruled(job, inspect(last))}
    assert ignored == {"batch": (32, 8), "epochs": (9, 5)}


def test_a_training_always_saves_and_into_its_own_directory(tmp_path):
    asked = {"save": False, "project": "/elsewhere", "exist_ok": False, "save_dir": "/elsewhere", "resume": True}
    job = read(written(tmp_path, {"arguments": asked}, {}))
    arguments = training.train_arguments(job, "8.4.190")

    assert arguments["save"] is True
    assert arguments["save_dir"] == str(tmp_path / "run" / "train")
    assert not {"project", "resume"} & set(arguments)
    assert set(job.refused) == {"project", "exist_ok", "save_dir", "resume"}
