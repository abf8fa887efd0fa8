"""Sections of benchmarks/scheduling.py: what cards for two, deadlines and bookings bring and cost."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from pathlib import Path
from random import Random
from statistics import fmean
from typing import Protocol

from msgspec.structs import replace

from benchmarks.scheduling_traces import LOAD, WINDOW, prepared
from yolotui.core.bookings import Booked, Booking
from yolotui.core.jobs import Owner, Priority
from yolotui.core.plan import Kind, Policy
from yolotui.simulation.generating import generate
from yolotui.simulation.machine import CARD_BYTES
from yolotui.simulation.replaying import Ran, replay
from yolotui.simulation.trace import Trace, TraceJob
from yolotui.units import DAY_S, HOUR_S

FRACTIONS = (0.2, 0.35, 0.5, 0.7)
SLACK = (1.3, 2.8)  # of the durations, as in the Chronus trace
WEEK_DRAWS = 3
LONGEST_S = 2 * DAY_S  # what runs for weeks is a service
EVENING_H, BOOKED_H = 18.0, 4.0


class Verdicts(Protocol):
    """Where promises are told."""

    def add(self, promise: str, measured: float, kept: bool, form: str = ".3f") -> None:
        """One promise."""


def pairs(directory: Path | None, draws: int, verdicts: Verdicts) -> None:
    """Jobs that declare how much of a card they need, with at most two on a card and with one."""
    print(f"\nCards shared by two, 4 GPUs, load {LOAD}: mean wait in hours, and the mean completion.")
    ratios: list[float] = []
    for name, traces in (("GPU fractions of Alibaba", _alibaba(directory, draws)), ("made up", _fractional(draws))):
        together: list[Ran] = []
        alone: list[Ran] = []
        for trace in traces:
            together += replay(trace, 4, Policy(tenants=2)).jobs
            alone += replay(trace, 4, Policy(tenants=1)).jobs
        if not alone:
            continue
        waits = [fmean(job.wait for job in jobs) / HOUR_S for jobs in (alone, together)]
        ends = [fmean(job.end - job.submit for job in jobs) / HOUR_S for jobs in (alone, together)]
        print(f"  {name:<26}alone {waits[0]:.2f} ({ends[0]:.2f}), shared {waits[1]:.2f} ({ends[1]:.2f})")
        ratios.append(waits[1] / waits[0])
    verdicts.add("mean wait with cards shared over without <= 0.85, the first of these", ratios[0], ratios[0] <= 0.85)


def deadlines(directory: Path | None, draws: int, verdicts: Verdicts) -> None:
    """Jobs of one class that are due 1.3 to 2.8 times their duration after their submission."""
    print("\nDeadlines of 1.3 to 2.8 times the duration, 8 GPUs, load 0.9: the part that is met.")
    traces = list(_chronus(directory, draws)) or list(_due(draws))
    met: dict[str, float] = {}
    for label, policy in {
        "plan": Policy(),
        "plan, blind to them": Policy(),
        "earliest deadline + EASY": Policy(kind=Kind.EDF_EASY),
        "priority + EASY": Policy(kind=Kind.PRIO_EASY),
    }.items():
        runs = [(trace, replay(_blind(trace) if "blind" in label else trace, 8, policy).jobs) for trace in traces]
        met[label] = fmean(
            job.end - job.submit <= (trace[job.id].deadline_s or 0.0) for trace, jobs in runs for job in jobs
        )
        wait_h = fmean(job.wait for _, jobs in runs for job in jobs) / HOUR_S
        print(f"  {label:<26}{met[label]:.1%}   mean wait {wait_h:.2f} h")
    best = max(met["earliest deadline + EASY"], met["priority + EASY"])
    verdicts.add(
        "deadlines met, more than the better of EDF and priority + EASY", met["plan"] - best, met["plan"] > best
    )


def bookings(directory: Path | None, draws: int, verdicts: Verdicts) -> None:
    """A made-up week on 8 GPUs in which four cards are booked each evening for one owner's jobs."""
    del directory, draws
    print("\nA week on 8 GPUs at a load of 0.8, four cards booked each evening from 18 to 22 h.")
    started = 0
    stayed: list[float] = []
    figures: dict[bool, list[float]] = {True: [], False: []}
    for seed in range(WEEK_DRAWS):
        trace = generate(WINDOW, 500 + seed, 0.8, 8)
        last_s = max(job.submit_s for job in trace)
        windows = [_evening(day) for day in range(1 + int(last_s // DAY_S))]
        for booked in (True, False):
            jobs = replay(trace, 8, Policy(), bookings=windows if booked else ()).jobs
            figures[booked].append(fmean(job.end - job.submit for job in jobs) / HOUR_S)
            if booked:
                started += sum(_starts_inside(job, window) for job in jobs for window in windows)
                stayed += [inside_s for job in jobs for window in windows if (inside_s := _inside_s(job, window))]
    with_h, without_h = fmean(figures[True]), fmean(figures[False])
    taken = 4 * BOOKED_H / (8 * 24)
    print(f"  mean completion of the others: {with_h:.2f} h, {without_h:.2f} h without; {taken:.0%} of the GPU-hours")
    longest_s = max(stayed, default=0.0)
    print(f"  {len(stayed)} jobs that outran their estimate were still there when a window opened")
    verdicts.add("jobs of others started in a window", started, started == 0, "d")
    verdicts.add("longest time for which one was still there, in s <= 120", longest_s, longest_s <= 121, ".0f")


def _evening(day: int) -> Booking:
    starts_at = day * DAY_S + EVENING_H * HOUR_S
    return Booking(
        id=day + 1,
        owner=Owner("alice", 1000),
        starts_at=starts_at,
        ends_at=starts_at + BOOKED_H * HOUR_S,
        count=4,
        gpus=("sim-0", "sim-1", "sim-2", "sim-3"),
        pinned=True,
        made_at=-DAY_S,
        status=Booked(-DAY_S),
    )


def _starts_inside(job: Ran, window: Booking) -> int:
    """How often a job was started on cards of a window while it was open."""
    return sum(
        window.starts_at <= segment.start < window.ends_at and any(index < 4 for index in segment.gpus)
        for segment in job.segments
    )


def _inside_s(job: Ran, window: Booking) -> float:
    """For how long a job held cards of a window that was not its own."""
    return sum(
        max(0.0, min(segment.end, window.ends_at) - max(segment.start, window.starts_at))
        for segment in job.segments
        if any(index < 4 for index in segment.gpus)
    )


def _alibaba(directory: Path | None, draws: int) -> Iterator[Trace]:
    if directory is None:
        return
    with (directory / "alibaba2023_openb_pod_list_default.csv").open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["num_gpu"] != "0" and row["scheduled_time"]]
    jobs = [
        TraceJob(
            submit_s=float(row["creation_time"]),
            gpus=int(row["num_gpu"]),
            duration_s=float(row["deletion_time"]) - float(row["scheduled_time"]),
            vram_bytes=int(float(row["gpu_milli"]) / 1000 * CARD_BYTES) if row["gpu_milli"] != "1000" else None,
        )
        for row in rows
    ]
    jobs = sorted((job for job in jobs if 60 <= job.duration_s <= LONGEST_S), key=lambda job: job.submit_s)
    step = (len(jobs) - WINDOW) // draws
    for draw in range(draws):
        yield prepared(jobs[draw * step : draw * step + WINDOW], 4, seed=draw)


def _fractional(draws: int) -> Iterator[Trace]:
    """As Alibaba's are: nearly all jobs for one GPU, and every other one of these for a part of it."""
    for draw in range(draws):
        dice = Random(draw)
        jobs = [
            replace(job, gpus=1, vram_bytes=int(dice.choice(FRACTIONS) * CARD_BYTES) if dice.random() < 0.5 else None)
            if dice.random() < 0.9
            else job
            for job in generate(WINDOW, 300 + draw, LOAD, 4)
        ]
        yield prepared(jobs, 4, seed=draw)


def _chronus(directory: Path | None, draws: int) -> Iterator[Trace]:
    if directory is None:
        return
    with (directory / "chronus_philly_slo.csv").open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if int(row["num_gpu"]) > 0]
    jobs = [
        TraceJob(
            submit_s=60 * float(row["submit_time"]),
            gpus=int(row["num_gpu"]),
            duration_s=60 * float(row["duration"]),
            deadline_s=60 * float(row["expect_time_list"]),
        )
        for row in rows
        if float(row["duration"]) >= 1
    ]
    jobs.sort(key=lambda job: job.submit_s)
    step = (len(jobs) - WINDOW) // draws
    for draw in range(draws):
        yield _one_class(prepared(jobs[draw * step : draw * step + WINDOW], 8, seed=draw))


def _due(draws: int) -> Iterator[Trace]:
    for draw in range(draws):
        dice = Random(draw)
        trace = generate(WINDOW, 400 + draw, LOAD, 8)
        yield _one_class(tuple(replace(job, deadline_s=job.duration_s * dice.uniform(*SLACK)) for job in trace))


def _one_class(trace: Trace) -> Trace:
    return tuple(replace(job, priority=Priority.P2) for job in trace)


def _blind(trace: Sequence[TraceJob]) -> Trace:
    return tuple(replace(job, deadline_s=None) for job in trace)
