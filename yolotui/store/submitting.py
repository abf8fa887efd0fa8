"""Putting jobs into the queue: one by one, or a file of them that may be taken again."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import msgspec
from msgspec import Struct

from yolotui.core.jobs import (
    AfterMode,
    Cancelled,
    Failed,
    Held,
    Job,
    JobSpec,
    Priority,
    Skipped,
    Status,
    Succeeded,
    Waiting,
)
from yolotui.core.preflight import Footing
from yolotui.errors import WrongUse
from yolotui.locations import run_dir_name
from yolotui.store import preflights
from yolotui.store.database import Transaction
from yolotui.store.queries import Queries
from yolotui.units import moment


class Submission(Struct, frozen=True, kw_only=True):
    """A job to be put into the queue. `digest` identifies its content in its file, to see later whether it changed.

    `footing` is what it rests on: what has changed until it starts is said.
    """

    spec: JobSpec
    priority: Priority = Priority.P2
    environment: dict[str, str] = {}
    hold: bool = False
    digest: str | None = None
    footing: Footing | None = None


class FileTaken(Struct, frozen=True, kw_only=True):
    """What taking a file came to. `jobs` are the ids of all its jobs in the file's order; `kept` says what was left."""

    jobs: tuple[int, ...]
    added: tuple[int, ...] = ()
    updated: tuple[int, ...] = ()
    rearmed: tuple[int, ...] = ()
    kept: tuple[tuple[int, str], ...] = ()


def insert(
    write: Transaction,
    submissions: Sequence[Submission],
    *,
    runs_root: str,
    file: str | None = None,
    round_: int = 1,
    siblings: dict[tuple[str, str], int] | None = None,
) -> list[int]:
    """Insert new jobs and what they hang on; returns their ids.

    `siblings` maps (group, name) of jobs of the same file to their ids, beside those that are inserted here. Raises
    WrongUse where `after` names nothing, or where jobs would wait for each other.
    """
    row = write.execute("SELECT seq FROM sqlite_sequence WHERE name = 'jobs'").fetchone()
    first_id = (row["seq"] if row else 0) + 1
    ids = list(range(first_id, first_id + len(submissions)))
    known = dict(siblings or {})
    known |= {(s.spec.group, s.spec.name): job_id for job_id, s in zip(ids, submissions, strict=True)}
    rows = []
    for job_id, submission in zip(ids, submissions, strict=True):
        spec = submission.spec
        status: Status = Held(write.now, "held at submit") if submission.hold else Waiting(write.now)
        rows.append(
            (
                job_id,
                write.actor.name,
                write.actor.uid,
                spec.name,
                spec.group,
                int(submission.priority),
                write.now,
                _json(spec),
                _json(status),
                str(Path(runs_root) / run_dir_name(job_id, spec.name)),
                remember_environment(write, submission.environment),
                file,
                submission.digest,
                round_,
                _deadline(spec, write.now),
                write.revision,
            )
        )
        write.audit("submit", job_id, name=spec.name, priority=f"P{int(submission.priority)}", file=file)
    columns = (
        "id, owner, owner_uid, name, group_name, priority, submitted_at, spec, status, run_dir, environment, file, "
        "file_digest, round, deadline_at, revision"
    )
    write.connection.executemany(f"INSERT INTO jobs ({columns}) VALUES ({', '.join('?' * 16)})", rows)  # noqa: S608
    for job_id, submission in zip(ids, submissions, strict=True):
        if submission.footing:
            preflights.put_footing(write, job_id, submission.footing)
        _link(write, job_id, submission.spec, known)
    _refuse_circles(write, ids)
    return ids


