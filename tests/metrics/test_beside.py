"""Prometheus asks while somebody works: with a night in the foreground, with a dashboard."""

from __future__ import annotations

import os
import pty
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from tests.helpers import eventually
from tests.metrics.test_metrics import Series, series, value
from tests.scheduler.conftest import ANNA, Rig
from yolotui.locations import Home

YOLOTUI = [sys.executable, "-m", "yolotui"]
WAITING = "import pathlib, sys, time; [time.sleep(0.02) for _ in iter(pathlib.Path(sys.argv[1]).exists, True)]"


@pytest.fixture
def address() -> str:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{free.getsockname()[1]}"


def scraped(address: str) -> Series:
    """What is answered; nothing where nobody answers yet."""
    try:
        with urllib.request.urlopen(f"http://{address}/metrics", timeout=10) as answer:
            return series(answer.read().decode())
    except OSError:
        return {}


def test_a_night_in_the_foreground_answers_while_it_runs(tmp_path: Path, address: str) -> None:
    go, file = tmp_path / "go", tmp_path / "night.toml"
    file.write_text(f"[[job]]\nname = 'wait'\nrun = {[sys.executable, '-c', WAITING, str(go)]}\ngpus = 0\n")
    with Rig(Home(tmp_path / "live"), "cpu:1") as rig:
        command = [*YOLOTUI, "--batch", str(file), "--metrics", address]
        night = subprocess.Popen(command, env=rig.environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            eventually(lambda: (found := scraped(address)) and value(found, "jobs", state="running") == 1, 60)
            assert value(scraped(address), "leader_up") == 1
        finally:
            go.touch()
        assert night.wait(60) == 0
    assert scraped(address) == {}


def test_a_dashboard_answers_while_it_is_open(tmp_path: Path, address: str) -> None:
    with Rig(Home(tmp_path / "live"), "cpu:1") as rig:
        rig.store.verbs.hold([rig.command("later")], ANNA)
        master, slave = pty.openpty()
        command = [*YOLOTUI, "--readonly", "--metrics", address]
        environment = {**rig.environment, "TERM": "xterm-256color"}
        dashboard = subprocess.Popen(
            command, env=environment, stdin=slave, stdout=slave, stderr=slave, start_new_session=True
        )
        os.close(slave)
        try:
            eventually(lambda: (found := scraped(address)) and value(found, "jobs", state="held") == 1, 60)
        finally:
            os.close(master)
            dashboard.wait(60)
    assert scraped(address) == {}
