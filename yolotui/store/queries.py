"""What can be read from the queue. Every answer is a frozen value."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from yolotui.core.bookings import Booking
from yolotui.core.gpus import Gpu, Host
from yolotui.core.idling import Recorded
from yolotui.core.jobs import AfterMode, Attempt, Job, JobSpec, Owner, Priority, Process, Status
from yolotui.core.preflight import Preflight
from yolotui.core.timetable import Published
from yolotui.errors import NoSuchJob
from yolotui.store import bookings, forecasts, gpu_marks, idling, preflights, usage
from yolotui.store.database import UNFINISHED, Actor, Database
from yolotui.store.forecasts import ForecastRecord
from yolotui.store.gpu_marks import GpuMark
from yolotui.store.usage import Usage

_decode_spec = msgspec.json.Decoder(JobSpec).decode
_decode_status = msgspec.json.Decoder(Status).decode
_decode_attempt = msgspec.json.Decoder(Attempt).decode
_decode_published = msgspec.json.Decoder(Published).decode


class Lease(Struct, frozen=True):
    """A GPU given to an attempt."""

    gpu: str
    job: int
    attempt: int
    leased_at: float


class HeldGroup(Struct, frozen=True):
    """A group of which nothing starts until a person releases it."""

    name: str
    since: float
    reason: str


class Leader(Struct, frozen=True):
    """The process that last took the lead. Whether it still does, the lock says."""

    process: Process
    since: float


class AuditRow(Struct, frozen=True):
    """Who did what to which job, when and why."""

    id: int
    at: float
    actor: str
    uid: int
    verb: str
    job: int | None
    detail: dict[str, Any]
    reason: str


class Queries:
    """Readings of the queue through one connection."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def revision(self) -> int:
        """How many transactions have changed anything."""
        with self._database.snapshot() as connection:
            revision: int = connection.execute("SELECT revision FROM queue").fetchone()["revision"]
            return revision

    def jobs(
        self, *, since_revision: int = -1, unfinished: bool = False, ids: Sequence[int] | None = None
    ) -> list[Job]:
        """Jobs by id, whole, with their attempts: all, those changed since a revision, the unfinished, or some."""
        where = ["j.revision > ?"]
        parameters: list[Any] = [since_revision]
        if unfinished:
            where.append(UNFINISHED)
        if ids is not None:
            where.append("j.id IN (SELECT value FROM json_each(?))")
            parameters.append(json.dumps(list(ids)))
        chosen = " AND ".join(where)
        with self._database.snapshot() as connection:
            rows = connection.execute(f"SELECT * FROM jobs j WHERE {chosen} ORDER BY j.id", parameters).fetchall()  # noqa: S608 — built from constants
            if not rows:
                return []
            after: dict[int, dict[int, AfterMode]] = {}
            query = f"SELECT job, needs, mode FROM dependencies JOIN jobs j ON j.id = job WHERE {chosen} ORDER BY 1, 2"  # noqa: S608
            for job, needs, mode in connection.execute(query, parameters):
                after.setdefault(job, {})[needs] = mode
            attempts: dict[int, list[Attempt]] = {}
            query = f"SELECT job, record FROM attempts a JOIN jobs j ON j.id = a.job WHERE {chosen} ORDER BY 1, number"  # noqa: S608
            for job, record in connection.execute(query, parameters):
                attempts.setdefault(job, []).append(_decode_attempt(record))
            return [_job(row, after.get(row["id"], {}), attempts.get(row["id"], ())) for row in rows]

    def job(self, job_id: int) -> Job:
        """One job. Raises NoSuchJob."""
        if found := self.jobs(ids=[job_id]):
            return found[0]
        raise NoSuchJob(f"There is no job {job_id}. `yolotui list` shows all.")

    def states(self, ids: Iterable[int]) -> dict[int, tuple[str, str]]:
        """Name and state of jobs by id."""
        with self._database.snapshot() as connection:
            rows = connection.execute(
                "SELECT id, name, state FROM jobs WHERE id IN (SELECT value FROM json_each(?))",
                (json.dumps(list(ids)),),
            ).fetchall()
        return {row["id"]: (row["name"], row["state"]) for row in rows}

    def names(self) -> set[str]:
        """The names of all jobs that ever were in the queue."""
        with self._database.snapshot() as connection:
            return {row["name"] for row in connection.execute("SELECT DISTINCT name FROM jobs")}

    def counts(self) -> dict[str, int]:
        """How many jobs are in each state that occurs."""
        with self._database.snapshot() as connection:
            return dict(connection.execute("SELECT state, count(*) FROM jobs GROUP BY state").fetchall())

    def select(self, selector: str) -> list[int]:
        """The ids that a person means: an id, a range (`12-20`), a name, or `@group`. Raises NoSuchJob."""
        with self._database.snapshot() as connection:
            ids = [row["id"] for row in _selected(connection, selector)]
        if not ids:
            raise NoSuchJob(f"No job matches {selector!r}: give an id, a range (12-20), a name, or @group.")
        return ids

    def environment(self, job_id: int) -> dict[str, str]:
        """The variables that a job was submitted with."""
        with self._database.snapshot() as connection:
            row = connection.execute(
                "SELECT variables FROM environments JOIN jobs ON environment = digest WHERE jobs.id = ?", (job_id,)
            ).fetchone()
        variables: dict[str, str] = json.loads(row["variables"]) if row else {}
        return variables

    def dependents(self, job_id: int) -> list[int]:
        """The ids of the jobs that hang directly on this one."""
        with self._database.snapshot() as connection:
            rows = connection.execute("SELECT job FROM dependencies WHERE needs = ? ORDER BY job", (job_id,)).fetchall()
        return [row["job"] for row in rows]

    def ended_last(self, limit: int) -> list[Job]:
        """The `limit` ended jobs that changed last, by id."""
        with self._database.snapshot() as connection:
            rows = connection.execute(
                f"SELECT id FROM jobs WHERE NOT {UNFINISHED} ORDER BY revision DESC LIMIT ?",  # noqa: S608
                (limit,),
            ).fetchall()
        return self.jobs(ids=[row["id"] for row in rows])

    def latest_ends(self, group: str, count: int) -> list[Job]:
        """The jobs of a group that succeeded or failed last, newest first; none from before its last release."""
        with self._database.snapshot() as connection:
            rows = connection.execute(
                """
                SELECT id FROM jobs
                WHERE group_name = :group AND state IN ('succeeded', 'failed')
                  AND json_extract(status, '$.since') > coalesce(
                      (SELECT max(at) FROM audit
                       WHERE verb = 'release-group' AND json_extract(detail, '$.group') = :group), 0)
                ORDER BY json_extract(status, '$.since') DESC, id DESC LIMIT :count
                """,
                {"group": group, "count": count},
            ).fetchall()
        by_id = {job.id: job for job in self.jobs(ids=[row["id"] for row in rows])}
        return [by_id[row["id"]] for row in rows]

    def leases(self) -> list[Lease]:
        """Every GPU that is given to an attempt."""
        with self._database.snapshot() as connection:
            rows = connection.execute("SELECT gpu, job, attempt, leased_at FROM leases ORDER BY gpu").fetchall()
        return [Lease(*row) for row in rows]

    def held_groups(self) -> dict[str, HeldGroup]:
        """The groups of which nothing starts, by name."""
        with self._database.snapshot() as connection:
            rows = connection.execute("SELECT name, since, reason FROM held_groups").fetchall()
        return {row["name"]: HeldGroup(*row) for row in rows}

    def bookings(self, *, ids: Iterable[int] | None = None, over: bool = False) -> list[Booking]:
        """Bookings by the beginning of their window: those that are not over, with `over` all; or some."""
        with self._database.snapshot() as connection:
            return bookings.read(connection, ids=ids, over=over)

    def booking(self, booking_id: int) -> Booking:
        """One booking, over or not. Raises NoSuchBooking."""
        with self._database.snapshot() as connection:
            return bookings.read_one(connection, booking_id)

    def gpu_seconds(self, since: float, now: float) -> Usage:
        """What owners and groups have used from `since` to `now` (UTC seconds)."""
        with self._database.snapshot() as connection:
            return usage.gpu_seconds(connection, since, now)

    def published(self) -> Published | None:
        """What the leader last decided, if one ever led. The world's `previous` is the timetable beside it.

        Planned anew, that world keeps what was promised. None, too, where another version wrote what can't be read.
        """
        with self._database.snapshot() as connection:
            row = connection.execute("SELECT content FROM published").fetchone()
        try:
            published = _decode_published(row["content"]) if row else None
        except msgspec.DecodeError:
            return None
        return published and replace(published, world=replace(published.world, previous=published.timetable))

    def host(self) -> Host | None:
        """The machine as the leader last saw it: a part of what is published, without the rest, which may be large."""
        with self._database.snapshot() as connection:
            row = connection.execute("SELECT json_extract(content, '$.host') AS host FROM published").fetchone()
        return msgspec.json.decode(row["host"], type=Host) if row else None

    def cards(self) -> tuple[Gpu, ...]:
        """The GPUs as the leader last saw them, with what was said about them since; none before one has looked."""
        host = self.host()
        return gpu_marks.with_marks(host, self.gpu_marks()).gpus if host else ()

    def published_revision(self) -> int:
        """The revision of what is published: readers fetch it only when this has changed. 0: nothing yet."""
        with self._database.snapshot() as connection:
            row = connection.execute("SELECT revision FROM published").fetchone()
        return row["revision"] if row else 0

    def forecast_record(self, limit: int = 1000) -> list[ForecastRecord]:
        """What was foreseen of the newest `limit` starts and what came true, oldest start first."""
        with self._database.snapshot() as connection:
            return forecasts.read(connection, limit)

    def forecast_of(self, job_id: int, number: int) -> ForecastRecord | None:
        """What was foreseen of one attempt, and what came true of that by now."""
        with self._database.snapshot() as connection:
            return forecasts.read_one(connection, job_id, number)

    def idleness(self, since: float, until: float) -> list[Recorded]:
        """Why cards were idle from `since` to `until` (UTC seconds), as it was planned then, the oldest first."""
        with self._database.snapshot() as connection:
            return idling.read(connection, since, until)

    def preflights(self, ids: Iterable[int]) -> dict[int, Preflight]:
        """What the check before the start has found, by job; jobs that were not checked are missing."""
        with self._database.snapshot() as connection:
            return preflights.read(connection, ids)

    def checked(self) -> dict[int, tuple[str, Preflight]]:
        """The newest check of each job that has not ended, with what it asked for then."""
        with self._database.snapshot() as connection:
            return preflights.checked_by_job(connection)

    def gpu_marks(self) -> dict[str, GpuMark]:
        """What has been said about GPUs, by UUID: drained, quarantined, trusted again."""
        with self._database.snapshot() as connection:
            return gpu_marks.read(connection)

    def attempts_ended_since(self, at: float) -> list[tuple[int, Attempt]]:
        """The attempts of all jobs that ended after `at` (UTC seconds), with their job's id, the oldest end first."""
        with self._database.snapshot() as connection:
            rows = connection.execute(
                "SELECT job, record FROM attempts WHERE ended AND json_extract(record, '$.ended_at') > ? "
                "ORDER BY json_extract(record, '$.ended_at'), job",
                (at,),
            ).fetchall()
        return [(row["job"], _decode_attempt(row["record"])) for row in rows]

    def endings(self) -> dict[tuple[str, str], int]:
        """How many attempts have ever ended, by outcome and cause (empty where there is none)."""
        with self._database.snapshot() as connection:
            rows = connection.execute(
                "SELECT json_extract(record, '$.outcome') AS outcome, coalesce(json_extract(record, '$.cause'), '') "
                "AS cause, count(*) AS count FROM attempts WHERE ended GROUP BY 1, 2"
            ).fetchall()
        return {(row["outcome"], row["cause"]): row["count"] for row in rows}

    def leader(self) -> Leader | None:
        """Who last took the lead and did not lay it down."""
        with self._database.snapshot() as connection:
            row = connection.execute("SELECT pid, start_ticks, boot_id, since FROM leader").fetchone()
        return Leader(Process(row["pid"], row["start_ticks"], row["boot_id"]), row["since"]) if row else None

    def deeds(self, actor: Actor, verbs: Collection[str]) -> list[AuditRow]:
        """What somebody did of some verbs, newest first."""
        with self._database.snapshot() as connection:
            rows = connection.execute(
                "SELECT * FROM audit WHERE uid = ? AND actor = ? AND verb IN (SELECT value FROM json_each(?)) "
                "ORDER BY id DESC LIMIT 10000",
                (actor.uid, actor.name, json.dumps(sorted(verbs))),
            ).fetchall()
        return [_audit_row(row) for row in rows]

    def events(self, words: str = "", *, before_id: int | None = None, after_id: int = 0, limit: int) -> list[AuditRow]:
        """A page of the audit log, newest first: rows between two ids that have every word in who, what, job or why."""
        text = (
            "lower(actor || ' ' || verb || coalesce(' #' || job || ' ' || name, '') || ' ' || reason || ' ' || detail)"
        )
        needles = words.lower().split()
        where = " AND ".join([f"instr({text}, ?)"] * len(needles) + ["a.id > ?", "a.id < ?"])
        query = f"SELECT a.* FROM audit a LEFT JOIN jobs j ON j.id = job WHERE {where} ORDER BY a.id DESC LIMIT ?"  # noqa: S608 — built from constants
        newest = 2**63 - 1 if before_id is None else before_id
        with self._database.snapshot() as connection:
            return [_audit_row(row) for row in connection.execute(query, [*needles, after_id, newest, limit])]

    def audit_after(self, after_id: int, limit: int) -> list[AuditRow]:
        """The `limit` rows of the audit log that follow a row, the oldest first."""
        with self._database.snapshot() as connection:
            rows = connection.execute("SELECT * FROM audit WHERE id > ? ORDER BY id LIMIT ?", (after_id, limit))
            return [_audit_row(row) for row in rows]

    def audit_of(self, verbs: Collection[str], until: float) -> list[AuditRow]:
        """Every row of some verbs up to a moment (UTC seconds), the oldest first."""
        with self._database.snapshot() as connection:
            rows = connection.execute(
                "SELECT * FROM audit WHERE at <= ? AND verb IN (SELECT value FROM json_each(?)) ORDER BY id",
                (until, json.dumps(sorted(verbs))),
            )
            return [_audit_row(row) for row in rows]

    def owner_uids(self) -> set[int]:
        """The users whose jobs or bookings are, or were, in the queue."""
        with self._database.snapshot() as connection:
            rows = connection.execute("SELECT owner_uid FROM jobs UNION SELECT owner_uid FROM bookings").fetchall()
        return {row["owner_uid"] for row in rows}

    def audit(self, *, jobs: Sequence[int] | None = None, after_id: int = 0, limit: int = 1000) -> list[AuditRow]:
        """The newest `limit` rows of the audit log, oldest first: of all, or of some jobs."""
        where, parameters = "id > ?", [after_id]
        if jobs is not None:
            where += " AND job IN (SELECT value FROM json_each(?))"
            parameters.append(json.dumps(list(jobs)))  # type: ignore[arg-type]
        with self._database.snapshot() as connection:
            rows = connection.execute(
                f"SELECT * FROM audit WHERE {where} ORDER BY id DESC LIMIT ?",  # noqa: S608 — built from constants
                [*parameters, limit],
            ).fetchall()
        return [_audit_row(row) for row in reversed(rows)]


