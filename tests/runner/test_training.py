"""Real trainings, tiny ones: what a run leaves, how it goes on after a kill, and how it obeys."""

from __future__ import annotations

import csv
import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.helpers import eventually
from tests.runner.rig import ROOT, Attempt, Run, alive, tagged
from yolotui.runner import checkpoints

from .conftest import EPOCHS

pytestmark = pytest.mark.training


def first_attempt(run: Run) -> Attempt:
    return Attempt(run.folder / "attempt-1")


# --- a whole run ----------------------------------------------------------------------------------------------------


def test_the_events_tell_the_whole_story(trained):
    events = first_attempt(trained).events()
    (start,) = first_attempt(trained).events("start")
    assert (start["task"], start["epochs"], start["batch"], start["imgsz"]) == ("detect", EPOCHS, 8, 32)
    assert (start["batches"], start["resumed_from_epoch"], start["device"]) == (2, None, "cpu")
    assert set(start["versions"]) == {"ultralytics", "torch", "python"}
    phases = [event["name"] for event in events if event["event"] == "phase"]
    assert phases == ["dataset", *["training", "validating"] * EPOCHS, "final_eval"]
    assert [event["epoch"] for event in events if event["event"] == "epoch"] == [1, 2, 3]
    assert [event["epoch"] for event in events if event["event"] == "checkpoint"] == [1, 2, 3]
    assert [event["t"] for event in events] == sorted(event["t"] for event in events)


def test_each_epoch_reports_its_first_batch(trained):
    batches = first_attempt(trained).events("batch")
    assert [event["epoch"] for event in batches if event["batch"] == 1] == [1, 2, 3]
    for event in batches:
        assert event["images_per_s"] > 0
        assert event["compute_s"] > 0
        assert event["wait_s"] >= 0
        assert set(event["losses"]) == {"train/box_loss", "train/cls_loss", "train/dfl_loss"}
        assert set(event["lr"]) == {"pg0", "pg1", "pg2"}


def test_epoch_metrics_are_the_columns_of_the_table(trained):
    with (trained.train_dir / "results.csv").open() as file:
        rows = list(csv.DictReader(file))
    epochs = first_attempt(trained).events("epoch")
    assert len(rows) == len(epochs)
    for row, event in zip(rows, epochs, strict=True):
        assert set(row) - {"epoch", "time"} == set(event["metrics"])
        for name, value in event["metrics"].items():
            assert float(row[name]) == pytest.approx(value, rel=1e-4, abs=1e-6)


def test_the_end_says_what_there_is(trained):
    end = first_attempt(trained).end()
    assert (end["outcome"], end["exit_code"], end["error"], end["epochs_done"]) == ("finished", 0, None, EPOCHS)
    assert "metrics/mAP50(B)" in end["metrics"]
    assert "fitness" in end["metrics"]
    for name in ("best", "last", "results"):
        assert Path(end["artifacts"][name]).is_file()
    assert end["best"] == str(trained.train_dir / "weights" / "best.pt")


def test_final_weights_are_stripped_and_whole_and_nothing_lies_about(trained):
    weights = trained.train_dir / "weights"
    assert {path.name for path in weights.iterdir()} == {"last.pt", "best.pt", "epoch0.pt", "epoch1.pt", "epoch2.pt"}
    assert checkpoints.inspect(weights / "best.pt").stripped
    assert checkpoints.inspect(weights / "epoch1.pt").epoch == 2
    assert checkpoints.choose(trained.train_dir)[:3] == ("complete", None, True)


def test_results_stay_in_the_run_whatever_the_job_says(trained):
    changed = {event["what"]: event["from"] for event in first_attempt(trained).events("changed")}
    assert changed == {"project": "elsewhere", "name": "elsewhere", "device": "0"}
    assert {path.name for path in trained.folder.iterdir()} == {"spec.json", "attempt-1", "cwd", "train", ".yolo"}
    assert not list((trained.folder / "cwd").iterdir())


def test_nothing_tried_to_leave_the_machine(trained, shell):
    notes = Path(shell["NETWORK_NOTES"])
    assert not notes.exists(), notes.read_text()


def test_settings_are_private_and_everything_is_off(trained):
    settings = json.loads((trained.folder / ".yolo" / "Ultralytics" / "settings.json").read_text())
    flags = ("sync", "clearml", "comet", "dvc", "mlflow", "raytune", "tensorboard", "wandb")
    assert not any(settings[name] for name in flags)
    assert settings["api_key"] == ""
    assert all(Path(settings[name]).is_absolute() for name in ("datasets_dir", "weights_dir", "runs_dir"))
    console = (trained.folder / "attempt-1" / "console.log").read_text()
    assert "settings updated" not in console.lower()


# --- the life of a run ----------------------------------------------------------------------------------------------


@pytest.fixture
def run(tmp_path, shapes, arguments):
    spec = {"kind": "train", "model": "yolo11n-seg.yaml", "data": str(shapes), "arguments": {**arguments, "epochs": 5}}
    run = Run(tmp_path / "run", spec)
    yield run
    for number in range(1, run.attempts + 1):
        Attempt(run.folder / f"attempt-{number}", f"{run.folder}#{number}").clean_up()


