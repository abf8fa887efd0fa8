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
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from types import TracebackType
from typing import TypeVar

from msgspec.structs import replace

from yolotui.config import Config
from yolotui.core.jobs import Argument, Job, JobSpec, Priority, Request
from yolotui.core.plan import Mode, Policy
from yolotui.core.timetable import Estimate, Published
from yolotui.core.whatif import Difference, demand_of, difference, expected, need_of, too_much, with_job, with_priority
from yolotui.environment import submitted_environment
from yolotui.errors import NotPossible, WrongFile, WrongUse
from yolotui.gpu_selector import SELECTOR, read_selector
from yolotui.leadership import ensure_leader, is_led, runs_inside_a_job, watching
from yolotui.locations import Home
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
    Store,
    Submission,
    Undone,
    What,
)

Result = TypeVar("Result")


class Queue:
    """An open queue. Use it from one thread. With `readonly` every verb is refused."""

    def __init__(
        self,
        home: str | Path | None = None,
        *,
        readonly: bool = False,
        start_scheduler: bool = True,
        warn: Callable[[str], None] = warnings.warn,
    ) -> None:
        """Open the queue in `home` (default: `$YOLOTUI_HOME` or the user data directory), making it if need be.

        `warn` is told in a sentence where a verb was done but no scheduler could be started for it.
        """
        self.home = Home(Path(home).absolute()) if home else Home.current()
        self.config = Config.load(self.home)
        runs = self.config.paths.runs
        self._store = Store(self.home, runs_root=str(Path(runs).expanduser()) if runs else None)
        self.readonly = readonly
        self._start_scheduler = start_scheduler
        self._warn = warn

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

    def gpu_marks(self) -> dict[str, GpuMark]:
        """Which GPUs were drained or quarantined, by UUID, and why."""
        return self._store.read.gpu_marks()

    def leader(self) -> Leader | None:
        """The scheduler that leads right now, if one does."""
        return self._store.read.leader() if is_led(self.home) else None

    def held_groups(self) -> dict[str, HeldGroup]:
        """The groups of which nothing starts."""
        return self._store.read.held_groups()

    def dependents(self, job_id: int) -> list[int]:
        """The ids of the jobs that hang directly on this one."""
        return self._store.read.dependents(job_id)

    def audit(self, *, jobs: Sequence[int] | None = None, after_id: int = 0, limit: int = 1000) -> list[AuditRow]:
        """Who did what, when and why: the newest rows, oldest first."""
        return self._store.read.audit(jobs=jobs, after_id=after_id, limit=limit)

    def refuse_damage(self) -> None:
        """Raise QueueDamaged where the file is damaged. Reads all of it."""
        self._store.refuse_damage()

    # Verbs

    def add(self, *specs: JobSpec, priority: Priority = Priority.P2, hold: bool = False, reason: str = "") -> list[int]:
        """Submit jobs, all or none; returns their ids. Relative paths are meant from the working directory.

        Raises WrongUse for what does not exist, is misspelt, or can never run on this machine.
        """
        from yolotui.jobfile import checked

        specs = tuple(checked(spec, folder=Path.cwd(), weights_dir=self.home.weights) for spec in specs)
        if refused := [said for spec in specs if (said := self._too_much(spec))]:
            raise WrongUse("\n".join(refused))
        environment = submitted_environment(os.environ)
        submissions = [Submission(spec=s, priority=priority, environment=environment, hold=hold) for s in specs]
        return self._do(reason, lambda actor: self._store.verbs.submit(submissions, actor))

    def add_file(
        self, path: str | Path, *, again: bool = False, rerun_changed: bool = False, reason: str = ""
    ) -> FileTaken:
        """Take a file of jobs, whole or not at all. Taking it again adds nothing twice. Raises WrongFile."""
        from yolotui.jobfile import read as read_jobfile

        file = Path(path).absolute()
        jobs = read_jobfile(file, weights_dir=self.home.weights, existing=self.names()).jobs
        if refused := [f"{file}:{job.line}: {said}" for job in jobs if (said := self._too_much(job.spec))]:
            raise WrongFile(refused)
        environment = submitted_environment(os.environ)
        submissions = [
            Submission(spec=j.spec, priority=j.priority, environment=environment, hold=j.hold, digest=j.digest)
            for j in jobs
        ]

        def take(actor: Actor) -> FileTaken:
            return self._store.verbs.take_file(
                str(file.resolve()), submissions, actor, again=again, rerun_changed=rerun_changed
            )

        return self._do(reason, take)

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

    def undo(self, *, reason: str = "") -> Undone:
        """Take back what this person did last: a priority, a hold, a release, a cancel. Raises NotPossible."""
        return self._do(reason, self._store.verbs.undo)

    # What is left on the disk

    def left_over(self, what: What, *, ended_before: float, ids: Sequence[int] | None = None) -> list[Rest]:
        """What ended jobs, all or some, have left on the disk, and why some of it must stay."""
        return self._store.survey(what, ended_before=ended_before, ids=ids)

    def collect(self, jobs: Sequence[int], what: What, *, reason: str = "") -> int:
        """Remove run directories of ended jobs, or checkpoints in them, that no job needs; returns the bytes freed."""
        return self._do(reason, lambda actor: self._store.collect(jobs, what, actor))

    # What if

    def what_if_priority(self, jobs: Sequence[int], priority: Priority) -> Difference:
        """What putting jobs into another class would move. Raises NotPossible where no timetable knows them."""
        published = self._timetabled()
        known = {demand.job_id for demand in published.world.demands}
        for job in self.jobs(ids=[job_id for job_id in jobs if job_id not in known]):
            state = f"has {job.state}" if job.ended else "has not been looked at by a scheduler yet"
            raise NotPossible(f"job {job.id} ({job.name}) {state}: nothing can be foreseen for it.")
        return difference(published, with_priority(published.world, jobs, priority), self._policy, time.time())

    def what_if_added(self, spec: JobSpec, priority: Priority = Priority.P2) -> Difference:
        """What one more job would move; in there it is `NEW_JOB`. Raises as `add` does, and without a timetable."""
        published = self._timetabled()
        if refused := self._too_much(spec):
            raise WrongUse(refused)
        needs = [need_of(self.job(self.select(name)[0]), mode) for name, mode in spec.needs]
        now = time.time()
        demand = demand_of(spec, priority, self.expected(spec), needs, now)
        if held := self.held_groups().get(spec.group):
            demand = replace(demand, blocked=f"Its group {spec.group} is held ({held.reason}).")
        return difference(published, with_job(published.world, demand), self._policy, now)

    def expected(self, spec: JobSpec) -> Estimate:
        """How long a job that is not in the queue yet would take, and where that is known from."""
        return expected(spec, self.jobs())

    @property
    def _policy(self) -> Policy:
        return Policy(mode=Mode(self.config.scheduling.mode), too_hot_c=self.config.gpus.too_hot_c)

    def _timetabled(self) -> Published:
        published = self.published()
        if published is None:
            raise NotPossible(
                "No scheduler has made a timetable yet, and a dry run needs one: `yolotui scheduler start` starts one; "
                "then ask again."
            )
        return published

    def _too_much(self, spec: JobSpec) -> str:
        """Why the machine, as a scheduler last saw it, can never run a job; empty if it can, or if nobody looked."""
        host = self._store.read.host() if spec.gpus else None
        if host is None or host.trouble or not host.gpus or not (never := too_much(spec, host.gpus)):
            return ""
        seen = "" if is_led(self.home) else " If that has changed: `yolotui scheduler start` looks again."
        return f"{spec.name!r} could never start. {never}{seen}"

    def drain(self, gpus: Sequence[str | int], *, reason: str = "") -> None:
        """Start nothing more on GPUs (indices, UUIDs or beginnings of UUIDs); what runs on them goes on to its end."""
        uuids = [self._gpu(name) for name in gpus]
        self._do(reason, lambda actor: self._store.verbs.drain(uuids, actor))

    def undrain(self, gpus: Sequence[str | int], *, reason: str = "") -> None:
        """Use drained or quarantined GPUs again."""
        uuids = [self._gpu(name) for name in gpus]
        self._do(reason, lambda actor: self._store.verbs.undrain(uuids, actor))

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

    def close(self) -> None:
        """Close the queue; nothing that runs is touched."""
        self._store.close()

    def __enter__(self) -> Queue:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def _gpu(self, name: str | int) -> str:
        """The UUID of the GPU that a person means. Raises WrongUse."""
        published = self.published()
        gpus = published.host.gpus if published else ()
        if named := [gpu.uuid for gpu in gpus if str(name) in {str(gpu.index), gpu.uuid}]:
            return named[0]
        begun = [gpu.uuid for gpu in gpus if len(str(name)) > 3 and gpu.uuid.lower().startswith(str(name).lower())]
        if len(begun) == 1:
            return begun[0]
        known = ", ".join(f"{gpu.index} ({gpu.uuid})" for gpu in gpus) or "none: no scheduler has looked yet"
        raise WrongUse(f"{name!r} names {'several GPUs' if begun else 'no GPU'} of this machine; it has {known}.")

    def _do(self, reason: str, verb: Callable[[Actor], Result]) -> Result:
        if self.readonly:
            raise NotPossible("This is a read-only view: nothing can be changed from here.")
        result = verb(Actor.current(reason))
        if self._start_scheduler and not is_led(self.home) and not runs_inside_a_job():
            self._start_a_scheduler()
        return result

    def _start_a_scheduler(self) -> None:
        """Start one, unless it is plain that it would refuse the GPUs that it is told to use."""
        try:
            read_selector(os.environ.get(SELECTOR))
        except WrongUse as error:
            self._warn(f"{error} No scheduler was started, and nothing will run before one is.")
        else:
            ensure_leader(self.home)