def take_file(
    write: Transaction,
    read: Queries,
    file: str,
    submissions: Sequence[Submission],
    *,
    runs_root: str,
    again: bool,
    rerun_changed: bool,
) -> FileTaken:
    """Take a file's jobs: what is new is added, what changed is brought up to date where its state allows."""
    newest = write.execute("SELECT max(round) AS newest FROM jobs WHERE file = ?", (file,)).fetchone()["newest"]
    round_ = (newest or 1) + (1 if again and newest else 0)
    rows = write.execute("SELECT id, file_digest FROM jobs WHERE file = ? AND round = ?", (file, round_)).fetchall()
    digests = {row["id"]: row["file_digest"] for row in rows}
    there = {(job.spec.group, job.spec.name): job for job in read.jobs(ids=list(digests))}

    fresh = [s for s in submissions if (s.spec.group, s.spec.name) not in there]
    siblings = {key: job.id for key, job in there.items()}
    added = insert(write, fresh, runs_root=runs_root, file=file, round_=round_, siblings=siblings) if fresh else []
    new_ids = {(s.spec.group, s.spec.name): job_id for s, job_id in zip(fresh, added, strict=True)}
    siblings |= new_ids

    updated, rearmed, kept = [], [], []
    for submission in submissions:
        job = there.get((submission.spec.group, submission.spec.name))
        if job is None or digests[job.id] == submission.digest:
            continue
        next_status = _status_when_changed(job, write.now, rerun_changed=rerun_changed)
        if isinstance(next_status, str):
            kept.append((job.id, next_status))
            continue
        replace_content(write, job.id, submission, next_status)
        _link(write, job.id, submission.spec, siblings)
        updated.append(job.id)
        write.audit("update", job.id, file=file, was=job.state)
        if job.ended:
            rearmed += rearm_skipped(write, job.id)
    _refuse_circles(write, updated)
    return FileTaken(
        jobs=tuple(siblings[s.spec.group, s.spec.name] for s in submissions),
        added=tuple(added),
        updated=tuple(updated),
        rearmed=tuple(dict.fromkeys(rearmed)),
        kept=tuple(kept),
    )


def _status_when_changed(job: Job, now: float, *, rerun_changed: bool) -> Status | str:
    """The state that a job takes when its content in the file has changed, or why it stays as it is."""
    match job.status:
        case Held():
            return job.status
        case Waiting() if job.attempts:
            return "has trained already and will continue as it was: a new round (`--again`) trains it as changed"
        case Waiting() | Failed() | Skipped():
            return Waiting(now)
        case Succeeded():
            return Waiting(now) if rerun_changed else "has succeeded as it was: `--rerun-changed` trains it again"
        case Cancelled():
            return "was cancelled: `yolotui retry` brings it back"
        case _:
            return f"is {job.state} as it was: a running job is never changed"


def replace_content(write: Transaction, job_id: int, submission: Submission, status: Status) -> None:
    """Give a job other content: spec, priority, environment, and a clean sheet of retries."""
    write.execute(
        "UPDATE jobs SET spec = ?, priority = ?, status = ?, failures = 0, environment = ?, file_digest = ?, "
        "deadline_at = ?, revision = ? WHERE id = ?",
        (
            _json(submission.spec),
            int(submission.priority),
            _json(status),
            remember_environment(write, submission.environment),
            submission.digest,
            _deadline(submission.spec, write.now),
            write.revision,
            job_id,
        ),
    )
    if submission.footing:
        preflights.put_footing(write, job_id, submission.footing)
    write.execute("DELETE FROM dependencies WHERE job = ?", (job_id,))


def rearm_skipped(write: Transaction, job_id: int) -> list[int]:
    """Let everything wait again that was skipped behind a job; returns the ids.

    Nothing is ever skipped because of a job whose end alone it waits for.
    """
    rows = write.execute(
        """
        WITH RECURSIVE behind (id) AS (
            SELECT job FROM dependencies JOIN jobs ON jobs.id = job
            WHERE needs = ? AND mode <> 'finished' AND state = 'skipped'
            UNION
            SELECT d.job FROM dependencies d JOIN behind ON d.needs = behind.id JOIN jobs ON jobs.id = d.job
            WHERE mode <> 'finished' AND state = 'skipped'
        ) SELECT id FROM behind ORDER BY id
        """,
        (job_id,),
    ).fetchall()
    ids = [row["id"] for row in rows]
    for each in ids:
        set_status(write, each, Waiting(write.now))
        write.audit("rearm", each, because=job_id)
    return ids


