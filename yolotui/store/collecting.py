"""Removing the run directories of jobs that ended long ago, or the checkpoints in them that nobody needs any more.

Nothing is touched that is at work or that a job needs which has not ended. What is known of a job stays in the queue.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import time
from collections.abc import Iterable, Iterator, Sequence
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple

import msgspec

from yolotui.core.jobs import Job, Succeeded
from yolotui.store.database import Actor, Database, Transaction
from yolotui.store.queries import Queries
from yolotui.store.rights import may_change

ASIDE = ".collected-"
RUN_DIR = re.compile(r"\d{6,}-")


class What(StrEnum):
    """What is removed of a job: its whole run directory, or the checkpoints of a succeeded training but its best."""

    RUNS = "runs"
    CHECKPOINTS = "checkpoints"


class Rest(NamedTuple):
    """What a job has left on the disk. `why_kept` is a sentence where it may not be removed, else empty."""

    job: Job
    size_bytes: int
    why_kept: str = ""


def survey(read: Queries, what: What, *, ended_before: float, ids: Sequence[int] | None = None) -> list[Rest]:
    """What of the ended jobs, all or some, is still on the disk. `ended_before` is in UTC seconds."""
    needed = _Needed(read.jobs(unfinished=True))
    rests = []
    for job in read.jobs(ids=ids):
        if ids is None and (not job.ended or job.status.since >= ended_before):
            continue
        why = _why_kept(job, what, needed)
        size = 0 if why else sum(_sizes(_doomed(job, what)))
        if why or size:
            rests.append(Rest(job, size, why))
    return rests


def collect(database: Database, read: Queries, job_ids: Iterable[int], what: What, actor: Actor) -> int:
    """Remove what `survey` found; looks again, job by job, under the write lock. Returns how many bytes were freed."""
    freed = 0
    needed, known_at = _Needed(()), -1
    for job_id in job_ids:
        with database.write(actor) as write:
            if known_at != write.revision - 1:  # somebody else has changed something since
                needed = _Needed(read.jobs(unfinished=True))
            known_at = write.revision
            job = read.job(job_id)
            if not may_change(actor, job.owner) or _why_kept(job, what, needed):
                continue
            doomed = _doomed(job, what)
            size = sum(_sizes(doomed))
            moved = _set_aside(write, job, what, doomed, size)
        for path in moved:
            _remove(path)
        sweep({path.parent for path in moved})
        freed += size
    return freed


def sweep(roots: Iterable[Path]) -> None:
    """Finish what a collection that was cut short has set aside in these folders."""
    for root in roots:
        for left in root.glob(f"{ASIDE}*"):
            _remove(left)


class _Needed:
    """What jobs that have not ended may still read: run directories of those they come after, or that they name."""

    def __init__(self, unfinished: Sequence[Job]) -> None:
        self._by_need = {need: job for job in unfinished for need in job.after}
        self._specs = [(job, json.dumps(msgspec.to_builtins(job.spec))) for job in unfinished]

    def by(self, job: Job) -> Job | None:
        """A job that needs what `job` made."""
        if job.id in self._by_need:
            return self._by_need[job.id]
        name = json.dumps(job.run_dir)[1:-1]
        return next((other for other, text in self._specs if name in text), None)


def _why_kept(job: Job, what: What, needed: _Needed) -> str:
    if not job.ended:
        return f"it is {job.state}"
    if other := needed.by(job):
        return f"job {other.id} ({other.name}) may need it"
    run_dir = Path(job.run_dir)
    if not os.path.lexists(run_dir):
        return ""
    if not _is_its_own(run_dir, job):
        return f"{run_dir} does not look like its run directory"
    if what is What.CHECKPOINTS and not isinstance(job.status, Succeeded):
        return f"it is {job.state}: a retry would go on from its checkpoints"
    return ""


def _is_its_own(run_dir: Path, job: Job) -> bool:
    """Whether the directory says that it is this job's run: a path in a database is not enough to remove a tree."""
    if run_dir.is_symlink() or not RUN_DIR.match(run_dir.name):
        return False
    try:
        said = json.loads((run_dir / "spec.json").read_bytes())
        return bool(said["job"] == job.id)
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return False


def _doomed(job: Job, what: What) -> list[Path]:
    run_dir = Path(job.run_dir)
    if what is What.RUNS:
        return [run_dir] if os.path.lexists(run_dir) else []
    weights = run_dir / "train" / "weights"
    if not (weights / "best.pt").is_file():
        return []
    return [path for path in sorted(weights.glob("*.pt")) if path.name != "best.pt"]


def _set_aside(write: Transaction, job: Job, what: What, doomed: list[Path], size: int) -> list[Path]:
    """Take everything out of its place at once, so that a retry finds all of it or nothing."""
    moved = []
    for path in doomed:
        aside = path.with_name(f"{ASIDE}{path.name}-{time.time_ns()}")
        path.rename(aside)
        moved.append(aside)
    write.audit("collect", job.id, what=what.value, bytes=size)
    return moved


def _sizes(paths: Iterable[Path]) -> Iterator[int]:
    for path in paths:
        files = [path] if not path.is_dir() or path.is_symlink() else list(path.rglob("*"))
        for file in files:
            try:
                yield file.lstat().st_blocks * 512
            except OSError:
                continue


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
