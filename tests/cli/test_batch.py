"""`--batch`: a file of jobs to its end, whatever happens to the schedulers and terminals on the way."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
from pathlib import Path

import pytest

from tests.cli.conftest import YOLOTUI, Shell
from tests.helpers import eventually
from yolotui.store import Store

HEAD = '[defaults]\ngpus = 0\nretry_delay = "1s"\n'


def job(name: str, script: str, *lines: str) -> str:
    """A command job of a file."""
    return "\n".join(["[[job]]", f'name = "{name}"', f"run = ['sh', '-c', '''{script}''']", *lines, ""])


def until(path: Path) -> str:
    """A script that ends when a file appears."""
    return f"until test -e {path}; do sleep 0.02; done"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "jobs.toml"


@pytest.fixture
def go(tmp_path: Path) -> Path:
    """The file that jobs wait for."""
    return tmp_path / "go"


def states(shell: Shell) -> dict[str, str]:
    return {each["name"]: each["state"] for each in shell.json("list")["jobs"]}


def leader_pid(shell: Shell) -> int:
    return int(eventually(lambda: shell.json("scheduler", "status")["leader"])["pid"])


def test_a_good_file_ends_with_0_and_a_table(live_shell: Shell, file: Path) -> None:
    file.write_text(HEAD + job("first", "true") + job("second", "true", 'after = ["first"]'))
    done = live_shell.run("--batch", str(file), "--reason", "the night")
    assert done.returncode == 0, done.stderr
    assert "2 jobs, 2 added" in done.stderr
    *lines, header, first, second = done.stdout.splitlines()
    assert header.split() == ["id", "name", "state", "epochs", "best", "took", "notes"]
    assert (first.split()[:3], second.split()[:3]) == (["1", "first", "succeeded"], ["2", "second", "succeeded"])
    assert any(line.startswith("1 first succeeded") for line in lines)
    assert "\x1b" not in done.stdout


def test_failures_and_what_hangs_on_them_end_with_1(live_shell: Shell, file: Path) -> None:
    file.write_text(HEAD + job("bad", "exit 3", "retries = 0") + job("behind", "true", 'after = ["bad"]'))
    done = live_shell.run("--batch", str(file))
    assert done.returncode == 1, done.stderr
    bad, behind = done.stdout.splitlines()[-2:]
    assert "failed" in bad
    assert "3" in bad.split("failed", 1)[1]
    assert "skipped" in behind
    # Mended, the same file goes on: what failed runs anew, what was skipped is armed, what is good is left alone.
    file.write_text(file.read_text().replace("exit 3", "true"))
    again = live_shell.run("--batch", str(file))
    assert again.returncode == 0, again.stderr
    assert set(states(live_shell).values()) == {"succeeded"}
    third = live_shell.run("--batch", str(file))
    assert (third.returncode, len(states(live_shell))) == (0, 2)


def test_a_killed_job_comes_back_and_the_table_says_so(live_shell: Shell, file: Path, tmp_path: Path) -> None:
    flag = tmp_path / "flag"
    file.write_text(HEAD + job("hit", f"test -e {flag} || {{ touch {flag}; kill -9 $$; }}", "retries = 1"))
    done = live_shell.run("--batch", str(file))
    assert done.returncode == 0, done.stderr
    assert "started anew after SIGKILL" in done.stdout.splitlines()[-1]


def test_another_scheduler_is_started_when_the_leader_is_killed(live_shell: Shell, file: Path, go: Path) -> None:
    file.write_text(HEAD + job("long", until(go)) + job("next", "true", 'after = ["long"]'))
    with live_shell.spawn("--batch", str(file)) as batch:
        eventually(lambda: states(live_shell).get("long") == "running")
        first = leader_pid(live_shell)
        os.kill(first, signal.SIGKILL)
        eventually(lambda: leader_pid(live_shell) != first)
        go.touch()
        out, err = batch.communicate(timeout=120)
    assert batch.returncode == 0, err
    assert all(len(each["attempts"]) == 1 for each in live_shell.json("list")["jobs"])
    assert "succeeded" in out


def test_the_first_interrupt_explains_and_the_second_leaves(live_shell: Shell, file: Path, go: Path) -> None:
    file.write_text(HEAD + job("long", until(go)))
    with live_shell.spawn("--batch", str(file)) as batch:
        assert batch.stderr is not None
        eventually(lambda: states(live_shell).get("long") == "running")
        batch.send_signal(signal.SIGINT)
        assert "1 added" in batch.stderr.readline()
        assert "go on" in batch.stderr.readline()
        assert f"yolotui --batch {file}" in batch.stderr.readline()
        assert "yolotui kill 1" in batch.stderr.readline()
        assert batch.poll() is None
        batch.send_signal(signal.SIGINT)
        batch.communicate(timeout=60)
    assert batch.returncode == 130
    assert states(live_shell) == {"long": "running"}
    go.touch()
    assert live_shell.run("--batch", str(file)).returncode == 0
    assert len(live_shell.json("show", "long")["job"]["attempts"]) == 1


def test_a_reader_that_goes_away_changes_nothing(live_shell: Shell, file: Path, go: Path) -> None:
    file.write_text(HEAD + job("long", until(go)))
    with live_shell.spawn("--batch", str(file)) as batch:
        assert batch.stdout is not None
        assert "long" in batch.stdout.readline()
        batch.stdout.close()
        eventually(lambda: states(live_shell).get("long") == "running")
        go.touch()
        batch.wait(timeout=60)
        assert batch.stderr is not None
        assert "Traceback" not in batch.stderr.read()
    assert live_shell.run("wait", "long").returncode == 0


def test_a_terminal_that_hangs_up_changes_nothing(live_shell: Shell, file: Path, go: Path) -> None:
    file.write_text(HEAD + job("long", until(go)))
    master, slave = pty.openpty()
    with subprocess.Popen(
        ["setsid", "--ctty", "--wait", *YOLOTUI, "--batch", str(file)],
        stdin=slave, stdout=slave, stderr=slave, env=live_shell.environment,
    ) as batch:  # fmt: skip
        os.close(slave)
        eventually(lambda: states(live_shell).get("long") == "running")
        os.close(master)
        batch.wait(timeout=60)
    assert states(live_shell) == {"long": "running"}
    go.touch()
    assert live_shell.run("wait", "long").returncode == 0


def test_a_wrong_file_is_refused_before_anything_starts(live_shell: Shell, file: Path) -> None:
    file.write_text(HEAD + job("good", "true") + job("bad", "true", "retires = 3"))
    done = live_shell.run("--batch", str(file))
    assert (done.returncode, done.stdout) == (2, "")
    assert "retries" in done.stderr
    with Store(live_shell.home) as store:
        assert store.read.jobs() == []


def test_a_terminal_gets_a_live_table(live_shell: Shell, file: Path) -> None:
    file.write_text(HEAD + job("first", "true"))
    master, slave = pty.openpty()
    environment = {**live_shell.environment, "TERM": "xterm-256color"}
    command = [*YOLOTUI, "--batch", str(file)]
    with subprocess.Popen(command, stdin=slave, stdout=slave, stderr=slave, env=environment) as batch:
        os.close(slave)
        screen = b""
        while chunk := _read(master):
            screen += chunk
        assert batch.wait(timeout=60) == 0
    os.close(master)
    assert "Ctrl-C: how to leave" in screen.decode()
    assert screen.decode().rstrip().splitlines()[-1].split()[1] == "first"


def _read(master: int) -> bytes:
    try:
        return os.read(master, 65536)
    except OSError:
        return b""
