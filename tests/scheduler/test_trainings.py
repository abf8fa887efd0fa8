"""Real trainings under a real scheduler: killed, robbed of their checkpoint, paused, continued, ended, two at once."""

from __future__ import annotations

import os
import signal
import sys
import sysconfig
import venv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from examples.make_shapes import make_shapes
from tests.helpers import eventually
from tests.scheduler.conftest import ANNA, Rig
from yolotui.core.jobs import Argument, Job, JobSpec, Kind, Outcome, Paused, Priority, Request, Succeeded
from yolotui.core.timetable import Estimate
from yolotui.telemetry import RunReader

pytestmark = [pytest.mark.training, pytest.mark.timeout(400)]


@pytest.fixture(scope="module")
def shapes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data set of a few drawn shapes."""
    return make_shapes(tmp_path_factory.mktemp("shapes") / "detect", train=16, val=4, size=64)


def training(data: Path, *, epochs: int, name: str = "training", **options: Any) -> JobSpec:
    arguments: dict[str, Argument] = {"epochs": epochs, "imgsz": 64, "batch": 4, "plots": False}
    return JobSpec(
        name=name, kind=Kind.TRAIN, model="yolo11n.yaml", data=str(data), arguments=arguments,
        retry_delay_s=options.pop("retry_delay_s", 0.1), **options,
    )  # fmt: skip


def epochs_of(job: Job) -> list[int]:
    reader = RunReader(job.run_dir)
    reader.poll()
    return [row.epoch for row in reader.series.epochs]


def rows_of_csv(job: Job) -> list[int]:
    lines = Path(job.run_dir, "train/results.csv").read_text().splitlines()[1:]
    return [int(float(line.split(",")[0])) for line in lines]


@pytest.fixture(scope="module")
def another_interpreter(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A second environment with its own interpreter, which sees the packages of this one."""
    folder = tmp_path_factory.mktemp("another") / "venv"
    venv.create(folder, symlinks=True)
    (site_packages,) = folder.glob("lib/python*/site-packages")
    (site_packages / "shared.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return folder / "bin/python"


def until_epoch(rig: Rig, job_id: int, epoch: int) -> Job:
    def arrived() -> Job | None:
        job = rig.job(job_id)
        assert not job.ended, (job.status, rig.log())
        return job if job.progress.epochs_done >= epoch else None

    return eventually(arrived, 180) or rig.job(job_id)


def estimate_of(rig: Rig, job_id: int) -> Estimate:
    published = rig.store.read.published()
    assert published is not None
    return next(demand.estimate for demand in published.world.demands if demand.job_id == job_id)


def test_killed_robbed_paused_and_still_whole(make_rig: Callable[[str], Rig], shapes: Path) -> None:
    """SIGKILL at epoch k and an emptied last.pt: it goes on from the kept copy, and says so; then pause and resume."""
    rig = make_rig("cpu:1")
    job_id = rig.submit(training(shapes, epochs=40, retry_delay_s=2.0))
    rig.lead()
    running = until_epoch(rig, job_id, 3)
    process = running.attempts[0].process
    assert process is not None
    os.kill(process.pid, signal.SIGKILL)
    waiting = rig.until(job_id, "waiting")
    assert waiting.attempts[0].signal == signal.SIGKILL
    (Path(waiting.run_dir) / "train/weights/last.pt").write_bytes(b"")

    resumed = rig.until(job_id, "running", timeout_s=120)
    again = resumed.attempts[1].resumed_from_epoch
    assert again is not None
    assert 2 <= again <= waiting.progress.epochs_done
    started = [row.detail for row in rig.store.read.audit(jobs=[job_id]) if row.verb == "start"][-1]
    assert any("last.pt was passed over" in sentence for sentence in started["how"])

    until_epoch(rig, job_id, again + 2)
    rig.store.verbs.pause([job_id], ANNA)
    paused = rig.until(job_id, "paused")
    assert isinstance(paused.status, Paused)
    assert paused.attempts[1].outcome is Outcome.PAUSED
    assert rig.store.read.leases() == []
    rig.store.verbs.resume([job_id], ANNA)

    ended = rig.until(job_id, "succeeded", timeout_s=200)
    assert [a.outcome for a in ended.attempts] == [Outcome.FAILED, Outcome.PAUSED, Outcome.SUCCEEDED]
    assert ended.attempts[2].resumed_from_epoch == paused.progress.epochs_done
    assert epochs_of(ended) == rows_of_csv(ended) == list(range(1, 41))


def test_two_interpreters_side_by_side_and_a_wrong_argument(
    make_rig: Callable[[str], Rig], shapes: Path, another_interpreter: Path
) -> None:
    """One is finished on request, the other ended by a kill; a third job can never work and is not tried again."""
    rig = make_rig("cpu:3")
    long = rig.submit(training(shapes, epochs=300, name="long"))
    other = rig.submit(training(shapes, epochs=300, name="other", python=str(another_interpreter)))
    wrong = rig.submit(
        JobSpec(
            name="wrong", kind=Kind.TRAIN, model="yolo11n.yaml", data=str(shapes), arguments={"no_such_argument": 1}
        )
    )
    rig.lead()
    failed = rig.until(wrong, "failed", timeout_s=120)
    assert len(failed.attempts) == 1  # trying again would be in vain
    assert "no_such_argument" in failed.attempts[0].explanation

    until_epoch(rig, long, 2)
    eventually(lambda: estimate_of(rig, long).source == "its own epochs")
    processes = [until_epoch(rig, job, 1).attempts[0].process for job in (long, other)]
    interpreters = [Path(f"/proc/{process.pid}/cmdline").read_text().split("\0")[0] for process in processes if process]
    assert interpreters == [sys.executable, str(another_interpreter)]
    rig.store.verbs.kill([other], ANNA)
    killed = rig.until(other, "cancelled")
    assert killed.attempts[0].outcome is Outcome.STOPPED

    rig.store.verbs.request([long], Request.FINISH, ANNA)
    ended = rig.until(long, "succeeded", timeout_s=120)
    assert isinstance(ended.status, Succeeded)
    assert "request" in ended.attempts[0].explanation
    assert 2 <= len(epochs_of(ended)) < 300
    assert (Path(ended.run_dir) / "train/weights/best.pt").exists()


def test_a_training_makes_room_for_a_p0_and_misses_no_epoch(make_rig: Callable[[str], Rig], shapes: Path) -> None:
    rig = make_rig("sim:1x24GiB")
    rig.home.create()
    rig.home.config.write_text('[scheduling]\npreemption = "evict"\n')
    victim = rig.submit(training(shapes, epochs=1000, name="victim", retries=0))
    rig.lead()
    until_epoch(rig, victim, 2)
    urgent = rig.submit(training(shapes, epochs=1, name="urgent"), priority=Priority.P0)
    rig.until(urgent, "succeeded", timeout_s=200)
    evicted = rig.job(victim).attempts[0]
    assert evicted.outcome is Outcome.EVICTED
    assert f"Made room for job {urgent}: paused after epoch {evicted.progress.epochs_done};" in evicted.explanation

    until_epoch(rig, victim, evicted.progress.epochs_done + 1)
    rig.store.verbs.request([victim], Request.FINISH, ANNA)
    ended = rig.until(victim, "succeeded", timeout_s=120)
    assert ended.attempts[1].resumed_from_epoch == evicted.progress.epochs_done
    assert epochs_of(ended) == rows_of_csv(ended) == list(range(1, ended.progress.epochs_done + 1))
