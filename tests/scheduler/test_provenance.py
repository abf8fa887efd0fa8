"""A real training leaves behind what it was made from, and can be made once more from that."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from examples.make_shapes import make_shapes
from tests.helpers import eventually
from tests.scheduler.conftest import ANNA, Rig
from yolotui.core.jobs import JobSpec, Kind
from yolotui.errors import NotPossible
from yolotui.preflight.basis import code_of
from yolotui.queue import Queue
from yolotui.repeating import as_it_was


@pytest.mark.training
def test_a_training_tells_what_it_was_made_from_and_can_be_repeated(rig: Rig, tmp_path: Path) -> None:
    data = make_shapes(tmp_path / "shapes", train=8, val=4, size=64)
    git = ["git", "-C", str(data.parent), "-c", "user.name=a", "-c", "user.email=a@b"]
    script = data.parent / "augment.py"
    script.write_text("")
    for words in (["init", "-q"], ["add", "data.yaml", "augment.py"], ["commit", "-qm", "first"]):
        subprocess.run([*git, *words], check=True)
    commit = subprocess.run([*git, "rev-parse", "HEAD"], check=True, capture_output=True, text=True).stdout.strip()
    data.write_text(data.read_text() + "# changed\n")
    arguments = {"epochs": 1, "imgsz": 32, "batch": 4, "plots": False, "seed": 7}
    spec = JobSpec(
        name="one", kind=Kind.TRAIN, model="yolo11n.yaml", data=str(data), arguments=dict(arguments),
        env={"HF_TOKEN": "hush", "COLOUR": "blue"}, cwd=str(data.parent), gpus=0,
    )  # fmt: skip
    job_id = rig.submit(spec)
    rig.store.verbs.hold_group("default", ANNA)
    rig.lead()
    eventually(lambda: job_id in rig.store.read.preflights([job_id]))
    script.write_text("changed = 'after the check, before the start'\n")
    rig.store.verbs.release_group("default", ANNA)
    done = rig.until(job_id, "succeeded", "failed", timeout_s=200)
    assert done.state == "succeeded", rig.log()
    kept = json.loads(Path(done.run_dir, "attempt-1/provenance.json").read_text())
    assert kept["seed"] == 7
    assert kept["arguments"]["imgsz"] == 32
    untracked = kept["code"].pop("untracked")
    assert kept["code"] == {"folder": str(data.parent), "commit": commit, "changed": True, "whole": True}
    assert any(name.startswith("images/") for name in untracked)
    assert {"torch", "ultralytics", "numpy"} <= kept["packages"].keys()
    patch = Path(done.run_dir, "attempt-1/changes.diff").read_text()
    assert "+# changed" in patch
    assert "+changed = 'after the check" in patch
    assert {"python", "ultralytics", "torch"} <= kept["versions"].keys()
    checked = rig.store.read.preflights([job_id])[job_id]
    assert kept["basis"] == {**checked.basis, "code": code_of(data.parent)} != checked.basis
    assert checked.data is not None
    assert kept["basis"]["data"] == checked.data.fingerprint
    assert kept["environment"]["COLOUR"] == "blue"
    assert "hush" not in json.dumps(kept)
    best = Path(done.run_dir, "train/weights/best.pt").read_bytes()
    assert kept["weights"]["best.pt"] == hashlib.sha256(best).hexdigest()
    assert "metrics/mAP50(B)" in kept["metrics"]

    def yolotui(*words: str) -> str:
        return subprocess.run(
            [sys.executable, "-m", "yolotui", *words], env=rig.environment, capture_output=True, text=True, check=True
        ).stdout

    shown = json.loads(yolotui("show", str(job_id), "--json"))["job"]
    assert shown["provenance"]["code"]["commit"] == commit
    assert f"commit {commit[:12]} with changes" in yolotui("show", str(job_id))
    rig.store.verbs.hold_group("default", ANNA)
    again = rig.job(int(yolotui("rerun", str(job_id))))
    assert again.spec == spec
    other = rig.job(int(yolotui("clone", str(job_id), "seed=8", "imgsz=")))
    assert other.spec.arguments == {**{key: arguments[key] for key in arguments if key != "imgsz"}, "seed": 8}


def test_a_job_that_waits_for_what_others_make_can_not_be_repeated_before_it_has_that(rig: Rig) -> None:
    first = str(rig.command("first"))
    spec = JobSpec(
        name="second", kind=Kind.EXPORT, model=f"{{{first}.best}}", after=(first,), arguments={"format": "onnx"}, gpus=0
    )
    second = rig.job(rig.submit(spec))
    with pytest.raises(NotPossible):
        as_it_was(second)
    Path(second.run_dir).mkdir(parents=True)
    filled = {"model": "/runs/best.pt", "arguments": {"format": "onnx"}, "command": []}
    Path(second.run_dir, "spec.json").write_text(json.dumps(filled))
    assert as_it_was(second).model == "/runs/best.pt"
    assert as_it_was(second).after == ()


def test_a_command_is_repeated_with_its_own_variables(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLOUR", "red")
    job = rig.command("one", "true")
    with Queue(rig.home.root, start_scheduler=False) as queue:
        again = queue.repeat(job, {})
    assert rig.job(again).spec == rig.job(job).spec
    assert rig.store.read.environment(again) == rig.store.read.environment(job) == {"PATH": os.environ["PATH"]}
