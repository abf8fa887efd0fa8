"""Traces: when which jobs were submitted, how wide they are and how long they take. Read from CSV, or from history."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping
from math import isfinite
from pathlib import Path

from msgspec import Struct

from yolotui.core.jobs import Job, Kind, Priority
from yolotui.errors import WrongFile

REQUIRED = ("submit_s", "gpus", "duration_s")
OPTIONAL = ("priority", "estimate_s", "vram_bytes", "preemptible", "deadline_s", "owner")
YES, NO = frozenset({"1", "yes", "true"}), frozenset({"0", "no", "false"})


class TraceJob(Struct, frozen=True, kw_only=True):
    """A job of a trace. Times are seconds from the trace's own zero; `estimate_s` is what was known beforehand.

    `vram_bytes` is the memory that it needs of a card that it shares; None: it has its cards alone. A `preemptible` one
    may be paused to make room. It is to be done `deadline_s` after its submission. `after` are the positions in the
    trace of the jobs that must have ended before it may start.
    """

    submit_s: float
    gpus: int
    duration_s: float
    priority: Priority = Priority.P2
    estimate_s: float | None = None
    vram_bytes: int | None = None
    preemptible: bool = True
    deadline_s: float | None = None
    owner: str = ""
    after: tuple[int, ...] = ()

    @property
    def expected_s(self) -> float:
        """How long it is thought to take: its true duration where the trace has no estimate."""
        return self.duration_s if self.estimate_s is None else self.estimate_s

    @property
    def area(self) -> float:
        """GPU-seconds."""
        return self.gpus * self.duration_s


Trace = tuple[TraceJob, ...]
"""Jobs in any order of submission; a job's id is its position."""


def read_trace(path: Path) -> Trace:
    """Read a CSV trace. Raises WrongFile with one `file:line` sentence for every mistake."""
    mistakes: list[str] = []
    jobs: list[TraceJob] = []
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:  # a table program puts a mark in front
            rows = csv.DictReader(file)
            rows.fieldnames = [name.strip() for name in rows.fieldnames or ()]
            _check_columns(rows.fieldnames, path)
            for row in rows:
                try:
                    jobs.append(_job(row))
                except ValueError as mistake:
                    mistakes.append(f"{path}:{rows.line_num}: {mistake}")
    except (OSError, UnicodeDecodeError, csv.Error) as trouble:
        raise WrongFile([f"{path}: {trouble}"]) from trouble
    if mistakes:
        raise WrongFile(mistakes)
    if not jobs:
        raise WrongFile([f"{path}:1: the trace holds no jobs"])
    return tuple(jobs)


def trace_of(jobs: Iterable[Job]) -> Trace:
    """The queue's own past as a trace: every job that ran, with the time that its attempts held their GPUs.

    A job comes after those that it hung on, as far as they ran, too.
    """
    ran = sorted((job for job in jobs if job.ended and job.ran_s > 0), key=lambda job: (job.submitted_at, job.id))
    past = {job.id: (position, job) for position, job in enumerate(ran)}
    first_s = ran[0].submitted_at if ran else 0.0
    return tuple(
        TraceJob(
            submit_s=job.submitted_at - first_s,
            gpus=job.spec.gpus,
            duration_s=job.ran_s,
            priority=job.priority,
            estimate_s=job.spec.estimate_s,
            vram_bytes=job.spec.vram_bytes if job.spec.gpus == 1 else None,
            preemptible=job.spec.preemptible and job.spec.kind is Kind.TRAIN,
            deadline_s=None if job.deadline_at is None else job.deadline_at - job.submitted_at,
            owner=job.owner.name,
            after=_positions_before(job, past),
        )
        for job in ran
    )


def _positions_before(job: Job, past: Mapping[int, tuple[int, Job]]) -> tuple[int, ...]:
    """Where those stand that let the job go: all that it had to wait for, and of alternatives the first to succeed."""
    needs = [past[need] for need in job.after if need in past]
    required = [position for position, need in needs if job.after_modes.get(need.id) != "any"]
    alternatives = [
        (need.status.since, position)
        for position, need in needs
        if job.after_modes.get(need.id) == "any" and need.state == "succeeded"
    ]
    return (*required, *(position for _, position in sorted(alternatives)[:1]))


def _check_columns(names: Iterable[str], path: Path) -> None:
    names = list(names)
    mistakes = [f"{path}:1: the column {name} is missing" for name in REQUIRED if name not in names]
    known = ", ".join((*REQUIRED, *OPTIONAL))
    mistakes += [
        f"{path}:1: unknown column {name!r}; known are {known}" for name in names if name not in (*REQUIRED, *OPTIONAL)
    ]
    if mistakes:
        raise WrongFile(mistakes)


def _job(row: Mapping[str, str | None]) -> TraceJob:
    if None in row or any(value is None for value in row.values()):
        raise ValueError("the line has another number of values than the header")
    return TraceJob(
        submit_s=_seconds(row, "submit_s", least=0.0),
        gpus=_count(row),
        duration_s=_seconds(row, "duration_s", least=1e-3),
        priority=_priority(row),
        estimate_s=_seconds(row, "estimate_s", least=1e-3) if _said(row, "estimate_s") else None,
        vram_bytes=int(_number(row, "vram_bytes")) if _said(row, "vram_bytes") else None,
        preemptible=_flag(row, "preemptible"),
        deadline_s=_seconds(row, "deadline_s", least=0.0) if _said(row, "deadline_s") else None,
        owner=_said(row, "owner"),
    )


def _said(row: Mapping[str, str | None], name: str) -> str:
    return (row.get(name) or "").strip()


def _flag(row: Mapping[str, str | None], name: str) -> bool:
    """Yes, unless it says no."""
    said = _said(row, name).lower()
    if said and said not in YES | NO:
        raise ValueError(f"{name} is {row[name]!r}; write yes or no")
    return said not in NO


def _seconds(row: Mapping[str, str | None], name: str, *, least: float) -> float:
    return _number(row, name, least=least, of=" of seconds")


def _number(row: Mapping[str, str | None], name: str, *, least: float = 0.0, of: str = "") -> float:
    text = _said(row, name)
    try:
        number = float(text)
    except ValueError:
        raise ValueError(f"{name} is {text!r}, which is no number{of}") from None
    if not isfinite(number) or number < least:
        raise ValueError(f"{name} is {text}, which is {'too small' if isfinite(number) else 'no finite number'}")
    return number


def _count(row: Mapping[str, str | None]) -> int:
    text = (row.get("gpus") or "").strip()
    try:
        count = float(text)
    except ValueError:
        count = -1.0
    if count < 0 or not count.is_integer():
        raise ValueError(f"gpus is {text!r}, which is no number of GPUs")
    return int(count)


def _priority(row: Mapping[str, str | None]) -> Priority:
    text = (row.get("priority") or "").strip().upper().removeprefix("P")
    if not text:
        return Priority.P2
    if text not in {"0", "1", "2", "3"}:
        raise ValueError(f"priority is {row['priority']!r}; write P0, P1, P2 or P3")
    return Priority(int(text))
