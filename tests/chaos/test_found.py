"""What the laboratory found, each with its seed: mended, and told here in small."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.chaos.fate import Fate
from tests.chaos.night import HERE
from tests.chaos.sight import NIGHT, look
from tests.helpers import eventually
from tests.runner.rig import Attempt, Run
from yolotui import JobSpec, Kind, Queue
from yolotui.leadership import Lock, scheduler_command
from yolotui.locations import Home
from yolotui.runner.environment import shim_argv


@pytest.fixture
def training(tmp_path: Path) -> Run:
    """A training with the double of Ultralytics, of nine epochs that all are trained."""
    data = tmp_path / "data.yaml"
    data.write_text("names: [circle]\n")
    spec = {"kind": "train", "model": "yolo11n.yaml", "data": str(data), "arguments": {"epochs": 9}}
    return Run(tmp_path / "run", spec, {**os.environ, "PYTHONPATH": str(HERE / "doubles"), "DOUBLE_BATCH_S": "0.001"})


@pytest.mark.parametrize("name", ["last.pt", "best.pt"])
def test_the_last_act_is_not_stopped_by_a_damaged_file(training: Run, name: str) -> None:
    """Seed 100: all epochs were trained, one of the two files damaged, and every try failed at it, for ever."""
    first = training.attempt(gpus=1, cpu=False)
    assert first.run()["exit_code"] == 0, first.end()
    weights = training.train_dir / "weights"
    (weights / name).write_bytes(b"torn")
    again = training.attempt(gpus=1, cpu=False, finalize=True)
    assert again.run()["exit_code"] == 0, again.end()
    assert (weights / name.replace(".pt", ".rejected.pt")).read_bytes() == b"torn"
    assert [change["what"] for change in again.events("changed")] == [name]


def test_nothing_runs_whose_pid_is_not_written_down(tmp_path: Path) -> None:
    """Seed 108: a shim died between the fork and the word about it; what it had forked was found by nobody, and its
    two cards were given away while it ran. Here it dies before each of its changes of a file in turn.
    """
    fate = Fate(tmp_path / "fate", tmp_path)
    began = [_dies_before(change, fate, tmp_path / f"attempt-{change}") for change in range(1, 16)]
    assert began.index(True) > 3  # the claim and the start come first
    assert all(began[began.index(True) :])


def _dies_before(change: int, fate: Fate, folder: Path) -> bool:
    """Let a shim die before its n-th change of a file; whether what it was to start has begun."""
    attempt, begun = Attempt(folder), folder / "begun"
    code = f"open({str(begun)!r}, 'w'); import time; time.sleep(60)"
    environment = {**os.environ, **fate.env, NIGHT: str(folder)}
    attempt.order([sys.executable, "-S", "-c", code], env={**os.environ, NIGHT: str(folder)})
    fate.doom("shim", change)
    shim = subprocess.Popen(shim_argv(sys.executable, str(folder)), env=environment)
    eventually(lambda: fate.doomed_pid == shim.pid or begun.exists())
    fate.spare()
    shim.kill()
    shim.wait()
    eventually(lambda: begun.exists() or not look(str(folder)))
    if has_begun := begun.exists():
        os.kill(attempt.read("process.json")["pid"], signal.SIGKILL)
    eventually(lambda: not look(str(folder)))
    return has_begun


@pytest.mark.parametrize("error", [errno.EROFS, errno.ENOSPC, errno.EIO])
def test_whoever_has_claimed_an_attempt_sees_to_it_whatever_the_disk_says(tmp_path: Path, error: int) -> None:
    """Seed 22120: a disk became read-only when a shim had claimed an attempt; the shim left, and the start that never
    was counted as a run that was lost. Here the disk refuses each of its changes in turn.
    """
    seen_to = [_is_seen_to(change, error, tmp_path) for change in range(1, 10)]
    assert seen_to.index(True) > 1  # before the claim nothing is begun, and another may
    assert all(seen_to[seen_to.index(True) :])


def _is_seen_to(change: int, error: int, folder: Path) -> bool:
    """Let the disk refuse a shim's n-th change, and what follows until what it starts has begun; whether it has."""
    attempt, begun = Attempt(folder / f"attempt-{change}"), folder / f"begun-{change}"
    fate = Fate(folder / f"fate-{change}", attempt.folder)
    attempt.order(["touch", str(begun)], env=dict(os.environ))
    fate.doom("shim", change)
    shim = subprocess.Popen(shim_argv(sys.executable, str(attempt.folder)), env={**os.environ, **fate.env})
    eventually(lambda: fate.doomed_pid == shim.pid or shim.poll() is not None)
    with fate.disk(error):
        shim.send_signal(signal.SIGCONT)
        eventually(lambda: begun.exists() or shim.poll() is not None)
    shim.wait(60)
    assert (attempt.folder / "claim").exists() == (attempt.folder / "exit.json").exists() == begun.exists()
    return begun.exists()