def _audit_row(row: sqlite3.Row) -> AuditRow:
    return AuditRow(**{**dict(row), "detail": json.loads(row["detail"])})


def _job(row: sqlite3.Row, after: Mapping[int, AfterMode], attempts: Iterable[Attempt]) -> Job:
    return Job(
        id=row["id"],
        spec=_decode_spec(row["spec"]),
        priority=Priority(row["priority"]),
        owner=Owner(row["owner"], row["owner_uid"]),
        submitted_at=row["submitted_at"],
        status=_decode_status(row["status"]),
        run_dir=row["run_dir"],
        after=tuple(after),
        after_modes={need: mode for need, mode in after.items() if mode != "all"},
        failures=row["failures"],
        attempts=tuple(attempts),
        file=row["file"],
        round=row["round"],
        deadline_at=row["deadline_at"],
        revision=row["revision"],
    )


def _selected(connection: sqlite3.Connection, selector: str) -> list[sqlite3.Row]:
    if selector.startswith("@"):
        return connection.execute("SELECT id FROM jobs WHERE group_name = ? ORDER BY id", (selector[1:],)).fetchall()
    first, dash, last = selector.partition("-")
    if selector.isdecimal():
        return connection.execute("SELECT id FROM jobs WHERE id = ?", (_integer(selector),)).fetchall()
    if dash and first.isdecimal() and last.isdecimal():
        query = "SELECT id FROM jobs WHERE id BETWEEN ? AND ? ORDER BY id"
        return connection.execute(query, (_integer(first), _integer(last))).fetchall()
    # A name may have been used before: the newest job of that name is meant.
    return connection.execute("SELECT id FROM jobs WHERE name = ? ORDER BY id DESC LIMIT 1", (selector,)).fetchall()


def _integer(digits: str) -> int:
    """A number that SQLite can hold; no id is that large."""
    return min(int(digits), 2**63 - 1) if len(digits) < 20 else 2**63 - 1
