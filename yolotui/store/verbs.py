"""What people do to the queue. Each verb is one transaction with its audit rows, durable before it returns.

A verb over several jobs is done to all or to none. What a state does not allow is NotPossible, with what to do instead.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import msgspec

from yolotui.core.jobs import (
    Argument,
    Cancelled,
    Failed,
    Held,
    Job,
    Kind,
    Paused,
    Pausing,
    Priority,
    Request,
    Running,
    Skipped,
    Starting,
    Status,
    Stopping,
    Unknown,
    Waiting,
)
from yolotui.errors import NotPossible, WrongUse
from yolotui.store import gpu_marks
from yolotui.store.database import Actor, Database, Transaction
from yolotui.store.gpu_marks import GpuMark, GpuState, MarkCause
from yolotui.store.queries import Queries
from yolotui.store.reserving import BookingVerbs
from yolotui.store.retrying import Retried, with_what_keeps_them
from yolotui.store.rights import refuse_stranger, refuse_who_may_not_change_host
from yolotui.store.submitting import FileTaken, Submission, insert, rearm_skipped, set_status, take_file
from yolotui.store.undoing import Undone, undo


class Verbs(BookingVerbs):
    """The verbs, through one connection."""

    def __init__(self, database: Database, read: Queries, *, runs_root: str, smallest_booking_s: float = 0.0) -> None:
        self._database = database
        self._read = read
        self._runs_root = runs_root
        self.smallest_booking_s = smallest_booking_s

    def submit(self, submissions: Sequence[Submission], actor: Actor) -> list[int]:
        """Put new jobs into the queue, all or none; returns their ids in order."""
        with self._database.write(actor) as write:
            return insert(write, submissions, runs_root=self._runs_root)

    def take_file(
        self,
        file: str,
        submissions: Sequence[Submission],
        actor: Actor,
        *,
        again: bool = False,
        rerun_changed: bool = False,
    ) -> FileTaken:
        """Take a file of jobs, whole. Taking it a second time adds nothing twice."""
        with self._database.write(actor) as write:
            return take_file(
                write,
                self._read,
                file,
                submissions,
                runs_root=self._runs_root,
                again=again,
                rerun_changed=rerun_changed,
            )

    def edit(
        self, job_id: int, changes: Mapping[str, Argument], actor: Actor, *, asks: Mapping[str, object] | None = None
    ) -> None:
        """Change arguments of a job that has not started; a value of None takes the argument away.

        `asks` are other fields of its spec: what it asks of its GPUs.
        """
        asked = dict(asks or {})

        def change(write: Transaction, job: Job) -> Status:
            if not isinstance(job.status, Waiting | Held) or job.attempts:
                raise NotPossible(
                    f"{_name(job)} is {job.state} and can't be changed: only a job that has not started can. "
                    "Cancel or kill it, and `yolotui add` it as it should be."
                )
            arguments = {**job.spec.arguments, **changes}
            arguments = {key: value for key, value in arguments.items() if value is not None}
            spec = msgspec.structs.replace(job.spec, arguments=arguments, **asked)
            self.refuse_beyond_booking(job.id, spec.gpus)
            write.execute("UPDATE jobs SET spec = ? WHERE id = ?", (msgspec.json.encode(spec).decode(), job.id))
            before = {key: job.spec.arguments.get(key) for key in changes}
            before |= {key: getattr(job.spec, key) for key in asked}
            write.audit("edit", job.id, before=before, after={**changes, **asked})
            return job.status

        self._change([job_id], actor, change)

    def set_priority(self, job_ids: Sequence[int], priority: Priority, actor: Actor) -> None:
        """Put jobs into another class; those that are in it stay as they are, and nothing is on record of them."""

        def change(write: Transaction, job: Job) -> Status:
            if job.ended:
                raise NotPossible(f"{_name(job)} has {job.state}: its priority no longer matters.")
            if job.priority is priority:
                return job.status
            write.execute("UPDATE jobs SET priority = ? WHERE id = ?", (int(priority), job.id))
            write.audit("priority", job.id, before=job.priority.name, after=priority.name)
            return job.status

        self._change(job_ids, actor, change)

    def set_deadline(self, job_ids: Sequence[int], at: float | None, actor: Actor) -> None:
        """Say when jobs must be done (UTC seconds); None: whenever."""

        def change(write: Transaction, job: Job) -> Status:
            if job.ended:
                raise NotPossible(f"{_name(job)} has {job.state}: a deadline no longer matters.")
            if at is not None and at <= write.now:
                raise WrongUse("That moment has passed: a deadline lies ahead.")
            write.execute("UPDATE jobs SET deadline_at = ? WHERE id = ?", (at, job.id))
            write.audit("deadline", job.id, before=job.deadline_at, after=at)
            return job.status

        self._change(job_ids, actor, change)

    def hold(self, job_ids: Sequence[int], actor: Actor) -> None:
        """Keep waiting jobs from starting until they are released."""
        self._move(
            job_ids, actor, "hold", (Waiting,), lambda now, _: Held(now, actor.reason or f"held by {actor.name}"),
            instead={Running: "`yolotui pause` stops a running one at its next epoch"},
        )  # fmt: skip

    def release(self, job_ids: Sequence[int], actor: Actor) -> None:
        """Let held jobs wait for their turn again."""
        self._move(
            job_ids, actor, "release", (Held,), lambda now, _: Waiting(now),
            instead={Paused: "`yolotui resume` continues a paused one"},
        )  # fmt: skip

    def pause(self, job_ids: Sequence[int], actor: Actor) -> None:
        """Stop running trainings at the end of their epoch, at a checkpoint; their GPUs are given to others."""

        def change(write: Transaction, job: Job) -> Status:
            makes_room = isinstance(job.status, Pausing) and job.status.notice is not None
            if not (makes_room or isinstance(job.status, Running | Starting)):
                raise _not_possible("pause", job, {Waiting: "`yolotui hold` keeps a waiting one from starting"})
            if job.spec.kind is not Kind.TRAIN:
                raise NotPossible(
                    f"{_name(job)} runs {job.spec.kind.value}: only a training has checkpoints to pause at."
                )
            assert isinstance(job.status, Running | Starting | Pausing)
            write.audit("pause", job.id)
            return Pausing(write.now, job.status.attempt)

        self._change(job_ids, actor, change)

    def resume(self, job_ids: Sequence[int], actor: Actor) -> None:
        """Let paused trainings continue from their checkpoint when their turn comes."""
        self._move(
            job_ids, actor, "resume", (Paused,), lambda now, _: Waiting(now),
            instead={
                Held: "`yolotui release` lets a held one go",
                Failed: "`yolotui retry` tries a failed one again",
                Pausing: "it stops at the end of its epoch, and can be resumed from then on",
            },
        )  # fmt: skip

    def request(self, job_ids: Sequence[int], request: Request, actor: Actor) -> None:
        """Ask running trainings for a checkpoint now, or to finish now with what they have."""

        def change(write: Transaction, job: Job) -> Status:
            if not isinstance(job.status, Running):
                raise _not_possible(request.value, job, {})
            if job.spec.kind is not Kind.TRAIN:
                raise NotPossible(f"{_name(job)} runs {job.spec.kind.value}: only a training can {request.value}.")
            write.audit(request.value, job.id)
            return msgspec.structs.replace(job.status, request=request)

        self._change(job_ids, actor, change)

    def kill(self, job_ids: Sequence[int], actor: Actor) -> None:
        """End running jobs: TERM, a wait, then KILL over the whole tree. They end cancelled."""

        def change(write: Transaction, job: Job) -> Status:
            if not isinstance(job.status, Starting | Running | Pausing | Unknown):
                cancel = "`yolotui cancel` takes it out of the queue"
                instead: dict[type, str] = {Waiting: cancel, Held: cancel, Paused: cancel}
                raise _not_possible("kill", job, instead)
            write.audit("kill", job.id, was=job.state, epochs=job.progress.epochs_done)
            return Stopping(write.now, job.status.attempt, actor.name)

        self._change(job_ids, actor, change)

    def cancel(self, job_ids: Sequence[int], actor: Actor) -> None:
        """Take jobs out of the queue that are not running."""
        running = "`yolotui kill` ends a running one"
        self._move(
            job_ids, actor, "cancel", (Waiting, Held, Paused), lambda now, _: Cancelled(now, actor.name),
            instead={Running: running, Starting: running, Pausing: running, Unknown: running},
        )  # fmt: skip

    def retry(self, job_ids: Sequence[int], actor: Actor) -> Retried:
        """Try ended jobs again from their newest checkpoint, with those that keep them from running.

        What was skipped behind them is armed again. Raises NotPossible where a job could not run even so.
        """
        rearmed: list[int] = []
        for_whom: dict[int, int] = {}

        def change(write: Transaction, job: Job) -> Status:
            if not isinstance(job.status, Failed | Cancelled | Skipped):
                raise _not_possible("retry", job, {Paused: "`yolotui resume` continues a paused one"})
            write.execute("UPDATE jobs SET failures = 0 WHERE id = ?", (job.id,))
            because = {"because": for_whom[job.id]} if for_whom[job.id] != job.id else {}
            write.audit("retry", job.id, was=job.state, **because)
            rearmed.extend(rearm_skipped(write, job.id))
            return Waiting(write.now)

        with self._database.write(actor) as write:
            for_whom.update(with_what_keeps_them(self._read, job_ids))
            self._change_in(write, sorted(for_whom), change)
        return Retried(sorted(for_whom), sorted(set(rearmed) - for_whom.keys()))

    def hold_group(self, name: str, actor: Actor, *, why: str = "") -> None:
        """Keep everything in a group that waits, and what will be added to it, from starting."""
        with self._database.write(actor) as write:
            self._refuse_unknown_group(write, name)
            reason = why or actor.reason or f"held by {actor.name}"
            write.execute(
                "INSERT INTO held_groups (name, since, reason) VALUES (?, ?, ?) ON CONFLICT (name) DO NOTHING",
                (name, write.now, reason),
            )
            write.audit("hold-group", None, group=name, why=reason)

    def release_group(self, name: str, actor: Actor) -> None:
        """Let a group start again, with the jobs in it that were held one by one."""
        with self._database.write(actor) as write:
            self._refuse_unknown_group(write, name)
            was = self._read.held_groups().get(name)
            write.execute("DELETE FROM held_groups WHERE name = ?", (name,))
            write.audit("release-group", None, group=name, held=msgspec.to_builtins(was))
            query = "SELECT id, status FROM jobs WHERE group_name = ? AND state = 'held'"
            for job_id, status in write.execute(query, (name,)).fetchall():
                set_status(write, job_id, Waiting(write.now))
                write.audit("release", job_id, was="held", status=msgspec.json.decode(status))

    def undo(self, actor: Actor, *, older: bool = False) -> Undone:
        """Take back what the actor did last, or with `older` the last that can be, if all is still as it was left."""
        with self._database.write(actor) as write:
            return undo(write, self._read, older=older)

    def drain(self, uuids: Sequence[str], actor: Actor, *, at: float | None = None) -> None:
        """Start nothing more on these GPUs; what runs on them goes on to its end.

        With `at` (UTC seconds): nothing that would not have ended by then. Said again, another moment counts.
        """
        with self._database.write(actor) as write:
            refuse_who_may_not_change_host(actor)
            if at is not None and at <= write.now:
                raise WrongUse("That moment has passed: `yolotui drain` without --at drains at once.")
            marks = gpu_marks.read(write.connection)
            for uuid in dict.fromkeys(uuids):
                before = marks.get(uuid)
                if before and before.state is GpuState.DRAINED and before.closes_at == at:
                    raise NotPossible(f"{uuid} is drained already, by {before.by}: `yolotui undrain` brings it back.")
                _mark_gpu(write, uuid, GpuState.DRAINED, before, closes_at=at)
                write.audit("drain", None, gpu=uuid, was=before.state if before else None, closes_at=at)

    def undrain(self, uuids: Sequence[str], actor: Actor) -> None:
        """Use these GPUs again, drained or quarantined; what was held against them until now no longer counts."""
        with self._database.write(actor) as write:
            refuse_who_may_not_change_host(actor)
            marks = gpu_marks.read(write.connection)
            for uuid in dict.fromkeys(uuids):
                before = marks.get(uuid)
                if before is None or before.state is GpuState.TRUSTED:
                    raise NotPossible(f"{uuid} is neither drained nor quarantined: there is nothing to bring back.")
                _mark_gpu(write, uuid, GpuState.TRUSTED, before)
                write.audit("undrain", None, gpu=uuid, was=before.state)

    def _refuse_unknown_group(self, write: Transaction, name: str) -> None:
        if write.execute("SELECT 1 FROM jobs WHERE group_name = ? LIMIT 1", (name,)).fetchone() is None:
            raise WrongUse(f"There is no group {name!r}: a group comes to be with its first job.")

    def _change(self, job_ids: Sequence[int], actor: Actor, change: Callable[[Transaction, Job], Status]) -> None:
        """Apply `change` to each job in one transaction; it audits, and returns the job's new state."""
        with self._database.write(actor) as write:
            self._change_in(write, job_ids, change)

    def _change_in(
        self, write: Transaction, job_ids: Sequence[int], change: Callable[[Transaction, Job], Status]
    ) -> None:
        jobs = {job.id: job for job in self._read.jobs(ids=job_ids)}
        for job_id in dict.fromkeys(job_ids):
            job = jobs.get(job_id) or self._read.job(job_id)
            refuse_stranger(write.actor, job.owner, _name(job))
            set_status(write, job_id, change(write, job))

    def _move(
        self,
        job_ids: Sequence[int],
        actor: Actor,
        verb: str,
        allowed: tuple[type, ...],
        to: Callable[[float, Job], Status],
        *,
        instead: Mapping[type, str],
    ) -> None:
        """A verb that does nothing but take jobs from some states to another."""

        def change(write: Transaction, job: Job) -> Status:
            if not isinstance(job.status, allowed):
                raise _not_possible(verb, job, instead)
            write.audit(verb, job.id, was=job.state, status=msgspec.to_builtins(job.status))
            return to(write.now, job)

        self._change(job_ids, actor, change)


def _mark_gpu(
    write: Transaction, uuid: str, state: GpuState, before: GpuMark | None, *, closes_at: float | None = None
) -> None:
    gpu_marks.put(
        write,
        GpuMark(
            uuid=uuid,
            state=state,
            since=write.now,
            reason=write.actor.reason,
            by=write.actor.name,
            cause=MarkCause.PERSON,
            ecc_errors=before.ecc_errors if before else 0,
            closes_at=closes_at,
        ),
    )


def _name(job: Job) -> str:
    return f"job {job.id} ({job.name})"


def _not_possible(verb: str, job: Job, instead: Mapping[type, str]) -> NotPossible:
    advice = instead.get(type(job.status))
    return NotPossible(f"{_name(job)} is {job.state}: can't {verb} it{f'; {advice}' if advice else ''}.")
