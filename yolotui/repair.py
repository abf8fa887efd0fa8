"""`yolotui doctor --repair`: a queue that is damaged or gone, made anew from what can be read and from its runs.

The damaged files are kept aside, untouched. Whatever can't be known begins held: nothing starts by surprise.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import sqlite3
import time
from collections.abc import Iterable, Iterator
from contextlib import closing, suppress
from datetime import UTC, datetime
from itertools import chain, count
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from yolotui.core.failures import succeeded
from yolotui.core.jobs import (
    Attempt,
    Held,
    Job,
    JobSpec,
    Outcome,
    Owner,
    Priority,
    Process,
    Status,
    Succeeded,
    Unknown,
)
from yolotui.environment import submitted_environment
from yolotui.errors import NotPossible, QueueDamaged, QueueUnusable
from yolotui.leadership import Lock
from yolotui.locations import Home, attempt_directory
from yolotui.probe.processes import tagged_processes
from yolotui.runner.durable import fsync_directory, replace_durably
from yolotui.store import Actor, Store
from yolotui.store.backup import connect
from yolotui.store.database import refuse_damage
from yolotui.store.rebuilding import LOST_SIGHT, FoundRun, rebuild
from yolotui.store.salvage import salvage
from yolotui.telemetry import RunReader, RunSeries, progress

RUN_DIR = re.compile(r"(\d{6,18})-")
ATTEMPT_DIR = re.compile(r"attempt-(\d{1,6})")
ADDED_BY_US = frozenset({"job", "owner", "run_dir", "priority", "submitted_at", "project", "basis"})


class Repaired(Struct, frozen=True):
    """What came of a repair: how many jobs there are again, what is not as it was, where the damaged files are."""

    jobs: int
    told: tuple[str, ...]
    kept: Path


def repair(home: Home, runs: Iterable[Path]) -> Repaired:
    """Make the queue of `home` anew. `runs` are the folders in which run directories are.

    Raises NotPossible where the queue is whole, or while a scheduler leads.
    """
    home.create()
    lock = Lock(home.scheduler_lock)
    if not lock.acquire():
        raise NotPossible("A scheduler leads this home: `yolotui scheduler stop`, then repair.")
    try:
        if home.queue.exists() and (whole := _is_whole(home)):
            raise NotPossible(whole)
        return _repair(home, runs)
    finally:
        lock.release()


def _is_whole(home: Home) -> str:
    """What there is to say for leaving the queue as it is; empty where it is damaged."""
    try:
        with closing(connect(home.queue)) as connection:
            refuse_damage(connection, home.queue)
        with Store(home) as store:
            jobs = len(store.read.jobs())
    except (QueueDamaged, sqlite3.DatabaseError):
        return ""
    except QueueUnusable as error:  # another machine's, or a newer version's: not to be made anew
        return str(error)
    return f"{home.queue} is whole, with {jobs} jobs: there is nothing to repair."


def _repair(home: Home, runs: Iterable[Path]) -> Repaired:
    kept = _keep_aside(home)
    workshop = home.root / "rebuilding"
    shutil.rmtree(workshop, ignore_errors=True)
    try:
        fresh = Home(workshop / "fresh")
        fresh.create()
        readable = workshop / "readable"
        shutil.copytree(kept, readable)
        rows = salvage(readable / home.queue.name)
        told = rebuild(fresh, rows, _found_runs(runs), Actor.current("doctor --repair"))
        with Store(fresh) as store:
            jobs = len(store.read.jobs())
        _put_in_place(fresh, home)
    finally:
        shutil.rmtree(workshop, ignore_errors=True)
    return Repaired(jobs, tuple(told), kept)


def _keep_aside(home: Home) -> Path:
    """Copies of the files as they are, which nobody opens again."""
    moment = f"damaged-{datetime.fromtimestamp(time.time(), UTC):%Y%m%d-%H%M%S}"
    names = chain([moment], (f"{moment}.{number}" for number in count(2)))
    kept = next(path for name in names if not (path := home.root / name).exists())
    kept.mkdir(mode=0o700)
    for name in (home.queue.name, f"{home.queue.name}-wal"):
        with suppress(FileNotFoundError):
            shutil.copy2(home.root / name, kept / name)
    return kept


def _put_in_place(fresh: Home, home: Home) -> None:
    """The old log must be gone before the new file has its name: SQLite would read the one into the other."""
    for suffix in ("-wal", "-shm"):
        with suppress(FileNotFoundError):
            home.queue.with_name(home.queue.name + suffix).unlink()
    fsync_directory(str(home.root))
    replace_durably(str(fresh.queue), str(home.queue))


def _found_runs(roots: Iterable[Path]) -> Iterator[FoundRun]:
    living = tagged_processes()
    for root in dict.fromkeys(roots):
        for run_dir in sorted(root.glob("*-*")) if root.is_dir() else ():
            if RUN_DIR.match(run_dir.name) and run_dir.is_dir() and (found := _found_run(run_dir, living)):
                yield found


def _found_run(run_dir: Path, living: dict[str, list[int]]) -> FoundRun | None:
    """The job of a run directory; None where its spec can't be read."""
    said = _read(run_dir / "spec.json")
    try:
        spec = msgspec.convert({k: v for k, v in said.items() if k not in ADDED_BY_US}, JobSpec)
        job_id = msgspec.convert(said["job"], int)
    except (msgspec.ValidationError, KeyError):
        return None
    numbers = sorted(int(m[1]) for each in run_dir.iterdir() if (m := ATTEMPT_DIR.fullmatch(each.name)))
    reader = RunReader(run_dir)
    reader.poll()
    attempts = tuple(_found_attempt(run_dir, number, spec, reader.series, living) for number in numbers if number > 0)
    moment = run_dir.stat()
    job = Job(
        id=job_id,
        spec=spec,
        priority=Priority(said.get("priority", Priority.P2)),
        owner=Owner(str(said.get("owner", "")), moment.st_uid),
        submitted_at=float(said.get("submitted_at", moment.st_mtime)),
        status=_status(attempts, moment.st_mtime),
        run_dir=str(run_dir),
        attempts=attempts,
    )
    launch = _read(attempt_directory(run_dir, numbers[-1]) / "launch.json") if numbers else {}
    return FoundRun(job, submitted_environment(launch.get("env") or {"PATH": os.environ.get("PATH", "")}))