def test_a_full_disk_without_a_lock_file_is_waited_for(tmp_path: Path) -> None:
    """Somebody tidied up the lock, and the disk was full when the next scheduler came to make it anew: it left."""
    home = Home(tmp_path / "home")
    with Queue(home.root, start_scheduler=False) as queue:
        (job,) = queue.add(JobSpec(name="job", kind=Kind.COMMAND, command=("true",), gpus=0))
        fate = Fate(tmp_path / "fate", home.root)
        home.scheduler_log.touch()
        home.scheduler_lock.unlink(missing_ok=True)
        environment = {**os.environ, **fate.env, "YOLOTUI_HOME": str(home.root), "YOLOTUI_GPUS": "cpu:1"}
        with fate.disk(errno.ENOSPC, writes_left=1000):  # its log still has room
            scheduler = subprocess.Popen(scheduler_command("--until-idle"), env=environment)
            eventually(lambda: "No space left on device" in home.scheduler_log.read_text())
        assert scheduler.wait(60) == 0
        assert queue.job(job).state == "succeeded"


def test_a_full_disk_without_a_lock_and_without_a_log_is_waited_for(tmp_path: Path) -> None:
    """Both were tidied up, and the disk was full: it could not even say why it left."""
    home = Home(tmp_path / "home")
    with Queue(home.root, start_scheduler=False) as queue:
        (job,) = queue.add(JobSpec(name="job", kind=Kind.COMMAND, command=("true",), gpus=0))
        fate = Fate(tmp_path / "fate", home.root)
        for file in (home.scheduler_log, home.scheduler_lock):
            file.unlink(missing_ok=True)
        environment = {**os.environ, **fate.env, "YOLOTUI_HOME": str(home.root), "YOLOTUI_GPUS": "cpu:1"}
        said = tmp_path / "said"
        with fate.disk(errno.ENOSPC), said.open("w") as stderr:
            scheduler = subprocess.Popen(scheduler_command("--until-idle"), env=environment, stderr=stderr)
            eventually(lambda: "No space left on device" in said.read_text())
            assert not home.scheduler_log.exists()
        assert scheduler.wait(60) == 0
        assert queue.job(job).state == "succeeded"


@pytest.mark.parametrize("error", [errno.EROFS, errno.ENOSPC, errno.EIO])
def test_a_verb_that_is_committed_is_acknowledged_though_no_scheduler_can_be_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: int
) -> None:
    """Seed 8003: a job was submitted, the disk became read-only, and the verb ended with a traceback."""

    def refuse(home: Home) -> bool:
        raise OSError(error, os.strerror(error), str(home.scheduler_log))

    monkeypatch.setattr("yolotui.opened.ensure_leader", refuse)
    monkeypatch.setenv("YOLOTUI_GPUS", "cpu:1")
    warned: list[str] = []
    with Queue(tmp_path / "home", warn=warned.append) as queue:
        (job,) = queue.add(JobSpec(name="job", kind=Kind.COMMAND, command=("true",), gpus=0))
        assert queue.job(job).state == "waiting"
    assert os.strerror(error) in warned[-1]


def test_who_leads_can_be_asked_on_a_read_only_disk(tmp_path: Path) -> None:
    """Seed 8003, too: the lock was opened for writing to look whether somebody holds it."""
    home = Home(tmp_path / "home")
    home.create()
    lock = Lock(home.scheduler_lock)
    fate = Fate(tmp_path / "fate", home.root)
    ask = "import sys, pathlib; from yolotui.leadership import is_led; from yolotui.locations import Home"
    asking = [sys.executable, "-c", f"{ask}; sys.exit(is_led(Home(pathlib.Path({str(home.root)!r}))))"]
    assert lock.acquire()
    with fate.disk(errno.EROFS):
        assert subprocess.run(asking, env={**os.environ, **fate.env}, check=False).returncode == 1
        lock.release()
        assert subprocess.run(asking, env={**os.environ, **fate.env}, check=False).returncode == 0