def set_status(write: Transaction, job_id: int, status: Status) -> None:
    """Write a job's new state."""
    write.execute("UPDATE jobs SET status = ?, revision = ? WHERE id = ?", (_json(status), write.revision, job_id))


def _link(write: Transaction, job_id: int, spec: JobSpec, siblings: dict[tuple[str, str], int]) -> None:
    modes: dict[int, AfterMode] = {}
    for name, mode in spec.needs:
        need = _resolve(write, name, spec, siblings)
        if need == job_id:
            raise WrongUse(f"{spec.name!r} can't come after itself.")
        if modes.setdefault(need, mode) != mode:
            raise WrongUse(f"{spec.name!r} comes after {name!r} in two ways, {modes[need]} and {mode}: one is enough.")
    write.connection.executemany(
        "INSERT INTO dependencies (job, needs, mode) VALUES (?, ?, ?)",
        [(job_id, need, mode) for need, mode in modes.items()],
    )


def _refuse_circles(write: Transaction, linked: Sequence[int]) -> None:
    """No job waits for itself over others, be they of this submission or of the queue. Raises WrongUse with the path.

    `linked` are the jobs whose links are new: every circle that was not there before leads through one of them.
    """
    rows = write.execute(
        """
        WITH RECURSIVE needed (id) AS (
            SELECT value FROM json_each(?) UNION SELECT needs FROM dependencies JOIN needed ON job = needed.id
        ) SELECT job, needs FROM dependencies JOIN needed ON job = needed.id
        """,
        (json.dumps(linked),),
    ).fetchall()
    sorter: TopologicalSorter[int] = TopologicalSorter()
    for row in rows:
        sorter.add(row["job"], row["needs"])
    try:
        sorter.prepare()
    except CycleError as error:
        ids = list(reversed(error.args[1]))  # graphlib goes from what is needed to what needs it
        found = write.execute(
            "SELECT id, name FROM jobs WHERE id IN (SELECT value FROM json_each(?))", (json.dumps(ids),)
        )
        names = {row["id"]: row["name"] for row in found}
        shown = " → ".join(f"{names[each]} (job {each})" for each in ids)
        raise WrongUse(f"These would wait for each other: {shown}.") from None


def _resolve(write: Transaction, name: str, spec: JobSpec, siblings: dict[tuple[str, str], int]) -> int:
    """The id behind a name in `after`: of the same submission and group, of the same submission, of the queue."""
    if (spec.group, name) in siblings:
        return siblings[spec.group, name]
    same_name = [job_id for (_, other), job_id in siblings.items() if other == name]
    if same_name:
        return same_name[-1]
    if name.isdecimal() and len(name) < 19:
        row = write.execute("SELECT id FROM jobs WHERE id = ?", (int(name),)).fetchone()
    else:
        row = write.execute("SELECT id FROM jobs WHERE name = ? ORDER BY id DESC LIMIT 1", (name,)).fetchone()
    if row is None:
        raise WrongUse(f"{spec.name!r} comes after {name!r}, but there is no such job.")
    found: int = row["id"]
    return found


def _deadline(spec: JobSpec, now: float) -> float | None:
    """When a job must be done that says "08:00": at the next such local time."""
    try:
        return None if spec.deadline is None else moment(spec.deadline, now)
    except ValueError as error:
        raise WrongUse(f"{spec.name!r} has no possible deadline: {error}.") from None


def remember_environment(write: Transaction, variables: dict[str, str]) -> str:
    """Keep a set of variables, once for all jobs that share it; returns what it is known by."""
    text = json.dumps(variables, sort_keys=True)
    digest = hashlib.sha256(text.encode()).hexdigest()
    write.execute("INSERT OR IGNORE INTO environments (digest, variables) VALUES (?, ?)", (digest, text))
    return digest


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()
