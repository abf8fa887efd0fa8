"""Filling a new queue with rows that were saved from a damaged one, so that each of them is whole and possible."""

from __future__ import annotations

import json
import os
import sqlite3
from collections import defaultdict
from collections.abc import Iterable

import msgspec
from msgspec import Struct

from yolotui.core.jobs import ACTIVE, Attempt, Held, Job, Outcome, Unknown, Waiting, state_of
from yolotui.environment import submitted_environment
from yolotui.locations import Home
from yolotui.store.database import Actor, Database, Transaction
from yolotui.store.queries import Queries
from yolotui.store.salvage import SEQUENCES, TABLES, Row
from yolotui.store.standing import ranges
from yolotui.store.submitting import remember_environment, set_status

MOST_TOLD = 100_000
LOST_LINK = "rebuilt after damage: what it comes after is not known any more"
LOST_SIGHT = "rebuilt after damage: the scheduler will look at what runs"
LOST_ATTEMPT = "rebuilt after damage: what it had reached is not known any more"


class FoundRun(Struct, frozen=True):
    """A job as its run directory tells it: its variables, and its attempts from the first on."""

    job: Job
    environment: dict[str, str]


def rebuild(home: Home, rows: dict[str, list[Row]], runs: Iterable[FoundRun], actor: Actor) -> list[str]:
    """Make the queue of `home` anew from saved rows and found runs; returns sentences about what is not as it was."""
    database = Database(home, wakes_leader=False)
    try:
        read = Queries(database)
        with database.write(actor) as write:
            told = _put_environments(write, rows)
            _put_rows(write, rows)
            told += _put_runs(write, runs)
            told += _mend(write, read)
            told += _what_is_lost(write, rows)
            write.audit("repair", None, told=told)
        return told
    finally:
        database.close()


def _put_environments(write: Transaction, rows: dict[str, list[Row]]) -> list[str]:
    """Where the variables of jobs were lost, those of whoever repairs stand in for them."""
    here = json.dumps(submitted_environment(os.environ), sort_keys=True)
    known = {row["digest"] for row in rows["environments"]}
    lost = {row["environment"] for row in rows["jobs"]} - known
    for digest in lost:
        write.execute("INSERT INTO environments (digest, variables) VALUES (?, ?)", (digest, here))
    ids = [row["id"] for row in rows["jobs"] if row["environment"] in lost]
    return [f"the environment variables of {told_ids(ids)} were lost: they will run with yours"] if ids else []


def _put_rows(write: Transaction, rows: dict[str, list[Row]]) -> None:
    for table in TABLES:
        writable = _writable_columns(write, table)
        for row in rows[table]:
            columns = [each for each in row if each in writable]
            marks = ", ".join("?" * len(columns))
            # A row that refers to one that was lost, or that the schema refuses, is lost with it.
            try:
                write.execute(
                    f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks})",  # noqa: S608 - names of the schema
                    [row[each] for each in columns],
                )
            except sqlite3.IntegrityError:
                continue
    newest = write.execute("SELECT max(revision) AS newest FROM jobs").fetchone()["newest"] or 0
    write.execute("UPDATE queue SET revision = max(revision, ?)", (newest + 1,))
    for row in rows[SEQUENCES]:
        write.execute("UPDATE sqlite_sequence SET seq = max(seq, ?) WHERE name = ?", (row["seq"], row["name"]))


def _writable_columns(write: Transaction, table: str) -> set[str]:
    return {row["name"] for row in write.execute(f"PRAGMA table_xinfo({table})") if row["hidden"] == 0}


def _put_runs(write: Transaction, runs: Iterable[FoundRun]) -> list[str]:
    """Jobs whose row was lost, and attempts that a row doesn't know of."""
    told = []
    known = {row["id"] for row in write.execute("SELECT id FROM jobs")}
    for run in runs:
        if run.job.id not in known:
            told.append(f"job {run.job.id} ({run.job.name}) was rebuilt from its run directory: {run.job.state}")
            _insert(write, run)
            known.add(run.job.id)
        have = {row["number"] for row in write.execute("SELECT number FROM attempts WHERE job = ?", (run.job.id,))}
        for attempt in run.job.attempts:
            if attempt.number not in have:
                _put_attempt(write, run.job.id, attempt)
    return told


