"""A machine whose NVML is the stand-in, and the processes that sit on its cards."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Protocol

import msgspec
import pytest

from tests.probe.fake_nvml import Card, FakeNvml, compile_stand_in
from tests.probe.observer import Options
from yolotui.core.gpus import Gpu, Host
from yolotui.probe import Limits

REPOSITORY = Path(__file__).parents[2]


class Machine:
    """The stand-in, and a process that observes it through the real pynvml."""

    def __init__(self, nvml: FakeNvml, process: subprocess.Popen[str]) -> None:
        self.nvml = nvml
        self._process = process

    def look(self, now: float = 0.0) -> Host | None:
        """What the process observes at `now`; None where it found no NVIDIA cards to open."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{now}\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        assert answer, "the observer died"
        return msgspec.json.decode(answer, type=Host | None)

    def observe(self, now: float = 0.0) -> Host:
        """What the process observes at `now`."""
        host = self.look(now)
        assert host is not None
        return host

    def gpu(self, uuid: str, now: float = 0.0) -> Gpu:
        """One card of what the process observes at `now`."""
        return next(gpu for gpu in self.observe(now).gpus if gpu.uuid == uuid)


class Opener(Protocol):
    """Opens the devices of a machine with such cards."""

    def __call__(
        self,
        *cards: Card,
        limits: Limits | None = None,
        broken: int | None = None,
        proc: Path | None = None,
        library: Path | None = None,
    ) -> Machine: ...


@pytest.fixture(scope="session")
def nvml_library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The compiled stand-in."""
    return compile_stand_in(tmp_path_factory.mktemp("nvml"))


@pytest.fixture
def open_machine(tmp_path: Path, nvml_library: Path) -> Iterator[Opener]:
    """Opens machines; they are switched off at the end."""
    with ExitStack() as stack:

        def opener(
            *cards: Card,
            limits: Limits | None = None,
            broken: int | None = None,
            proc: Path | None = None,
            library: Path | None = None,
        ) -> Machine:
            nvml = stack.enter_context(FakeNvml(tmp_path, cards, library=library or nvml_library))
            if broken is not None:
                nvml.break_driver(broken)
            options = Options(limits=limits or Limits(), proc=str(proc) if proc else None)
            process = stack.enter_context(
                subprocess.Popen(
                    [sys.executable, "-m", "tests.probe.observer", msgspec.json.encode(options).decode()],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    text=True,
                    cwd=REPOSITORY,
                    env={**os.environ, **nvml.env},
                )
            )
            return Machine(nvml, process)

        yield opener


class Starter(Protocol):
    """Starts a process that does nothing, under an attempt's tag or without."""

    def __call__(self, attempt: str | None = None) -> subprocess.Popen[bytes]: ...


@pytest.fixture
def start_process() -> Iterator[Starter]:
    """Starts processes; they are killed at the end."""
    started: list[subprocess.Popen[bytes]] = []

    def starter(attempt: str | None = None) -> subprocess.Popen[bytes]:
        env = {"PATH": os.environ["PATH"]} | ({"YOLOTUI_ATTEMPT": attempt} if attempt else {})
        process = subprocess.Popen(["sleep", "600"], env=env)
        started.append(process)
        return process

    yield starter
    for process in started:
        process.kill()
        process.wait()
