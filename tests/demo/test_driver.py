"""The driver in its own process: it moves what runs, obeys what people ask, and leaves nothing behind."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.helpers import eventually
from yolotui.core.jobs import JobSpec, Kind
from yolotui.errors import NotPossible
from yolotui.leadership import ensure_leader
from yolotui.queue import Queue
from yolotui.scheduler.__main__ import main as lead

DRIVER = [sys.executable, "-P", "-m", "yolotui.demo"]


@pytest.fixture
def led(tmp_path: Path) -> Iterator[Path]:
    """The home of a demonstration that goes on."""
    home = tmp_path / "home"
    with subprocess.Popen([*DRIVER, str(home)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as driver:
        assert driver.stdin is not None
        assert driver.stdout is not None
        assert driver.stdout.readline() == "ready\n"
        yield home
        driver.stdin.close()
        assert driver.wait(30) == 0
    assert not home.exists()


def test_runs_move_and_obey(led: Path):
    with Queue(led, start_scheduler=False) as queue:
        running = [job for job in queue.jobs(unfinished=True) if job.state == "running" and job.spec.kind is Kind.TRAIN]
        assert len(running) >= 2
        log = Path(running[0].run_dir) / "attempt-1" / "events.jsonl"
        size = log.stat().st_size
        eventually(lambda: log.stat().st_size > size)
        queue.kill([running[0].id])
        eventually(lambda: queue.job(running[0].id).state == "cancelled")
        data = str(led / "data" / "crops.yaml")
        spec = JobSpec(name="mine", kind=Kind.TRAIN, model="yolo11n.yaml", data=data, arguments={"epochs": 2})
        (mine,) = queue.add(spec)
        eventually(lambda: (entry := queue.published()) and mine in entry.timetable.by_job())


def test_no_real_scheduler_leads_a_demonstration(led: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("YOLOTUI_HOME", str(led))
    with Queue(led) as queue:
        assert not ensure_leader(queue.home)
        assert queue.leader() is not None
    assert lead([]) == NotPossible.exit_code


def test_a_directory_with_anything_in_it_is_refused(tmp_path: Path):
    (tmp_path / "thesis.tex").touch()
    refused = subprocess.run([*DRIVER, str(tmp_path)], input="", capture_output=True, text=True, check=False)
    assert refused.returncode == 2
    assert "is not empty" in refused.stderr
    assert (tmp_path / "thesis.tex").exists()


@pytest.mark.parametrize("end", ["q", "kill"])
def test_the_verb_leaves_nothing_behind(tmp_path: Path, end: str):
    master, slave = pty.openpty()
    environment = {**os.environ, "TMPDIR": str(tmp_path), "TERM": "xterm-256color", "COLUMNS": "100", "LINES": "30"}
    shown = subprocess.Popen(
        [sys.executable, "-m", "yolotui", "demo"], stdin=slave, stdout=slave, stderr=slave, env=environment,
        start_new_session=True,
    )  # fmt: skip
    os.close(slave)
    seen = bytearray()

    def shows(text: bytes) -> bool:
        seen.extend(os.read(master, 65536))
        return text in seen

    try:
        eventually(lambda: shows(b"scheduler"), every_s=0.0)
        assert list(tmp_path.glob("yolotui-demo-*"))
        if end == "q":
            os.write(master, b"q")
            eventually(lambda: drained(master) and shown.poll() is not None)
        else:
            shown.send_signal(signal.SIGKILL)
        eventually(lambda: not list(tmp_path.glob("yolotui-demo-*")))
    finally:
        shown.kill()
        shown.wait()
        os.close(master)


def drained(master: int) -> bool:
    """Take what the terminal was sent, so that nobody waits to write."""
    os.set_blocking(master, False)
    with suppress(OSError):
        os.read(master, 65536)
    return True
