"""What the leader writes down: starts, ends, progress, and the timetable that it decided on."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec

from yolotui.core.idling import Recorded
from yolotui.core.jobs import (
    Attempt,
    Held,
    Job,
    Notice,
    Pausing,
    Process,
    Progress,
    Request,
    Running,
    Starting,
    Status,
    Stopping,
    Unknown,
    Waiting,
    state_of,
)
from yolotui.core.preflight import with_drift
from yolotui.core.timetable import Estimate, Forecast, Published
from yolotui.store import forecasts, gpu_marks, idling, preflights
from yolotui.store.booking_ledger import BookingLedger
from yolotui.store.database import Actor, Database, Transaction
from yolotui.store.gpu_marks import GpuMark, GpuState, MarkCause
from yolotui.store.limits import NO_LIMITS, StartLimits, keep_from_starting
from yolotui.store.queries import Queries
from yolotui.store.submitting import set_status


class Ledger(BookingLedger):
    """The leader's writes. Each looks again, under the write lock, at what it is about to change."""

    def __init__(self, database: Database, read: Queries) -> None:
        self._database = database
        self._read = read

    def take_the_lead(self, process: Process) -> None:
        """Write down who leads, and since when nobody did. The lock decides; this is for people."""
        with self._database.write(Actor.scheduler()) as write:
            killed = write.execute("SELECT at FROM published WHERE EXISTS (SELECT 1 FROM leader)").fetchone()
            write.execute(
                "INSERT OR REPLACE INTO leader (one, pid, start_ticks, boot_id, since) VALUES (1, ?, ?, ?, ?)",
                (process.pid, process.start_ticks, process.boot_id, write.now),
            )
            write.audit("lead", None, pid=process.pid, **({"alone_since": killed["at"]} if killed else {}))

    def lay_down_the_lead(self, process: Process, why: str) -> None:
        """Write down that this process leads no more; another may have taken the lead already."""
        with self._database.write(Actor.scheduler()) as write:
            write.execute("DELETE FROM leader WHERE (pid, start_ticks) = (?, ?)", (process.pid, process.start_ticks))
            write.audit("leave", None, why=why)

    def begin_attempt(
        self,
        job_id: int,
        attempt: Attempt,
        *,
        planned_revision: int | None = None,
        told: Sequence[str] = (),
        foreseen: tuple[Forecast, Estimate] | None = None,
        limits: StartLimits = NO_LIMITS,
    ) -> bool:
        """Commit to a start: the job is starting, its GPUs are leased.

        False if it no longer waits, was changed since `planned_revision`, if its group or one of its GPUs was taken
        out of use or booked meanwhile, or if `limits` forbid it by now: what a person was told is done counts for this
        start already. `told` are sentences about how it begins: from which checkpoint, what was passed over. `foreseen`
        is kept, to be compared with what comes.

        The database refuses a GPU that is leased already (sqlite3.IntegrityError): a plan that asks for it is wrong.
        """
        with self._database.write(Actor.scheduler()) as write:
            job = self._read.job(job_id)
            if not isinstance(job.status, Waiting) or planned_revision not in {None, job.revision}:
                return False
            if keep_from_starting(write, job, attempt, limits, foreseen[1] if foreseen else None):
                return False
            self._put_attempt(write, job_id, attempt)
            self._lease(write, job_id, attempt)
            if foreseen:
                forecasts.begin(write, job_id, attempt.number, *foreseen)
            set_status(write, job_id, Starting(write.now, attempt.number))
            write.audit("start", job_id, attempt=attempt.number, gpus=attempt.gpus, how=list(told))
            return True

    def attempt_runs(self, job_id: int, number: int, process: Process | None) -> None:
        """The attempt's process is known: the job runs, unless a person has asked for something else meanwhile."""
        with self._database.write(Actor.scheduler()) as write:
            job = self._read.job(job_id)
            attempt = job.attempts[number - 1]
            attempt = msgspec.structs.replace(attempt, process=process, started_at=attempt.started_at or write.now)
            self._put_attempt(write, job_id, attempt)
            status = job.status
            if isinstance(status, Starting | Unknown):
                status = Running(write.now, number)
                write.audit("run", job_id, attempt=number, pid=process.pid if process else None)
            set_status(write, job_id, status)

    def attempt_out_of_sight(self, job_id: int, number: int, reason: str) -> None:
        """Nothing proves the attempt alive or dead: it is unknown, and keeps its lease."""
        with self._database.write(Actor.scheduler()) as write:
            job = self._read.job(job_id)
            if isinstance(job.status, Stopping) or job.ended:
                return
            set_status(write, job_id, Unknown(write.now, number, reason))
            write.audit("lose-sight", job_id, attempt=number, why=reason)

    def attempt_ended(self, job_id: int, attempt: Attempt, next_status: Callable[[Job], tuple[Status, int]]) -> Status:
        """Write down how an attempt ended and give its GPUs back; returns the job's new state.

        `next_status` is asked under the write lock, with the job as it is then and the attempt as it ended, for the
        state and the count of failures that follow.
        """
        assert attempt.outcome is not None
        with self._database.write(Actor.scheduler()) as write:
            job = self._read.job(job_id)
            if job.attempts[attempt.number - 1].outcome is not None:
                return job.status  # somebody has written its end already
            attempts = [attempt if each.number == attempt.number else each for each in job.attempts]
            status, failures = next_status(msgspec.structs.replace(job, attempts=tuple(attempts)))
            self._put_attempt(write, job_id, attempt)
            write.execute("DELETE FROM leases WHERE job = ? AND attempt = ?", (job_id, attempt.number))
            forecasts.end(write, job_id, attempt)
            write.execute("UPDATE jobs SET failures = ? WHERE id = ?", (failures, job_id))
            set_status(write, job_id, status)
            write.audit(
                "end",
                job_id,
                attempt=attempt.number,
                outcome=attempt.outcome.value,
                cause=attempt.cause,
                why=attempt.explanation,
                then=state_of(status),
            )
            return status

    def request_passed_on(self, job_id: int, request: Request) -> None:
        """The trainer has been told what a person asked for; what was asked since then stays to be told."""
        with self._database.write(Actor.scheduler()) as write:
            job = self._read.job(job_id)
            if isinstance(job.status, Running) and job.status.request is request:
                set_status(write, job_id, msgspec.structs.replace(job.status, request=None))

    def give_notice(self, job_id: int, notice: Notice) -> bool:
        """Tell a running job that it will have to make room; False if it runs no more."""
        with self._database.write(Actor.scheduler()) as write:
            job = self._read.job(job_id)
            if not isinstance(job.status, Running):
                return False
            set_status(write, job_id, msgspec.structs.replace(job.status, notice=notice))
            write.audit("notice", job_id, **_told(notice), due_at=notice.due_at)
            return True

    def withdraw_notice(self, job_id: int) -> bool:
        """Tell a running job that it need not make room after all; False if there is nothing to take back."""
        with self._database.write(Actor.scheduler()) as write:
            job = self._read.job(job_id)
            if not isinstance(job.status, Running) or job.status.notice is None:
                return False
            set_status(write, job_id, msgspec.structs.replace(job.status, notice=None))
            write.audit("withdraw-notice", job_id, why="the room is not needed any more", was=job.status.notice.why)
            return True

    def evict(self, job_id: int, notice: Notice) -> bool:
        """Ask a running job to make room now; False if it runs no more."""
        with self._database.write(Actor.scheduler()) as write:
            job = self._read.job(job_id)
            if not isinstance(job.status, Running):
                return False
            set_status(write, job_id, Pausing(write.now, job.status.attempt, notice))
            write.audit("evict", job_id, attempt=job.status.attempt, **_told(notice))
            return True

    def tell(self, verb: str, job_id: int | None, /, **detail: object) -> None:
        """Write down what people should know and what changes nothing."""
        with self._database.write(Actor.scheduler()) as write:
            write.audit(verb, job_id, **detail)

    def settle(self, job_id: int, expected: type, status: Status, verb: str, why: str) -> bool:
        """Take a job from a state to another, if it is still there: skip one, end one that a person gave up."""
        with self._database.write(Actor.scheduler()) as write:
            job = self._read.job(job_id)
            if not isinstance(job.status, expected):
                return False
            if isinstance(status, Starting | Running):
                raise ValueError("a start is not settled but begun")
            set_status(write, job_id, status)
            write.execute("DELETE FROM leases WHERE job = ?", (job_id,))
            write.audit(verb, job_id, why=why)
            return True

    def record_preflights(self, found: Sequence[preflights.Found]) -> set[int]:
        """Keep what checks have found, and audit what is new of it; returns the jobs that are held for it.

        A job is not held for errors that were known before: with them somebody has released it.
        """
        with self._database.write(Actor.scheduler()) as write:
            return {each.job_id for each in found if self._record_preflight(write, each)}

    def _record_preflight(self, write: Transaction, found: preflights.Found) -> bool:
        job = self._read.job(found.job_id)
        before = preflights.earlier(write.connection, job.id, found.asked)
        footing = preflights.footing(write, job.id, found.asked, found.preflight.basis)
        preflight = with_drift(found.preflight, footing)
        preflights.put(write, job.id, found.asked, preflight)
        remarks = preflight.errors + preflight.warnings
        if remarks and (before is None or remarks != before.errors + before.warnings):
            write.audit("preflight", job.id, verdict=preflight.verdict, why=[remark.text for remark in remarks])
        known = before.errors if before else ()
        is_held = found.holds and preflight.errors not in ((), known) and isinstance(job.status, Waiting)
        if is_held:
            rules = sorted({remark.rule for remark in preflight.errors})
            write.audit("hold", job.id, was=job.state, why=preflight.why_held, rules=rules)
            set_status(write, job.id, Held(write.now, preflight.why_held))
        return is_held

    def record_progress(self, reached: Sequence[tuple[int, int, Progress]]) -> None:
        """Keep what attempts have reached, and audit what is newly found in them: (job, attempt number, progress)."""
        with self._database.write(Actor.scheduler()) as write:
            for job_id, number, progress in reached:
                attempts = self._read.job(job_id).attempts[:number]
                self._put_attempt(write, job_id, msgspec.structs.replace(attempts[-1], progress=progress))
                write.execute("UPDATE jobs SET revision = ? WHERE id = ?", (write.revision, job_id))
                known = {finding.rule for each in attempts[-2:] for finding in each.progress.health}
                for finding in progress.health:
                    if finding.rule not in known:
                        told = {"rule": finding.rule, "severity": finding.severity.value, "epoch": finding.epoch}
                        write.audit("health", job_id, attempt=number, **told, why=finding.text)

    def quarantine(self, uuid: str, cause: MarkCause, reason: str, *, ecc_errors: int = 0) -> None:
        """Take a sick GPU out of use until a person brings it back. One that a person drained stays as it is."""
        with self._database.write(Actor.scheduler()) as write:
            before = gpu_marks.read(write.connection).get(uuid)
            if before and before.keeps_out(write.now):
                return
            gpu_marks.put(
                write,
                GpuMark(
                    uuid=uuid,
                    state=GpuState.QUARANTINED,
                    since=write.now,
                    reason=reason,
                    by=write.actor.name,
                    cause=cause,
                    ecc_errors=ecc_errors,
                ),
            )
            write.audit("quarantine", None, gpu=uuid, why=reason)

    def end_quarantine(self, uuid: str, why: str) -> None:
        """Let a GPU be used again that turned out not to be the reason."""
        with self._database.write(Actor.scheduler()) as write:
            gpu_marks.remove(write, uuid)
            write.audit("end-quarantine", None, gpu=uuid, why=why)

    def note_ecc_errors(self, mark: GpuMark, count: int) -> None:
        """The driver counts a GPU's errors anew: what was known of them is now this many."""
        with self._database.write(Actor.scheduler()) as write:
            if gpu_marks.read(write.connection).get(mark.uuid) == mark:
                gpu_marks.put(write, msgspec.structs.replace(mark, ecc_errors=count))

    def record_idleness(self, records: Sequence[Recorded]) -> None:
        """Keep why cards are idle."""
        with self._database.write(Actor.scheduler()) as write:
            idling.put(write, records)

    def publish(self, published: Published) -> int:
        """Replace what is published; returns the queue's revision under which it stands."""
        with self._database.write(Actor.scheduler()) as write:
            content = msgspec.json.encode(msgspec.structs.replace(published, revision=write.revision)).decode()
            write.execute(
                "INSERT OR REPLACE INTO published (one, revision, at, content) VALUES (1, ?, ?, ?)",
                (write.revision, published.at, content),
            )
            return write.revision

    def _put_attempt(self, write: Transaction, job_id: int, attempt: Attempt) -> None:
        write.execute(
            "INSERT INTO attempts (job, number, record) VALUES (?, ?, ?) "
            "ON CONFLICT (job, number) DO UPDATE SET record = excluded.record",
            (job_id, attempt.number, msgspec.json.encode(attempt).decode()),
        )

    def _lease(self, write: Transaction, job_id: int, attempt: Attempt) -> None:
        write.connection.executemany(
            "INSERT INTO leases (gpu, job, attempt, leased_at, promised_bytes) VALUES (?, ?, ?, ?, ?)",
            [(gpu, job_id, attempt.number, write.now, attempt.promised_bytes) for gpu in attempt.gpus],
        )


def _told(notice: Notice) -> dict[str, object]:
    """What the audit log keeps of a notice: why, for whom, and what it is expected to cost."""
    return {
        "why": notice.why,
        "for_job": notice.for_job,
        "for_booking": notice.for_booking,
        "minutes_lost": round(notice.loses_s / 60, 1),
    }