def test_killed_then_truncated_then_paused_then_finished(run):
    killed = run.attempt().start()
    eventually(lambda: len(killed.events("epoch")) >= 2, 120)
    killed.signal(signal.SIGKILL)
    assert killed.wait()["signal"] == 9
    assert not tagged(killed.tag)

    # The newest checkpoint is damaged while the run is dead: the kept copy, one epoch older, takes its place.
    last = run.train_dir / "weights" / "last.pt"
    _, reached = run.resume_point()
    os.truncate(last, 0)
    shutil.copyfile(last.with_name("last.prev.pt"), last.with_name("best.pt"))  # else the best might be newer
    assert checkpoints.choose(run.train_dir).rejected == [(str(last), "empty file")]
    path, epoch = run.resume_point()
    assert (Path(path).name, epoch) == ("last.prev.pt", reached - 1)

    paused = run.attempt(resume_from=path)
    paused.ask("pause", 7)
    assert paused.run()["exit_code"] == 75
    assert paused.events("start")[0]["resumed_from_epoch"] == reached - 1
    assert paused.events("control") == [{**paused.events("control")[0], "id": 7, "request": "pause"}]
    assert [event["epoch"] for event in paused.events("epoch")] == [reached]
    assert (paused.end()["outcome"], paused.end()["epochs_done"]) == ("paused", reached)
    assert "final_eval" not in [event["name"] for event in paused.events("phase")]

    assert run.resume_point() == (str(last), reached)
    # Meanwhile somebody moves the run directory; its checkpoint still names the old place.
    run.move(run.folder.with_name("moved"))
    finished = run.attempt(resume_from=run.resume_point()[0])
    finished.ask("checkpoint")
    assert finished.run()["exit_code"] == 0
    assert finished.events("start")[0]["resumed_from_epoch"] == reached
    # Saved in the middle of the first epoch, as of the epoch before it, and then at the end of each epoch.
    assert [event["epoch"] for event in finished.events("checkpoint")] == [reached, *range(reached + 1, 6)]
    assert finished.end()["outcome"] == "finished"
    assert finished.end()["best"] == str(run.train_dir / "weights" / "best.pt")
    assert run.epochs() == [1, 2, 3, 4, 5]
    assert not last.exists()


def test_stopped_then_resumed_on_order_and_asked_to_finish(run):
    stopped = run.attempt().start()
    eventually(lambda: stopped.events("epoch"), 120)
    stopped.signal(signal.SIGTERM)
    assert stopped.wait()["exit_code"] == 143
    assert (stopped.end()["outcome"], stopped.end()["exit_code"]) == ("stopped", 143)
    assert not tagged(stopped.tag)
    path, epoch = run.resume_point()
    assert epoch >= stopped.end()["epochs_done"] >= 1

    asked = run.attempt(resume_from=path, batch_override={"batch": 4})
    asked.ask("finish")
    assert asked.run()["exit_code"] == 0
    assert (asked.events("start")[0]["batch"], asked.events("start")[0]["batches"]) == (4, 4)
    assert asked.events("changed")[0]["what"] == "batch"
    end = asked.end()
    assert (end["outcome"], end["epochs_done"]) == ("finish_requested", epoch + 1)
    assert "metrics/mAP50(M)" in end["metrics"]
    assert checkpoints.choose(run.train_dir)[:3] == ("complete", None, False)
    assert run.epochs() == list(range(1, epoch + 2))


def test_trained_but_killed_before_the_final_validation(run, trained):
    # What such a kill leaves: the unstripped checkpoint of the last epoch, all rows, no end.
    weights = run.train_dir / "weights"
    weights.mkdir(parents=True)
    for name in ("last.pt", "best.pt"):
        (weights / name).write_bytes((trained.train_dir / "weights" / "epoch2.pt").read_bytes())
    (run.train_dir / "results.csv").write_bytes((trained.train_dir / "results.csv").read_bytes())
    assert checkpoints.choose(run.train_dir).kind == "finalize"

    attempt = run.attempt(finalize=True)
    assert attempt.run()["exit_code"] == 0
    end = attempt.end()
    assert (end["outcome"], end["epochs_done"]) == ("finished", EPOCHS)
    assert "metrics/mAP50(B)" in end["metrics"]
    assert checkpoints.choose(run.train_dir)[:3] == ("complete", None, True)


# --- jobs that can't work -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ({"data": "/no/such/data.yaml"}, "no such data set"),
        ({"model": "/no/such/model.pt"}, "no such model"),
        ({"model": "yolo11n.pt"}, "yolotui weights yolo11n.pt"),
        ({"arguments": {"epoch": 3}}, "epoch"),
        ({"kind": "dance"}, "dance"),
    ],
)
def test_what_can_never_work_is_told_apart(tmp_path, shapes, spec, words):
    run = Run(tmp_path / "run", {"kind": "train", "model": "yolo11n.yaml", "data": str(shapes), **spec})
    attempt = run.attempt()

    assert attempt.run()["exit_code"] == 2
    assert attempt.end()["outcome"] == "failed"
    assert words in attempt.end()["error"]["message"]


