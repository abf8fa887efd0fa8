"""The queue as a Python class: the verbs and readings that the dashboard, the command line and scripts share.

    from yolotui import Queue

    with Queue() as queue:
        (job,) = queue.add(JobSpec(name="night", kind=Kind.TRAIN, model="yolo11n.yaml", data="/data/shapes.yaml"))
        queue.set_priority([job], Priority.P1, reason="customer waits")

Every verb is durable when it returns, is written to the audit log with who and why, and sees to it that a scheduler
runs.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec.structs import replace

from yolotui.core.jobs import Argument, Job, JobSpec, Priority, Request
from yolotui.core.preflight import Preflight
from yolotui.core.timetable import Published
from yolotui.environment import submitted_environment
from yolotui.errors import WrongFile, WrongUse
from yolotui.foresight import Foresight
from yolotui.leadership import ensure_leader, is_led, watching
from yolotui.sharing import Sharing
from yolotui.store import (
    Actor,
    AuditRow,
    FileTaken,
    ForecastRecord,
    GpuMark,
    HeldGroup,
    Leader,
    Rest,
    Retried,
    Submission,
    Undone,
    What,
)

if TYPE_CHECKING:
    from yolotui.probe.samples import GpuSample


class Queue(Foresight, Sharing):
    """An open queue. Use it from one thread. With `readonly` every verb is refused."""

    # Readings

    def jobs(
        self, *, since_revision: int = -1, unfinished: bool = False, ids: Sequence[int] | None = None
    ) -> list[Job]:
        """All jobs by id; or those changed since a revision, the unfinished, or some."""
        return self._store.read.jobs(since_revision=since_revision, unfinished=unfinished, ids=ids)

    def job(self, job_id: int) -> Job:
        """One job. Raises NoSuchJob."""
        return self._store.read.job(job_id)

    def names(self) -> set[str]:
        """The names of all jobs, ended ones too."""
        return self._store.read.names()

    def select(self, *selectors: str) -> list[int]:
        """The ids that ids, ranges, names and @groups mean, in order, each once. Raises NoSuchJob."""
        return list(dict.fromkeys(job_id for each in selectors for job_id in self._store.read.select(each)))

    def revision(self) -> int:
        """Counts every change of the queue."""
        return self._store.read.revision()

    def data_version(self) -> int:
        """Changes when another process has committed: cheaper than `revision`, and good for nothing else."""
        return self._store.data_version()

    def published(self) -> Published | None:
        """What the leader last decided, and when: the timetable, the GPUs."""
        return self._store.read.published()

    def published_revision(self) -> int:
        """Changes when `published` would answer otherwise."""
        return self._store.read.published_revision()

    def forecast_record(self) -> list[ForecastRecord]:
        """What was foreseen of the newest starts when their jobs were first planned, and what came true."""
        return self._store.read.forecast_record()

    def preflights(self, jobs: Sequence[int]) -> dict[int, Preflight]:
        """What the check before the start of trainings has found, by job."""
        return self._store.read.preflights(jobs)

    def gpu_marks(self) -> dict[str, GpuMark]:
        """Which GPUs were drained or quarantined, by UUID, and why."""
        return self._store.read.gpu_marks()

    def leader(self) -> Leader | None:
        """The scheduler that leads right now, if one does."""
        return self._store.read.leader() if is_led(self.home) else None

    def held_groups(self) -> dict[str, HeldGroup]:
        """The groups of which nothing starts."""
        return self._store.read.held_groups()

    def counts(self) -> dict[str, int]:
        """How many jobs are in each state that occurs."""
        return self._store.read.counts()

    def dependents(self, job_id: int) -> list[int]:
        """The ids of the jobs that hang directly on this one."""
        return self._store.read.dependents(job_id)

    def audit(self, *, jobs: Sequence[int] | None = None, after_id: int = 0, limit: int = 1000) -> list[AuditRow]:
        """Who did what, when and why: the newest rows, oldest first."""
        return self._store.read.audit(jobs=jobs, after_id=after_id, limit=limit)

    def refuse_damage(self) -> None:
        """Raise QueueDamaged where the file is damaged. Reads all of it."""
        self._store.refuse_damage()

    def events(
        self, words: str = "", *, before_id: int | None = None, after_id: int = 0, limit: int = 200
    ) -> list[AuditRow]:
        """A page of the same, newest first, older than `before_id`: rows that have every word somewhere."""
        return self._store.read.events(words, before_id=before_id, after_id=after_id, limit=limit)

    def gpu_samples(self, gpu: str, since_at: float) -> list[GpuSample]:
        """A card's readings from `since_at` (UTC seconds) on, oldest first; none that are older than a week."""
        from yolotui.probe.samples import Samples

        return Samples(self.home.samples).read(gpu, since_at)

    # Verbs

    def add(self, *specs: JobSpec, priority: Priority = Priority.P2, hold: bool = False, reason: str = "") -> list[int]:
        """Submit jobs, all or none; returns their ids. Relative paths are meant from the working directory.

        Raises WrongUse for what does not exist, is misspelt, or can never run on this machine.
        """
        from yolotui.jobfile import checked
        from yolotui.preflight.basis import Footings

        specs = tuple(checked(spec, folder=Path.cwd(), weights_dir=self.home.weights) for spec in specs)
        if refused := [said for spec in specs if (said := self._too_much(spec))]:
            raise WrongUse("\n".join(refused))
        footings = Footings()
        submissions = [
            Submission(
                spec=spec,
                priority=priority,
                environment=_environment(spec),
                hold=hold,
                footing=footings.of(spec, spec.cwd),
            )
            for spec in specs
        ]
        return self._do(reason, lambda actor: self._store.verbs.submit(submissions, actor))

    def add_file(
        self, path: str | Path, *, again: bool = False, rerun_changed: bool = False, reason: str = ""
    ) -> FileTaken:
        """Take a file of jobs, whole or not at all. Taking it again adds nothing twice. Raises WrongFile."""
        from yolotui.jobfile import read as read_jobfile
        from yolotui.preflight.basis import Footings

        file = Path(path).absolute()
        jobs = read_jobfile(file, weights_dir=self.home.weights, existing=self.names()).jobs
        if refused := [f"{file}:{job.line}: {said}" for job in jobs if (said := self._too_much(job.spec))]:
            raise WrongFile(refused)
        footings = Footings()
        submissions = [
            Submission(
                spec=job.spec,
                priority=job.priority,
                environment=_environment(job.spec),
                hold=job.hold,
                digest=job.digest,
                footing=footings.of(job.spec, str(file.resolve().parent)),
            )
            for job in jobs
        ]

        def take(actor: Actor) -> FileTaken:
            return self._store.verbs.take_file(
                str(file.resolve()), submissions, actor, again=again, rerun_changed=rerun_changed
            )

        return self._do(reason, take)

    def changed_since(self, job_id: int) -> list[str]:
        """What is not as it was when a job ran, and can't be restored by running it once more: sentences."""
        from yolotui.repeating import not_as_it_was

        return not_as_it_was(self.job(job_id))

    def repeat(self, job_id: int, changes: Mapping[str, Argument], *, reason: str = "") -> int:
        """Submit a job once more, with other arguments (None takes one away) and its own variables; returns the new id.

        What it came after lies behind it; what earlier jobs handed on is named by its path.
        """
        from yolotui.jobfile import checked
        from yolotui.preflight.basis import Footings
        from yolotui.repeating import as_it_was

        job = self.job(job_id)
        spec = as_it_was(job)
        arguments = {key: value for key, value in {**spec.arguments, **changes}.items() if value is not None}
        spec = replace(spec, arguments=arguments, cwd=spec.cwd or job.project)
        spec = checked(spec, folder=Path.cwd(), weights_dir=self.home.weights)
        if refused := self._too_much(spec):
            raise WrongUse(refused)
        submission = Submission(
            spec=spec,
            priority=job.priority,
            environment=self._store.read.environment(job_id),
            footing=Footings().of_run(job, spec),
        )
        return self._do(reason, lambda actor: self._store.verbs.submit([submission], actor))[0]

    def edit(
        self,
        job_id: int,
        changes: Mapping[str, Argument],
        *,
        asks: Mapping[str, object] | None = None,
        reason: str = "",
    ) -> None:
        """Change arguments of a job that waits; `asks` are other fields of its spec (gpus, gpu_model, avoid…)."""
        if asks and (refused := self._too_much(replace(self.job(job_id).spec, **asks))):
            raise WrongUse(refused)
        self._do(reason, lambda actor: self._store.verbs.edit(job_id, changes, actor, asks=asks or {}))

    def set_priority(self, jobs: Sequence[int], priority: Priority, *, reason: str = "") -> None:
        """Put jobs into another class."""
        self._do(reason, lambda actor: self._store.verbs.set_priority(jobs, priority, actor))

    def hold(self, jobs: Sequence[int], *, reason: str = "") -> None:
        """Keep waiting jobs from starting."""
        self._do(reason, lambda actor: self._store.verbs.hold(jobs, actor))

    def release(self, jobs: Sequence[int], *, reason: str = "") -> None:
        """Let held jobs wait for their turn."""
        self._do(reason, lambda actor: self._store.verbs.release(jobs, actor))

    def hold_group(self, group: str, *, reason: str = "") -> None:
        """Keep a whole group from starting."""
        self._do(reason, lambda actor: self._store.verbs.hold_group(group, actor))

    def release_group(self, group: str, *, reason: str = "") -> None:
        """Let a group start again."""
        self._do(reason, lambda actor: self._store.verbs.release_group(group, actor))

    def pause(self, jobs: Sequence[int], *, reason: str = "") -> None:
        """Stop trainings at the end of their epoch, at a checkpoint."""
        self._do(reason, lambda actor: self._store.verbs.pause(jobs, actor))

    def resume(self, jobs: Sequence[int], *, reason: str = "") -> None:
        """Let paused trainings continue."""
        self._do(reason, lambda actor: self._store.verbs.resume(jobs, actor))

    def checkpoint(self, jobs: Sequence[int], *, reason: str = "") -> None:
        """Have running trainings write a checkpoint now."""
        self._do(reason, lambda actor: self._store.verbs.request(jobs, Request.CHECKPOINT, actor))

    def finish(self, jobs: Sequence[int], *, reason: str = "") -> None:
        """Have running trainings end now with what they have: final validation, best weights, succeeded."""
        self._do(reason, lambda actor: self._store.verbs.request(jobs, Request.FINISH, actor))

    def kill(self, jobs: Sequence[int], *, reason: str = "") -> None:
        """End running jobs: TERM, a wait, KILL over the whole tree."""
        self._do(reason, lambda actor: self._store.verbs.kill(jobs, actor))

    def cancel(self, jobs: Sequence[int], *, reason: str = "") -> None:
        """Take waiting jobs out of the queue."""
        self._do(reason, lambda actor: self._store.verbs.cancel(jobs, actor))

    def retry(self, jobs: Sequence[int], *, reason: str = "") -> Retried:
        """Try ended jobs again, with those that keep them from running; what was skipped behind waits again, too.

        Raises NotPossible where a job could not run even so.
        """
        return self._do(reason, lambda actor: self._store.verbs.retry(jobs, actor))

    def undo(self, *, older: bool = False, reason: str = "") -> Undone:
        """Take back what this person did last: a priority, a hold, a cancel, a booking… Raises NotPossible.

        With `older` acts that can't be taken back (adding, killing, …) are passed over.
        """
        return self._do(reason, lambda actor: self._store.verbs.undo(actor, older=older))

    # What is left on the disk

    def left_over(self, what: What, *, ended_before: float, ids: Sequence[int] | None = None) -> list[Rest]:
        """What ended jobs, all or some, have left on the disk, and why some of it must stay."""
        return self._store.survey(what, ended_before=ended_before, ids=ids)

    def collect(self, jobs: Sequence[int], what: What, *, reason: str = "") -> int:
        """Remove run directories of ended jobs, or checkpoints in them, that no job needs; returns the bytes freed."""
        return self._do(reason, lambda actor: self._store.collect(jobs, what, actor))

    # The scheduler

    def ensure_leader(self) -> bool:
        """Start a detached scheduler if nobody leads; True if one was started."""
        return ensure_leader(self.home)

    def replace_lost_leader(self) -> bool:
        """Start a scheduler if the one that led was killed; True if so. One that was stopped stays stopped."""
        may = self._start_scheduler and not self.readonly
        was_lost = may and not is_led(self.home) and self._store.read.leader() is not None
        return was_lost and ensure_leader(self.home)

    def watching(self) -> AbstractContextManager[None]:
        """Keep the leader from leaving while somebody looks."""
        return watching(self.home)


def _environment(spec: JobSpec) -> dict[str, str]:
    """The variables that go with a job."""
    return submitted_environment(os.environ, spec.keep_env)
