"""Runs of the runner's own programs, as the scheduler would start them."""

from __future__ import annotations

import importlib.util
import json
import os
import pickle
import signal
import subprocess
import sys
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

from yolotui.runner import checkpoints, environment

ROOT = Path(__file__).parents[2]
RUNNER = ROOT / "yolotui" / "runner"
SHIM = RUNNER / "shim.py"
# sitecustomize that notes every attempt to leave the machine, before anything can refuse it.
RECORDER = """
import os, sys
def note(event, arguments):
    if event == "socket.connect":
        host = arguments[1][0] if isinstance(arguments[1], tuple) else "unix"
    elif event == "socket.getaddrinfo":
        host = arguments[0]
    else:
        return
    if host not in ("unix", "localhost", "127.0.0.1", "::1", None):
        file = os.open(os.environ["NETWORK_NOTES"], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.write(file, f"{event} {host}\\n".encode())
sys.addaudithook(note)
"""


def example(name: str) -> ModuleType:
    """A script of examples/ as a module."""
    spec = importlib.util.spec_from_file_location(name, ROOT / "examples" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def write_checkpoint(
    path: Path,
    *,
    epoch: int = 0,
    epochs: int = 5,
    optimizer: object = "state",
    weights: bytes = b"w" * 1000,
    **more: Any,
) -> Path:
    """A file built like an Ultralytics checkpoint. `epoch` counts from 0 as Ultralytics does; -1 is stripped."""
    content = {"epoch": epoch, "train_args": {"epochs": epochs, "batch": 8}, "optimizer": optimizer, **more}
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(f"{path.stem}/data.pkl", pickle.dumps(content, protocol=2))
        archive.writestr(f"{path.stem}/data/0", weights)
    return path


def alive(pid: int) -> bool:
    """Does the process run (a zombie doesn't)?"""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def tagged(attempt: str) -> list[int]:
    """The processes that carry an attempt's tag."""
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit() and alive(int(folder.name)):
            try:
                if f"YOLOTUI_ATTEMPT={attempt}\0".encode() in (folder / "environ").read_bytes():
                    found.append(int(folder.name))
            except OSError:
                continue
    return found


@dataclass
class Run:
    """One run directory and its attempts."""

    folder: Path
    spec: dict[str, Any]
    environment: Mapping[str, str] = field(default_factory=lambda: os.environ)
    attempts: int = 0

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / "spec.json").write_text(
            json.dumps({"job": 1, "name": "test", "run_dir": str(self.folder), **self.spec})
        )

    @property
    def train_dir(self) -> Path:
        return self.folder / "train"

    def attempt(self, *, gpus: int = 0, **order: Any) -> Attempt:
        """Prepare the next attempt; `order` goes into the trainer's part of the launch."""
        self.attempts += 1
        folder = self.folder / f"attempt-{self.attempts}"
        folder.mkdir()
        tag = f"{self.folder}#{self.attempts}"
        attempt = Attempt(folder, tag)
        argv = environment.trainer_argv(sys.executable, str(folder), gpus)
        # The first import of PyTorch compiles thousands of files; the next ones are to profit from it.
        shell = {name: value for name, value in self.environment.items() if name != "PYTHONDONTWRITEBYTECODE"}
        attempt.order(argv, env=environment.training_environment(
            shell, run_dir=str(self.folder), attempt=tag, gpu_uuids=[]
        ), trainer={"cpu": True, "gpus": gpus, **order})  # fmt: skip
        return attempt

    def move(self, folder: Path) -> None:
        """Somebody tidies up."""
        self.folder = self.folder.rename(folder)

    def resume_point(self) -> tuple[str, int]:
        """Path and epoch of the checkpoint that the scheduler would resume from."""
        choice = checkpoints.choose(self.train_dir)
        assert choice.kind == "resume"
        assert choice.resume is not None
        assert choice.resume.epoch is not None
        return choice.resume.path, choice.resume.epoch

    def epochs(self) -> list[int]:
        """The first column of results.csv."""
        rows = (self.train_dir / "results.csv").read_text().splitlines()[1:]
        return [int(row.split(",")[0]) for row in rows]


@dataclass
class Attempt:
    """One attempt directory, its shim, and what they wrote."""

    folder: Path
    tag: str = "test"
    shim: subprocess.Popen[bytes] | None = None

    def order(self, argv: list[str], *, env: dict[str, str] | None = None, **more: Any) -> Attempt:
        """Write launch.json."""
        self.folder.mkdir(parents=True, exist_ok=True)
        env = {**os.environ, "YOLOTUI_ATTEMPT": self.tag} if env is None else env
        launch = {"attempt": self.tag, "argv": argv, "cwd": str(self.folder), "env": env, "kill_grace_s": 5.0, **more}
        (self.folder / "launch.json").write_text(json.dumps(launch))
        return self

    def start(self, python: str = sys.executable) -> Attempt:
        """Start the shim as the scheduler does."""
        self.shim = subprocess.Popen(environment.shim_argv(python, str(self.folder)), start_new_session=True)
        return self

    def run(self) -> dict[str, Any]:
        """Start and wait; returns exit.json."""
        self.start()
        return self.wait()

    def wait(self) -> dict[str, Any]:
        """Wait for the shim; returns exit.json."""
        assert self.shim is not None
        assert self.shim.wait(timeout=200) == 0
        return self.read("exit.json")

    def signal(self, signum: signal.Signals) -> None:
        """Send a signal to the trainer alone."""
        os.kill(self.read("process.json")["pid"], signum)

    def ask(self, request: str, number: int = 1) -> None:
        """Write control.json as the scheduler does: atomically."""
        temporary = self.folder / "control.tmp"
        temporary.write_text(json.dumps({"id": number, "request": request}))
        temporary.replace(self.folder / "control.json")

    def read(self, name: str) -> dict[str, Any]:
        content: dict[str, Any] = json.loads((self.folder / name).read_text())
        return content

    def events(self, kind: str | None = None) -> list[dict[str, Any]]:
        """The events so far, of one kind or all."""
        path = self.folder / "events.jsonl"
        lines = path.read_text().splitlines() if path.exists() else []
        return [event for event in map(json.loads, lines) if kind in {None, event["event"]}]

    def end(self) -> dict[str, Any]:
        """The last event; shows the console when there is none."""
        ends = self.events("end")
        assert ends, (self.folder / "console.log").read_text()[-3000:]
        return ends[-1]

    def clean_up(self) -> None:
        """After a failed test nothing of it runs on."""
        for pid in tagged(self.tag):
            os.kill(pid, signal.SIGKILL)
        if self.shim is not None and self.shim.poll() is None:
            self.shim.kill()
            self.shim.wait(timeout=60)
