"""20 jobs are acknowledged and wait; the queue's process gets SIGKILL, and is started again. How many are still there?

    python benchmarks/crash_survival.py

Beside yolotui: task-spooler (Debian's `tsp`) and gflow (`pip install runqd`; `gflowd`, `gbatch` and `gqueue` on PATH,
or in $GFLOW_BIN), each where it is installed. Each runs in a directory of its own.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Protocol

import psutil

from yolotui.leadership import is_led
from yolotui.locations import Home

JOBS = 20
WAITS_S = (0.0, 5.0)
PATIENCE_S = 20.0


class Contestant(Protocol):
    """A queue that can be submitted to, killed, started again and counted."""

    name: str

    def submit(self) -> None: ...
    def kill(self) -> None: ...
    def restart(self) -> None: ...
    def count(self) -> int: ...
    def close(self) -> None: ...


def call(command: list[str], environment: dict[str, str]) -> str:
    return subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout


def until(condition: Callable[[], object], what: str) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        if time.monotonic() > deadline:
            raise SystemExit(f"not within {PATIENCE_S:g} s: {what}")
        time.sleep(0.02)


class Yolotui:
    """One simulated card with a job on it; the others wait for it."""

    name = "yolotui"

    def __init__(self, folder: Path) -> None:
        self._home = Home(folder / "home")
        self._environment = {**os.environ, "YOLOTUI_HOME": str(self._home.root), "YOLOTUI_GPUS": "sim:1x24GiB"}
        self._say("run", "--", "sleep", "600")
        until(lambda: "running" in self._say("list"), "the first job runs")

    def submit(self) -> None:
        self._say("run", "--", "true")

    def kill(self) -> None:
        os.kill(int(self._say("scheduler", "status", "--json").split('"pid":')[1].split(",")[0]), signal.SIGKILL)
        until(lambda: not is_led(self._home), "the leader is dead")

    def restart(self) -> None:
        self._say("scheduler", "start")

    def count(self) -> int:
        return self._say("list").count("waiting")

    def close(self) -> None:
        self._say("cancel", "--yes", f"2-{JOBS + 1}")
        self._say("kill", "--yes", "1")
        until(lambda: "running" not in self._say("list") and "stopping" not in self._say("list"), "the first job ends")
        self._say("scheduler", "stop")

    def _say(self, *words: str) -> str:
        return call([sys.executable, "-m", "yolotui", *words], self._environment)


class TaskSpooler:
    """One slot with a job in it; the others wait for it."""

    name = "task-spooler"

    def __init__(self, folder: Path) -> None:
        self._tsp = shutil.which("tsp") or ""
        self._socket = str(folder / "tsp")
        self._environment = {**os.environ, "TS_SOCKET": self._socket}
        self._say("sleep", "600")

    def submit(self) -> None:
        self._say("true")

    def kill(self) -> None:
        servers = self._processes("tsp")
        for server in servers:
            server.kill()
        psutil.wait_procs(servers, PATIENCE_S)

    def restart(self) -> None:
        Path(self._socket).unlink(missing_ok=True)

    def count(self) -> int:
        return self._say().count("queued")

    def close(self) -> None:
        self._say("-K")
        for process in self._processes("sleep"):
            process.kill()

    def _processes(self, name: str) -> list[psutil.Process]:
        found = []
        for each in psutil.process_iter():
            with suppress(psutil.Error):
                if each.name() == name and each.environ().get("TS_SOCKET") == self._socket:
                    found.append(each)
        return found

    def _say(self, *words: str) -> str:
        return call([self._tsp, *words], self._environment)


class Gflow:
    """The jobs wait for an hour that has not come."""

    name = "gflow"

    def __init__(self, folder: Path) -> None:
        self._environment = dict(os.environ)
        for variable, place in (("HOME", ""), ("XDG_DATA_HOME", "data"), ("XDG_STATE_HOME", "state"),
                                ("XDG_CONFIG_HOME", "config"), ("XDG_RUNTIME_DIR", "run")):  # fmt: skip
            (folder / place).mkdir(exist_ok=True)
            self._environment[variable] = str(folder / place)
        self._config = folder / "config/gflow/gflow.toml"
        self._config.parent.mkdir()
        self._config.write_text('[daemon]\nhost = "127.0.0.1"\nport = 59123\n')
        self.restart()

    def submit(self) -> None:
        call([gflow("gbatch"), "--begin", "now+2h", "true"], self._environment)

    def kill(self) -> None:
        self._daemon.kill()
        self._daemon.wait()

    def restart(self) -> None:
        command = [gflow("gflowd"), "-c", str(self._config)]
        self._daemon = subprocess.Popen(
            command, env=self._environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        until(self._answers, "gflowd answers")

    def count(self) -> int:
        return call([gflow("gqueue")], self._environment).count("gjob-")

    def close(self) -> None:
        self.kill()

    def _answers(self) -> bool:
        return (
            subprocess.run([gflow("gqueue")], env=self._environment, capture_output=True, check=False).returncode == 0
        )


def gflow(program: str) -> str:
    """Where it is; empty if it is not installed."""
    return shutil.which(program, path=os.environ.get("GFLOW_BIN", os.environ["PATH"])) or ""


def survived(contestant: Contestant, wait_s: float) -> tuple[int, int]:
    """How many of the acknowledged jobs waited before the kill and wait after it."""
    for _ in range(JOBS):
        contestant.submit()
    before = contestant.count()
    time.sleep(wait_s)
    contestant.kill()
    contestant.restart()
    after = contestant.count()
    contestant.close()
    return before, after


def main() -> int:
    contestants: dict[str, tuple[type[Contestant], object]] = {
        "yolotui": (Yolotui, True),
        "task-spooler": (TaskSpooler, shutil.which("tsp")),
        "gflow": (Gflow, gflow("gflowd")),
    }
    print(f"{'':<14} {'SIGKILL after':>14} {'acknowledged':>13} {'still there':>12}")
    for name, (contestant, installed) in contestants.items():
        if not installed:
            print(f"{name:<14} is not installed here")
            continue
        for wait_s in WAITS_S:
            with tempfile.TemporaryDirectory() as folder:
                before, after = survived(contestant(Path(folder)), wait_s)  # type: ignore[call-arg]
            print(f"{name:<14} {wait_s:>12g} s {before:>13} {after:>12}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