def test_a_checkpoint_to_resume_that_is_missing_is_no_reason_to_resume_another(tmp_path, shapes, trained):
    run = Run(tmp_path / "run", {"kind": "train", "model": "yolo11n.yaml", "data": str(shapes)})
    attempt = run.attempt(resume_from=str(run.train_dir / "weights" / "last.pt"))

    assert attempt.run()["exit_code"] == 2
    assert not run.train_dir.exists()


def test_stripped_weights_are_not_resumed(tmp_path, shapes, trained):
    run = Run(tmp_path / "run", {"kind": "train", "model": "yolo11n.yaml", "data": str(shapes)})
    attempt = run.attempt(resume_from=str(trained.train_dir / "weights" / "last.pt"))

    assert attempt.run()["exit_code"] == 2
    assert "nothing to resume" in attempt.end()["error"]["message"]
    assert not run.train_dir.joinpath("args.yaml").exists()


# --- other kinds ----------------------------------------------------------------------------------------------------


def test_validation(tmp_path, shapes, trained):
    best = str(trained.train_dir / "weights" / "best.pt")
    run = Run(tmp_path / "run", {
        "kind": "val", "model": best, "data": str(shapes), "arguments": {"imgsz": 32, "plots": False}
    })  # fmt: skip
    attempt = run.attempt()
    assert attempt.run()["exit_code"] == 0
    assert attempt.end()["outcome"] == "finished"
    assert "metrics/mAP50(B)" in attempt.end()["metrics"]
    assert attempt.end()["artifacts"]["dir"] == str(run.folder / "val")


def test_prediction(tmp_path, shapes, trained):
    best = str(trained.train_dir / "weights" / "best.pt")
    source = str(shapes.parent / "images" / "val")
    run = Run(tmp_path / "run", {"kind": "predict", "model": best, "arguments": {"imgsz": 32, "source": source}})
    attempt = run.attempt()
    assert attempt.run()["exit_code"] == 0
    assert attempt.end()["metrics"]["images"] == 4
    assert len(list((run.folder / "predict").glob("*.jpg"))) == 4


def test_export(tmp_path, trained):
    best = trained.train_dir / "weights" / "best.pt"
    before = sorted(best.parent.iterdir())
    run = Run(
        tmp_path / "run", {"kind": "export", "model": str(best), "arguments": {"imgsz": 32, "format": "torchscript"}}
    )
    attempt = run.attempt()
    assert attempt.run()["exit_code"] == 0
    assert Path(attempt.end()["artifacts"]["exported"]).is_file()
    assert sorted(best.parent.iterdir()) == before


# --- several ranks --------------------------------------------------------------------------------------------------


def test_two_ranks_pause_and_finish(tmp_path, shapes, arguments):
    run = Run(tmp_path / "run", {"kind": "train", "model": "yolo11n.yaml", "data": str(shapes), "arguments": arguments})
    paused = run.attempt(gpus=2)
    paused.ask("pause")
    assert paused.run()["exit_code"] == 75, (paused.folder / "console.log").read_text()[-3000:]
    assert [event["epoch"] for event in paused.events("epoch")] == [1]
    assert len(paused.events("start")) == len(paused.events("control")) == len(paused.events("end")) == 1
    path, epoch = run.resume_point()
    assert epoch == 1

    finished = run.attempt(gpus=2, resume_from=path)
    assert finished.run()["exit_code"] == 0
    assert (finished.end()["outcome"], finished.end()["epochs_done"]) == ("finished", EPOCHS)
    assert "metrics/mAP50(B)" in finished.end()["metrics"]
    assert [event["epoch"] for event in finished.events("epoch")] == [2, 3]
    assert run.epochs() == [1, 2, 3]
    assert checkpoints.choose(run.train_dir)[:3] == ("complete", None, True)


RANK = """
import sys
sys.path.insert(0, sys.argv[1])
from yolotui.runner.kinship import die_with_parent
die_with_parent()
import os, pathlib, signal
pathlib.Path(sys.argv[2], os.environ["RANK"]).write_text(str(os.getpid()))
signal.pause()
"""


def test_ranks_do_not_outlive_a_killed_torchrun(tmp_path):
    (tmp_path / "rank.py").write_text(RANK)
    pids = tmp_path / "pids"
    pids.mkdir()
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2"]
    with subprocess.Popen([*torchrun, str(tmp_path / "rank.py"), str(ROOT), str(pids)]) as parent:
        eventually(lambda: len([file for file in pids.iterdir() if file.read_text()]) == 2, 120)
        ranks = [int(file.read_text()) for file in pids.iterdir()]
        assert all(alive(pid) for pid in ranks)
        parent.kill()
    try:
        eventually(lambda: not any(alive(pid) for pid in ranks), 10)
    finally:
        for pid in filter(alive, ranks):
            os.kill(pid, signal.SIGKILL)
