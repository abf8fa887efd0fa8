"""A real scheduler has trainings checked before they start, holds what would be spoilt, and survives any data set."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
from pathlib import Path

import psutil

from tests.helpers import eventually
from tests.preflight.drawing import draw, image_of, label_of
from tests.scheduler.conftest import ANNA, Rig
from yolotui.core.jobs import Held, Job, JobSpec, Kind
from yolotui.core.preflight import Checking
from yolotui.store import Store

NO_TRAINING = "/bin/false"


def training(data: Path, **options: object) -> JobSpec:
    return JobSpec(
        name="training", kind=Kind.TRAIN, model="yolo11n.yaml", data=str(data), python=NO_TRAINING, retries=0,
        **options,  # type: ignore[arg-type]
    )  # fmt: skip


def until_started_and_over(rig: Rig, job_id: int) -> Job:
    """Its interpreter fails at once: an attempt is all that it takes."""
    job = rig.until(job_id, "failed")
    assert job.attempts
    return job


def test_a_sound_data_set_is_checked_and_the_training_starts(rig: Rig, tmp_path: Path) -> None:
    job = rig.submit(training(draw(tmp_path / "data")))
    rig.lead()
    until_started_and_over(rig, job)
    assert rig.store.read.preflights([job])[job].verdict == "fine"
    assert "preflight" not in rig.verbs_of(job)


def test_errors_hold_the_training_until_it_is_released_and_keep_no_other(rig: Rig, tmp_path: Path) -> None:
    data = draw(tmp_path / "data")
    for number in range(20):
        label_of(data.parent, "train", number).write_text("2 .5 .5 .1 .1")
    broken = rig.submit(training(data))
    sound = rig.submit(training(draw(tmp_path / "sound")))
    rig.lead()
    held = rig.until(broken, "held")
    assert isinstance(held.status, Held)
    assert "a class that `names` does not have" in held.status.reason
    until_started_and_over(rig, sound)
    assert not rig.job(broken).attempts
    rig.store.verbs.release([broken], ANNA)
    until_started_and_over(rig, broken)
    assert rig.verbs_of(broken).count("preflight") == 1


def test_what_was_edited_is_checked_again(rig: Rig, tmp_path: Path) -> None:
    job = rig.submit(training(draw(tmp_path / "data"), arguments={"batch": 3}, gpus=2))
    rig.lead()
    rig.until(job, "held")
    rig.store.verbs.edit(job, {"batch": 4}, ANNA)
    rig.store.verbs.release([job], ANNA)
    until_started_and_over(rig, job)
    assert rig.store.read.preflights([job])[job].verdict == "fine"


def test_warnings_are_told_and_hold_nothing(rig: Rig, tmp_path: Path) -> None:
    job = rig.submit(training(draw(tmp_path / "data"), arguments={"lr0": 0.1}))
    rig.lead()
    until_started_and_over(rig, job)
    environment = {**rig.environment, "PATH": os.environ["PATH"]}
    shown = subprocess.run(
        [sys.executable, "-m", "yolotui", "show", str(job)], env=environment, capture_output=True, text=True, check=True
    ).stdout
    assert "optimizer = auto (the default) ignores lr0." in shown


def make_endless(data: Path, number: int) -> None:
    """A picture that nobody writes: whoever reads it hangs."""
    image = image_of(data.parent, "train", number)
    image.unlink()
    os.mkfifo(image)


def check_of(scheduler: subprocess.Popen[bytes]) -> psutil.Process:
    """The process that checks."""

    def found() -> psutil.Process | None:
        children = psutil.Process(scheduler.pid).children()
        return next((child for child in children if "yolotui.preflight" in child.cmdline()), None)

    checking = eventually(found)
    assert checking is not None
    return checking


def test_a_check_that_is_killed_keeps_nothing_from_starting(rig: Rig, tmp_path: Path) -> None:
    data = draw(tmp_path / "data")
    make_endless(data, 0)
    job = rig.submit(training(data))
    scheduler = rig.lead()
    checking = check_of(scheduler)
    assert not rig.job(job).attempts
    os.kill(checking.pid, signal.SIGKILL)
    until_started_and_over(rig, job)
    assert rig.store.read.preflights([job])[job].remarks[0].rule == "not-checked"
    assert scheduler.poll() is None


def test_how_far_a_check_is_can_be_read_everywhere(rig: Rig, tmp_path: Path) -> None:
    data = draw(tmp_path / "data", train=250)
    make_endless(data, 240)  # the first 200 are looked at, then it hangs
    job = rig.submit(training(data))
    rig.lead()

    def told() -> bool:
        published = rig.store.read.published()
        entry = published.timetable.by_job().get(job) if published else None
        return entry is not None and entry.checking == Checking(200, 255)

    eventually(told)
    environment = {**rig.environment, "PATH": os.environ["PATH"]}
    for verb in ("list", "show", "why"):
        command = [sys.executable, "-m", "yolotui", verb, str(job)]
        shown = subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout
        assert "Its data is being checked: 78 % (200 of 255 images)." in " ".join(shown.split())


def test_a_data_set_that_takes_long_keeps_no_other_from_being_checked(rig: Rig, tmp_path: Path) -> None:
    endless, sound = draw(tmp_path / "endless"), draw(tmp_path / "sound")
    make_endless(endless, 0)
    first, second = rig.submit(training(endless)), rig.submit(training(sound))
    rig.lead()
    until_started_and_over(rig, second)
    assert not rig.job(first).attempts


def test_trainings_on_the_same_data_share_one_check(rig: Rig, tmp_path: Path) -> None:
    data = draw(tmp_path / "data", train=60)
    jobs = [rig.submit(training(data, arguments={"epochs": epochs})) for epochs in range(1, 9)]
    rig.lead()
    eventually(lambda: len(rig.store.read.preflights(jobs)) == len(jobs))
    found = [each.data for each in rig.store.read.preflights(jobs).values()]
    assert found == found[:1] * len(jobs)
    assert len(list(rig.home.checks.iterdir())) == 1


def test_no_nonsense_in_a_data_set_ends_the_leader(rig: Rig, tmp_path: Path) -> None:
    dice = random.Random(0)
    jobs = []
    for number in range(6):
        data = draw(tmp_path / f"data-{number}", train=8, val=3, seed=number)
        for file in (path for path in data.parent.rglob("*") if path.is_file()):
            if dice.random() < 0.4:
                content = bytearray(file.read_bytes())
                for _ in range(dice.randrange(1, 40)):
                    content[dice.randrange(len(content))] = dice.randrange(256)
                file.write_bytes(bytes(content[: dice.randrange(len(content) + 1)]))
        jobs.append(rig.submit(training(data)))
    scheduler = rig.lead()
    eventually(lambda: all(rig.store.read.preflights(jobs).get(job) for job in jobs))
    for job in jobs:
        rig.until(job, "failed", "held")
    assert scheduler.poll() is None


def test_off_means_that_nothing_is_looked_at(rig: Rig, tmp_path: Path) -> None:
    rig.home.config.write_text('[scheduling]\npreflight = "off"\n')
    job = rig.submit(training(tmp_path / "nowhere.yaml"))
    rig.lead()
    until_started_and_over(rig, job)
    assert rig.store.read.preflights([job]) == {}


def test_another_leader_does_not_check_again(rig: Rig, tmp_path: Path) -> None:
    job = rig.submit(training(draw(tmp_path / "data"), arguments={"classes": [7]}))
    first = rig.lead()
    rig.until(job, "held")
    rig.kill(first)
    rig.lead()
    rig.store.verbs.release([job], ANNA)
    until_started_and_over(rig, job)
    with Store(rig.home) as store:
        assert [row.verb for row in store.read.audit(jobs=[job])].count("preflight") == 1
