"""The README's main job, through its own script: a night of real trainings that survives the worst.

`make demo` runs; its scheduler is killed while two trainings run, and so is the window that follows it; the same
command again brings the night to its end.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tests.helpers import eventually
from yolotui.leadership import is_led
from yolotui.locations import Home
from yolotui.store import Store

ROOT = Path(__file__).parent.parent.parent
DEMO = [str(ROOT / "scripts/demo.sh"), str(Path(sys.executable).parent)]
TRAININGS = {"shapes-n": 12, "shapes-v8": 12, "shapes-seg": 8, "shapes-cls": 12, "finetune": 4}


def shown(home: Home, job: str) -> dict[str, Any]:
    """A job as `yolotui show --json` prints it."""
    command = [sys.executable, "-m", "yolotui", "show", job, "--json"]
    environment = {**os.environ, "YOLOTUI_HOME": str(home.root)}
    result = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    document: dict[str, Any] = json.loads(result.stdout)
    assert document["schema"] == 1
    job_shown: dict[str, Any] = document["job"]
    return job_shown


@pytest.mark.training
@pytest.mark.timeout(900)
def test_a_night_survives_its_scheduler_and_its_window(home: Home, tmp_path: Path) -> None:
    environment = {**os.environ, "YOLOTUI_HOME": str(home.root), "YOLOTUI_GPUS": "cpu:2"}
    with (tmp_path / "first.log").open("wb") as log:
        window = subprocess.Popen(DEMO, env=environment, stdout=log, stderr=log, start_new_session=True)
    eventually(home.queue.exists, 60)
    with Store(home) as store:

        def two_train() -> bool:
            jobs = [job for job in store.read.jobs() if job.name in TRAININGS and job.progress.epochs_done >= 1]
            return len(jobs) >= 2

        eventually(two_train, 240)
        before = {job.name: job.attempts[-1].uuid for job in store.read.jobs() if job.state == "running"}
        leader = store.read.leader()
        assert leader is not None
        os.kill(leader.process.pid, signal.SIGKILL)
        os.killpg(window.pid, signal.SIGKILL)
        window.wait()

    second = subprocess.run(DEMO, env=environment, capture_output=True, text=True, check=False, timeout=800)
    assert second.returncode == 0, second.stdout + second.stderr

    with Store(home) as store:
        jobs = {job.name: job for job in store.read.jobs()}
        assert len(jobs) == len(store.read.jobs()) == 7
        assert {job.state for job in jobs.values()} == {"succeeded"}
        # What ran when the scheduler died was adopted: the attempt that ran is the one that went on.
        for name, uuid in before.items():
            assert uuid in [attempt.uuid for attempt in jobs[name].attempts]
        assert {name: len(job.attempts) for name, job in jobs.items()} == {**dict.fromkeys(jobs, 1), "shapes-v8": 2}
        starts = Counter(row.job for row in store.read.audit(limit=10_000) if row.verb == "start")
        assert starts == {job.id: len(job.attempts) for job in jobs.values()}

    victim = shown(home, "shapes-v8")
    killed, resumed = victim["attempts"]
    assert killed["signal"] == signal.SIGKILL
    assert killed["outcome"] == "failed"
    assert resumed["resumed_from_epoch"] >= 4
    for name, epochs in TRAININGS.items():
        job = shown(home, name)
        assert [row["epoch"] for row in job["history"]] == list(range(1, epochs + 1))
        elapsed = [row["elapsed_s"] for row in job["history"]]
        assert elapsed == sorted(elapsed)
        learned = {**job["metrics"]["best"], **job["metrics"]["last"]}
        assert max(learned.get("metrics/mAP50(B)", 0), learned.get("metrics/accuracy_top1", 0)) > 0.5, name
    console = Path(shown(home, "deploy")["run_dir"], "attempt-1/console.log").read_text()
    assert "circles" in console
    eventually(lambda: not is_led(home), 30)
