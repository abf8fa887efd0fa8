"""`scheduler`: starting, following, stopping, being started at boot."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.conftest import Shell
from tests.helpers import eventually
from yolotui.leadership import is_led
from yolotui.queue import Queue


def leader_pid(shell: Shell) -> int | None:
    leader = shell.json("scheduler", "status")["leader"]
    return None if leader is None else int(leader["pid"])


def test_start_status_stop(live_shell: Shell) -> None:
    assert live_shell.json("scheduler", "status") == {"leader": None}
    assert live_shell("scheduler", "stop").exit_code == 0
    with Queue(live_shell.home.root) as queue, queue.watching():
        started = live_shell("scheduler", "start")
        assert started.exit_code == 0
        pid = leader_pid(live_shell)
        assert f"pid {pid}" in started.stderr
        assert "Leads already" in live_shell("scheduler", "start").stderr
        assert leader_pid(live_shell) == pid
        assert live_shell("scheduler", "stop").exit_code == 0
    assert not is_led(live_shell.home)
    assert leader_pid(live_shell) is None


def test_a_leader_that_is_silent_is_told_with_what_to_do(live_shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    with Queue(live_shell.home.root) as queue, queue.watching():
        live_shell("scheduler", "start")
        eventually(queue.published)
        assert live_shell("scheduler", "status").stderr == ""
        in_a_minute = time.time() + 60
        with monkeypatch.context() as patch:
            patch.setattr(time, "time", lambda: in_a_minute)
            told = live_shell("scheduler", "status")
        assert "silent since" in told.stderr
        assert f"kill -CONT {leader_pid(live_shell)}" in told.stderr


def test_stopping_it_leaves_the_jobs_alone(live_shell: Shell, tmp_path: Path) -> None:
    go = tmp_path / "go"
    live_shell("run", "--name", "long", "--", "sh", "-c", f"until test -e {go}; do sleep 0.05; done")
    running = eventually(lambda: [j for j in live_shell.json("list")["jobs"] if j["state"] == "running"])
    assert live_shell("scheduler", "stop").exit_code == 0
    pid = running[0]["attempts"][0]["pid"]
    os.kill(pid, 0)
    live_shell("scheduler", "start")
    go.touch()
    assert live_shell.run("wait", "long").returncode == 0
    (attempt,) = live_shell.json("show", "long")["job"]["attempts"]
    assert (attempt["pid"], attempt["outcome"]) == (pid, "succeeded")


def test_run_leads_and_leaves_when_idle(live_shell: Shell) -> None:
    with live_shell.spawn("scheduler", "run", "--until-idle") as process:
        process.communicate(timeout=60)
    assert process.returncode == 0


def test_run_follows_where_another_leads_and_takes_over(live_shell: Shell) -> None:
    with Queue(live_shell.home.root) as queue, queue.watching():
        live_shell("scheduler", "start")
        first = leader_pid(live_shell)
        with live_shell.spawn("scheduler", "run") as process:
            assert process.stderr is not None
            assert f"pid {first}" in process.stderr.readline()
            assert live_shell("scheduler", "stop").exit_code == 0
            eventually(lambda: leader_pid(live_shell) == process.pid)
            process.send_signal(signal.SIGTERM)
            process.communicate(timeout=60)
        assert process.returncode == 0


def test_a_scheduler_that_leads_elsewhere_is_not_mistaken(
    live_shell: Shell, add: Callable[..., int], shell: Shell
) -> None:
    """The lock of `shell` is held by this test, whose process is not the one that the row names."""
    add("a")
    assert shell.json("scheduler", "status") == {"leader": None}
    assert shell("scheduler", "stop").exit_code == 0


def test_install_shows_what_it_would_do(shell: Shell) -> None:
    unit = shell("scheduler", "install", "--dry-run")
    assert unit.exit_code == 0
    assert f'Environment="YOLOTUI_HOME={shell.home.root}"' in unit.stdout
    assert "KillMode=process" in unit.stdout
    cron = shell("scheduler", "install", "--cron", "--dry-run").stdout
    assert cron.startswith("@reboot ")
    assert str(shell.home.root) in cron


def test_weights_that_are_there_are_only_told(shell: Shell) -> None:
    shell.home.weights.mkdir(parents=True)
    there = shell.home.weights / "yolo11n.pt"
    there.write_bytes(b"weights")
    result = shell("weights", "yolo11n.pt")
    assert (result.exit_code, result.stdout) == (0, f"{there}\n")
    refused = shell("weights", "up/and/away.pt")
    assert (refused.exit_code, refused.stdout) == (4, "")


@pytest.mark.parametrize("words", [["scheduler"], ["config"]])
def test_a_verb_with_verbs_of_its_own_lists_them(shell: Shell, words: list[str]) -> None:
    result = shell(*words)
    assert result.exit_code == 2
    assert "Commands:" in result.stderr
