"""A real scheduler on a home of its own, with processes that are really started, killed and adopted."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Any

import pytest

from tests.helpers import eventually
from yolotui.core.jobs import Job, JobSpec, Kind
from yolotui.leadership import is_led
from yolotui.locations import Home
from yolotui.probe.processes import tagged_processes
from yolotui.store import Actor, Store, Submission


class Rig:
    """A home, a way to submit and look, and schedulers that are ended by their pid."""

    def __init__(self, home: Home, gpus: str) -> None:
        self.home = home
        self.store = Store(home)
        self.environment = {**os.environ, "YOLOTUI_HOME": str(home.root), "YOLOTUI_GPUS": gpus}
        self._schedulers: list[subprocess.Popen[bytes]] = []

    def lead(self, *arguments: str, wait: bool = True) -> subprocess.Popen[bytes]:
        """Start a scheduler and wait until it leads, or has seen that another does."""
        with self.home.scheduler_log.open("ab") as log:
            scheduler = subprocess.Popen(
                [sys.executable, "-m", "yolotui.scheduler", *arguments], env=self.environment, stdout=log, stderr=log
            )
        self._schedulers.append(scheduler)
        if wait:
            eventually(lambda: self.leader_pid() == scheduler.pid or scheduler.poll() is not None)
        return scheduler

    def leader_pid(self) -> int | None:
        leader = self.store.read.leader()
        return leader.process.pid if leader and is_led(self.home) else None

    def kill(self, scheduler: subprocess.Popen[bytes]) -> None:
        """SIGKILL a scheduler."""
        scheduler.kill()
        scheduler.wait()

    def command(self, name: str, *argv: str, **options: Any) -> int:
        """Submit a command job."""
        spec = JobSpec(
            name=name, kind=Kind.COMMAND, command=argv or ("true",), gpus=options.pop("gpus", 0),
            cwd=str(self.home.root), retry_delay_s=options.pop("retry_delay_s", 0.05), **options,
        )  # fmt: skip
        return self.submit(spec)

    def submit(self, spec: JobSpec, **options: Any) -> int:
        environment = {"PATH": os.environ["PATH"]}
        submission = Submission(spec=spec, environment=environment, **options)
        return self.store.verbs.submit([submission], ANNA)[0]

    def job(self, job_id: int) -> Job:
        return self.store.read.job(job_id)

    def until(self, job_id: int, *states: str, timeout_s: float = 60.0) -> Job:
        """Wait until a job is in one of these states."""

        def arrived() -> Job | None:
            job = self.job(job_id)
            return job if job.state in states else None

        try:
            return eventually(arrived, timeout_s) or self.job(job_id)
        except AssertionError as error:
            raise AssertionError(f"job is {self.job(job_id).status}\n{self.log()}") from error

    def verbs_of(self, job_id: int) -> list[str]:
        return [row.verb for row in self.store.read.audit(jobs=[job_id])]

    def log(self) -> str:
        return self.home.scheduler_log.read_text()

    def __enter__(self) -> Rig:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """End what the test has started: schedulers first, then every process of every attempt of this home."""
        pid = self.leader_pid()
        for scheduler in self._schedulers:
            if scheduler.poll() is None:
                self.kill(scheduler)
        if pid and is_led(self.home):
            os.kill(pid, signal.SIGKILL)
        uuids = {attempt.uuid for job in self.store.read.jobs() for attempt in job.attempts}
        for uuid, pids in tagged_processes().items():
            if uuid in uuids:
                for each in pids:
                    os.kill(each, signal.SIGKILL)
        self.store.close()


ANNA = Actor("anna", os.getuid())


@pytest.fixture
def make_rig(tmp_path: Path) -> Iterator[Callable[[str], Rig]]:
    """A rig on a host of the given devices, ended with the test."""
    rigs: list[Rig] = []

    def make(gpus: str) -> Rig:
        rigs.append(Rig(Home(tmp_path / f"home-{len(rigs)}"), gpus))
        return rigs[-1]

    yield make
    for rig in rigs:
        rig.__exit__(None, None, None)


@pytest.fixture
def rig(make_rig: Callable[[str], Rig]) -> Rig:
    """A rig with two simulated GPUs."""
    return make_rig("sim:2x24GiB")