def _status(attempts: tuple[Attempt, ...], now: float) -> Status:
    last = attempts[-1] if attempts else None
    if last is None:
        return Held(now, "rebuilt after damage: it had not run")
    if last.outcome is None:
        return Unknown(now, last.number, LOST_SIGHT)
    if last.outcome is Outcome.SUCCEEDED:
        return Succeeded(last.ended_at or now)
    return Held(now, f"rebuilt after damage: attempt {last.number} did not succeed")


def _found_attempt(
    run_dir: Path, number: int, spec: JobSpec, series: RunSeries, living: dict[str, list[int]]
) -> Attempt:
    folder = attempt_directory(run_dir, number)
    launch, process, end = (_read(folder / f"{name}.json") for name in ("launch", "process", "exit"))
    info = next((each for each in series.attempts if each.number == number), None)
    said = info.end.outcome if info and info.end else None
    uuid = str(launch.get("attempt", ""))
    exit_code, signal = end.get("exit_code"), end.get("signal")
    outcome: Outcome | None = Outcome.INTERRUPTED
    if uuid in living:
        outcome = None
    elif end or said:
        outcome = Outcome.SUCCEEDED if succeeded(spec.kind, exit_code, signal, said) else Outcome.FAILED
    return Attempt(
        number=number,
        uuid=uuid,
        gpus=tuple((launch.get("trainer") or {}).get("gpu_uuids") or ()),
        started_at=end.get("started_at") or process.get("started_at"),
        ended_at=end.get("ended_at") if outcome else None,
        process=_process(process),
        outcome=outcome,
        explanation="Rebuilt from its run directory.",
        exit_code=exit_code,
        signal=signal,
        resumed_from_epoch=info.start.resumed_from_epoch if info and info.start else None,
        progress=progress(series, epochs_asked=spec.epochs),
    )


def _process(content: dict[str, Any]) -> Process | None:
    with suppress(KeyError):
        return Process(content["pid"], content["start_ticks"], content["boot_id"])
    return None


def _read(path: Path) -> dict[str, Any]:
    """A JSON object; empty where there is none that can be read."""
    with suppress(OSError, ValueError, RecursionError):
        content = json.loads(path.read_bytes())
        return content if isinstance(content, dict) else {}
    return {}
