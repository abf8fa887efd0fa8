"""The command line on a home of its own: in this process where that is enough, as a real program where it matters."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from tests.scheduler.conftest import Rig
from yolotui.cli.main import cli
from yolotui.leadership import Lock
from yolotui.locations import Home
from yolotui.store import Store

YOLOTUI = [sys.executable, "-m", "yolotui"]


class Shell:
    """Types commands into the home of a test."""

    def __init__(self, home: Home) -> None:
        self.home = home
        self._environment = {"YOLOTUI_HOME": str(home.root), "YOLOTUI_GPUS": "cpu:2"}

    @property
    def environment(self) -> dict[str, str]:
        return {**os.environ, **self._environment}

    def __call__(self, *words: str, stdin: str | None = None) -> Result:
        """Run a command in this process. Its input and outputs are no terminals."""
        result = CliRunner(env=self._environment).invoke(cli, words, input=stdin, prog_name="yolotui")
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result

    def json(self, *words: str) -> dict[str, Any]:
        """The document that a command prints."""
        result = self(*words, "--json")
        assert result.exit_code in {0, 1}, result.stderr
        document: dict[str, Any] = json.loads(result.stdout)
        assert document.pop("schema") == 1
        return document

    def spawn(self, *words: str, **options: Any) -> subprocess.Popen[str]:
        """Start the real program."""
        options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "stdin": subprocess.DEVNULL, **options}
        environment = {**self.environment, **options.pop("env", {})}
        return subprocess.Popen([*YOLOTUI, *words], text=True, env=environment, **options)

    def run(self, *words: str, **options: Any) -> subprocess.CompletedProcess[str]:
        """Run the real program to its end."""
        with self.spawn(*words, **options) as process:
            out, err = process.communicate(timeout=120)
        return subprocess.CompletedProcess(words, process.returncode, out, err)


@pytest.fixture
def store(home: Home) -> Iterator[Store]:
    """The queue of the home, to put jobs into states that only a scheduler would."""
    with Store(home) as store:
        yield store


@pytest.fixture
def shell(home: Home, store: Store) -> Iterator[Shell]:
    """A shell where no verb starts a scheduler: the test holds the lead, and leads nothing."""
    lock = Lock(home.scheduler_lock)
    assert lock.acquire()
    yield Shell(home)
    lock.release()


@pytest.fixture
def live_shell(tmp_path: Path) -> Iterator[Shell]:
    """A shell where verbs start real schedulers, which are ended with everything that they started."""
    with Rig(Home(tmp_path / "live"), "cpu:2") as rig:
        yield Shell(rig.home)


@pytest.fixture
def shapes(tmp_path: Path) -> Path:
    """A data set's yaml, as far as submitting looks at it."""
    data = tmp_path / "shapes.yaml"
    data.write_text("path: .\ntrain: images\nval: images\nnames: [square]\n")
    return data


@pytest.fixture
def add(shell: Shell, shapes: Path) -> Callable[..., int]:
    """Add a training of ten epochs; returns its id."""

    def add_training(name: str, *words: str) -> int:
        result = shell("add", "yolo11n.yaml", str(shapes), "epochs=10", "--name", name, *words)
        assert result.exit_code == 0, result.stderr
        return int(result.stdout)

    return add_training
