"""The benchmark's traces: windows of real clusters where their files are at hand, and made-up ones always.

Real ones get random priorities (5/20/60/15 %), arrivals stretched to the load, and no GPU count above the host's.
"""

from __future__ import annotations

import csv
import os
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from random import Random
from typing import NamedTuple

from msgspec.structs import replace

from yolotui.core.jobs import Priority
from yolotui.simulation.generating import PRIORITIES, generate, with_estimates
from yolotui.simulation.trace import Trace, TraceJob

LOAD = 0.9
ESTIMATES_OFF_BY = 0.15
PHILLY_CLUSTER = "ee9e8c"
WINDOW = 200
DRAINS = 4
DRAINED = 25


class Setup(NamedTuple):
    """One trace on one host. `kind` names its family: A Philly, C Shockwave, Y made up."""

    kind: str
    gpus: int
    trace: Trace

    @property
    def name(self) -> str:
        """The family and the host: A8, C4…"""
        return f"{self.kind}{self.gpus}"


def trace_directory(option: Path | None) -> Path | None:
    """Where the files of real traces are: the option, `YOLOTUI_TRACES`, or beside the repository; None: nowhere."""
    beside = Path(__file__).resolve().parents[2] / "shared" / "traces"
    directory = option or Path(os.environ.get("YOLOTUI_TRACES", beside))
    return directory if directory.is_dir() else None


def setups(directory: Path | None, *, draws: int) -> Iterator[Setup]:
    """Every trace on 4 and on 8 GPUs; `draws` random ones of each family where there is a choice."""
    for gpus in (8, 4):
        if directory is not None:
            philly = _philly(directory / "philly_jobs.csv")
            step = (len(philly) - WINDOW) // max(1, draws - 1)
            for draw in range(draws):
                window = philly[draw * step : draw * step + WINDOW]
                yield Setup("A", gpus, prepared(window, gpus, seed=draw))
            for name in ("shockwave_120.trace", "shockwave_220.trace"):
                for draw in range(max(1, draws // 2)):
                    jobs = _shockwave(directory / name)[:WINDOW]
                    yield Setup("C", gpus, prepared(jobs, gpus, seed=100 + draw))
        for draw in range(draws):
            yield Setup("Y", gpus, generate(WINDOW, 200 + draw, LOAD, gpus))


def prepared(jobs: list[TraceJob], gpus: int, seed: int) -> Trace:
    """A window of a real trace made to fit a host, a load, and our priorities."""
    dice = Random(seed)
    classes = dice.choices(list(PRIORITIES), list(PRIORITIES.values()), k=len(jobs))
    jobs = [replace(job, gpus=min(job.gpus, gpus)) for job in jobs]
    first_s, last_s = min(job.submit_s for job in jobs), max(job.submit_s for job in jobs)
    stretch = sum(job.area for job in jobs) / (gpus * LOAD) / max(last_s - first_s, 1.0)
    trace = tuple(
        replace(job, submit_s=(job.submit_s - first_s) * stretch, priority=priority)
        for job, priority in zip(jobs, classes, strict=True)
    )
    return with_estimates(trace, ESTIMATES_OFF_BY, seed)


def drains(directory: Path | None) -> Iterator[tuple[int, Trace]]:
    """The drains: a host's number of GPUs, and the jobs. Four of each family and host."""
    seen: dict[str, int] = {}
    for setup in setups(directory, draws=DRAINS):
        number = seen.get(setup.name, 0)
        if number < DRAINS:
            seen[setup.name] = number + 1
            yield setup.gpus, _drain(setup, seed=number)


def _drain(setup: Setup, seed: int) -> Trace:
    """Some jobs of a trace, all of one class and submitted at once, with true durations."""
    jobs = Random(seed).sample(setup.trace, DRAINED)
    return tuple(TraceJob(submit_s=0.0, gpus=job.gpus, duration_s=job.duration_s, priority=Priority.P2) for job in jobs)


def _philly(path: Path) -> list[TraceJob]:
    with path.open(newline="") as file:
        rows = [
            row for row in csv.DictReader(file) if row["cluster"] == PHILLY_CLUSTER and float(row["duration"]) >= 60
        ]
    jobs = [
        TraceJob(
            submit_s=datetime.fromisoformat(row["timestamp"] + "+00:00").timestamp(),
            gpus=int(row["num_gpus"]),
            duration_s=float(row["duration"]),
        )
        for row in rows
    ]
    return sorted(jobs, key=lambda job: job.submit_s)


def _shockwave(path: Path) -> list[TraceJob]:
    rows = [line.split("\t") for line in path.read_text().splitlines() if line.strip()]
    return [TraceJob(submit_s=float(row[-1]), gpus=int(row[6]), duration_s=float(row[-2])) for row in rows]
