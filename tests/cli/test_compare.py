"""`compare`: runs beside one another."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.conftest import Shell
from tests.cli.states import succeed
from yolotui.store import Store

BOXES = "metrics/mAP50-95(B)"


@pytest.fixture
def pair(add: Callable[..., int], store: Store) -> tuple[int, int]:
    """Two runs that have ended; the second had to do with half of its batch."""
    ids = add("first", "lr0=0.01"), add("second", "lr0=0.02", "batch=32")
    for job_id in ids:
        succeed(store, job_id)
        folder = Path(store.read.job(job_id).run_dir) / "attempt-1"
        folder.mkdir(parents=True)
        events = [{"t": 0, "event": "start", "epochs": 10, "versions": {"ultralytics": "8.4.190"}}]
        if job_id == ids[1]:
            events.append({"t": 1, "event": "changed", "what": "batch", "from": 32, "to": 16, "why": "out of memory"})
        for epoch in (1, 2):
            scores = {BOXES: 0.1 * job_id * epoch}
            events.append({"t": 60 * epoch, "event": "epoch", "epoch": epoch, "epochs": 10, "metrics": scores})
        (folder / "events.jsonl").write_text("".join(json.dumps(event) + "\n" for event in events))
    return ids


def test_a_document(shell: Shell, pair: tuple[int, int]):
    found = shell.json("compare", "1", "2")["comparison"]
    assert found["metric"] == BOXES
    assert [(run["id"], run["name"], run["best_epoch"], run["best_after_s"]) for run in found["runs"]] == [
        (1, "first", 2, 120.0),
        (2, "second", 2, 120.0),
    ]
    assert found["runs"][1]["best"] == pytest.approx(0.4)
    assert {"argument": "lr0", "values": [0.01, 0.02]} in found["differing"]
    assert {"argument": "batch", "values": [None, 32]} in found["differing"]
    assert [(caveat["kind"], caveat["jobs"]) for caveat in found["caveats"]] == [("changed", [2])]


def test_for_people(shell: Shell, pair: tuple[int, int]):
    out = shell("compare", "first", "second").stdout
    assert "mAP50-95" in out
    assert "gpu-hours" in out
    assert "lr0" in out
    assert "- #2 second went on with batch 16 instead of 32: out of memory." in out


def test_one_job_is_no_comparison_and_none_is_there(shell: Shell, pair: tuple[int, int]):
    alone = shell("compare", "1")
    assert alone.exit_code == 2
    assert "2 to 16 jobs" in alone.stderr
    assert shell("compare", "1", "99").exit_code == 3