def _insert(write: Transaction, run: FoundRun) -> None:
    job = run.job
    values = {
        "id": job.id,
        "owner": job.owner.name,
        "owner_uid": job.owner.uid,
        "name": job.name,
        "group_name": job.spec.group,
        "priority": int(job.priority),
        "submitted_at": job.submitted_at,
        "spec": msgspec.json.encode(job.spec).decode(),
        "status": msgspec.json.encode(job.status).decode(),
        "run_dir": job.run_dir,
        "environment": remember_environment(write, run.environment),
        "revision": write.revision,
    }
    write.execute(
        f"INSERT INTO jobs ({', '.join(values)}) VALUES ({', '.join('?' * len(values))})",  # noqa: S608
        list(values.values()),
    )


def _put_attempt(write: Transaction, job_id: int, attempt: Attempt) -> None:
    write.execute(
        "INSERT INTO attempts (job, number, record) VALUES (?, ?, ?)",
        (job_id, attempt.number, msgspec.json.encode(attempt).decode()),
    )


def _mend(write: Transaction, read: Queries) -> list[str]:
    """Make each job a possible one: attempts without gaps, a live one where the state says so, all of its links."""
    told = []
    numbers: defaultdict[int, set[int]] = defaultdict(set)
    for row in write.execute("SELECT job, number FROM attempts").fetchall():
        numbers[row["job"]].add(row["number"])
    for job_id, have in numbers.items():
        for missing in set(range(1, max(have))) - have:
            lost = Attempt(number=missing, uuid="", outcome=Outcome.INTERRUPTED, explanation="Its record was lost.")
            _put_attempt(write, job_id, lost)
    for job in read.jobs():
        impossible = _what_is_possible(write, job)
        status = impossible or job.status
        if impossible:
            set_status(write, job.id, impossible)
            told.append(
                f"job {job.id} ({job.name}) was {job.state} and is {state_of(impossible)} now, {impossible.reason}"
            )
        if isinstance(status, ACTIVE):
            told += _lease(write, job)
    return told


def _lease(write: Transaction, job: Job) -> list[str]:
    """Lease what the job's attempt holds; of two that claim a card alone, the first has it."""
    attempt, told = job.attempts[-1], []
    for gpu in attempt.gpus:
        try:
            write.execute(
                "INSERT INTO leases (gpu, job, attempt, leased_at, promised_bytes) VALUES (?, ?, ?, ?, ?)",
                (gpu, job.id, attempt.number, write.now, attempt.promised_bytes),
            )
        except sqlite3.IntegrityError:
            told.append(f"job {job.id} ({job.name}) claims {gpu}, which another job has: look at both")
    return told


def _what_is_possible(write: Transaction, job: Job) -> Held | Unknown | None:
    """The state for a job whose own one does not go with what else is left of it."""
    last = job.attempts[-1] if job.attempts else None
    living = last.number if last and last.outcome is None else None
    if isinstance(job.status, ACTIVE):
        return None if living == job.status.attempt else Held(write.now, LOST_ATTEMPT)
    if living:
        return Unknown(write.now, living, LOST_SIGHT)
    if isinstance(job.status, Waiting) and len(job.after) < len(dict(job.spec.needs)):
        return Held(write.now, LOST_LINK)
    return None


def _what_is_lost(write: Transaction, rows: dict[str, list[Row]]) -> list[str]:
    """The ids that were given and of which nothing is left, as far as the newest one is known."""
    given = [row["seq"] for row in rows[SEQUENCES] if row["name"] == "jobs"]
    there = {row["id"] for row in write.execute("SELECT id FROM jobs")}
    newest = min(max([0, *given]), max([0, *there]) + MOST_TOLD)
    lost = [number for number in range(1, newest + 1) if number not in there]
    return [f"nothing is left of {told_ids(lost)}: they had not started"] if lost else []


def told_ids(ids: list[int]) -> str:
    """`job 3`, `jobs 3-7, 12`."""
    return f"job{'s' if len(ids) > 1 else ''} {', '.join(ranges(ids))}"
