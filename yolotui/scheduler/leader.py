"""The leader: observes, reaps, plans, acts, publishes, waits; and leaves when nothing is left to do.

Each step reads as what it does. What it decides is committed before it is done, so that a leader killed at any point
leaves a queue from which the next one goes on.
"""

from __future__ import annotations

import logging
import os
import time
import uuid
from collections import ChainMap
from typing import Any, NamedTuple

import msgspec

from yolotui.core.failures import backoff_s
from yolotui.core.gpus import Free, Host
from yolotui.core.jobs import (
    ACTIVE,
    Attempt,
    Cancelled,
    Failed,
    Job,
    Kind,
    Outcome,
    Pausing,
    Running,
    Skipped,
    Starting,
    Status,
    Stopping,
    Unknown,
    Waiting,
)
from yolotui.core.plan import Policy, plan
from yolotui.core.timetable import Entry, Published, Timetable, World
from yolotui.errors import QueueUnusable
from yolotui.leadership import Lock
from yolotui.locations import Home
from yolotui.scheduler.executor import Alive, Ended, Executor, NeverStarted, NotYet, Order, OutOfSight
from yolotui.scheduler.judging import judge, what_follows
from yolotui.scheduler.local import attempt_directory
from yolotui.scheduler.preparing import prepare
from yolotui.scheduler.progress import ProgressWatch
from yolotui.scheduler.wakeups import Wakeups
from yolotui.scheduler.watch import HostWatch
from yolotui.scheduler.worldview import Rhythms, make_world
from yolotui.store import Actor, HeldGroup, Store

TICK_S = 1.0
PUBLISH_EVERY_S = 2.0
PLAN_EVERY_S = 5.0
CHECKPOINT_EVERY_S = 10.0
# How long something that was told to end may take: a training with several ranks needs its time; a command rarely does.
KILL_TRAINING_AFTER_S = 30.0
KILL_COMMAND_AFTER_S = 10.0
LINGER_S = 2.0
QUICK_FAILURE_S = 60.0
QUICK_FAILURES = 3
STILLBORN_LIMIT = 8
UNRECORDED_S = 5.0  # a trainer whose identity a full disk kept from being written down runs all the same

log = logging.getLogger("yolotui.scheduler")


class _Planned(NamedTuple):
    """The last decision, and what it was made from."""

    at: float
    revision: int
    host: Host
    world: World
    timetable: Timetable


class Leader:
    """Leads one queue until told to leave or, if asked to, until nothing is left to do."""

    def __init__(
        self, home: Home, store: Store, executor: Executor, host: HostWatch, wakeups: Wakeups, *, until_idle: bool
    ) -> None:
        self._home = home
        self._store = store
        self._executor = executor
        self._host = host
        self._wakeups = wakeups
        self._until_idle = until_idle
        self._policy = Policy()
        self._jobs: dict[int, Job] = {}  # every job that has not ended
        self._needs: dict[int, Job] = {}  # ended jobs that unfinished ones hang on
        self._groups: dict[str, HeldGroup] = {}
        self._revision = -1
        self._rhythms = Rhythms()
        self._progress = ProgressWatch()
        self._watched: set[tuple[int, int]] = set()
        self._planned: _Planned | None = None
        self._shape: Any = None
        self._published_at = 0.0
        self._checkpointed_at = 0.0
        self._looked_at = 0.0
        self._idle_since: float | None = None

    def run(self) -> str:
        """Lead; returns why it left."""
        for job in self._store.read.jobs():
            self._rhythms.learn(job)
        while True:
            if self._wakeups.asked_to_leave:
                return "asked to leave"
            try:
                self.step()
                if self._until_idle and self._is_idle():
                    return "nothing is left to do"
                self._wakeups.wait(self._patience_s())
            except QueueUnusable as trouble:
                # The trainings don't need the queue; whatever ails it, the next look may find it mended.
                log.warning("%s", trouble)
                self._revision = -1
                self._wakeups.wait(TICK_S)

    def step(self) -> None:
        """One round."""
        now = time.time()
        self._observe()
        self._reap(now)
        self._pass_on_requests(now)
        self._follow_progress(now)
        self._plan_and_act(now)
        self._publish(now)
        if now - self._checkpointed_at > CHECKPOINT_EVERY_S:
            self._store.checkpoint()
            self._checkpointed_at = now

    # Observe

    def _observe(self) -> None:
        """Bring the picture of the queue up to date: only what changed is read."""
        revision = self._store.read.revision()
        if revision == self._revision:
            return
        if self._revision < 0:
            changed = self._store.read.jobs(unfinished=True)
            self._jobs.clear()
        else:
            changed = self._store.read.jobs(since_revision=self._revision)
        for job in changed:
            self._take_note(job)
        missing = {need for job in self._jobs.values() for need in job.after} - self._jobs.keys() - self._needs.keys()
        for job in self._store.read.jobs(ids=sorted(missing)) if missing else ():
            self._needs[job.id] = job
        self._groups = self._store.read.held_groups()
        self._revision = revision

    def _take_note(self, job: Job) -> None:
        if job.ended:
            self._jobs.pop(job.id, None)
            self._needs[job.id] = job
            self._rhythms.learn(job)
        else:
            self._jobs[job.id] = job
            self._needs.pop(job.id, None)

    def _active(self) -> list[Job]:
        return [job for job in self._jobs.values() if isinstance(job.status, ACTIVE)]

    # Reap

    def _reap(self, now: float) -> None:
        """Look at every attempt that has not ended: adopt it, note that it runs, or bury it."""
        for job in self._active():
            attempt = job.attempts[-1]
            match self._executor.look(job, attempt):
                case NotYet():
                    continue
                case Alive(process=process):
                    is_known = process is not None or now - job.status.since > UNRECORDED_S
                    if is_known and (isinstance(job.status, Starting | Unknown) or process != attempt.process):
                        self._store.ledger.attempt_runs(job.id, attempt.number, process)
                case NeverStarted(error=error):
                    self._start_over(job, attempt, error, now)
                case Ended() as ended:
                    self._bury(job, attempt, ended, now)
                case OutOfSight(reason=reason):
                    if isinstance(job.status, Stopping) and self._is_gone(job, attempt, now):
                        self._bury(job, attempt, Ended(ended_at=now), now)
                    elif not isinstance(job.status, Unknown | Stopping):
                        log.warning("job %d: %s", job.id, reason)
                        self._store.ledger.attempt_out_of_sight(job.id, attempt.number, reason)
        self._observe()

    def _is_gone(self, job: Job, attempt: Attempt, now: float) -> bool:
        """Whether nothing is left of an attempt whose files can't be read and that a person had killed."""
        since = job.status.since
        return now - since > KILL_TRAINING_AFTER_S and attempt.uuid not in self._executor.unfinished()

    def _start_over(self, job: Job, attempt: Attempt, error: str, now: float) -> None:
        """Proven never started: the claim is ours, so nobody else can start it any more."""
        log.info("job %d: attempt %d never started %s", job.id, attempt.number, error)
        stillborn = msgspec.structs.replace(
            attempt, outcome=Outcome.NEVER_STARTED, ended_at=now, explanation=f"It never started. {error}".strip()
        )
        self._executor.forget(job, attempt)

        def next_status(current: Job) -> tuple[Status, int]:
            if isinstance(current.status, Stopping):
                return Cancelled(now, current.status.by), current.failures
            in_a_row = 0
            for earlier in reversed(current.attempts[: attempt.number - 1]):
                if earlier.outcome is not Outcome.NEVER_STARTED:
                    break
                in_a_row += 1
            if in_a_row + 1 >= STILLBORN_LIMIT:
                return Failed(now, "never_started", f"It could not be started {STILLBORN_LIMIT} times. {error}"), 0
            return Waiting(now, now + (backoff_s(in_a_row, TICK_S) if in_a_row else 0.0)), current.failures

        self._store.ledger.attempt_ended(job.id, stillborn, next_status)

    def _bury(self, job: Job, attempt: Attempt, ended: Ended, now: float) -> None:
        """Write down how it ended, and decide what becomes of the job."""
        verdict = judge(job, attempt_directory(job, attempt), ended)
        reached = self._progress.read(job)
        record = msgspec.structs.replace(verdict.applied_to(attempt, ended), progress=reached)
        status = self._store.ledger.attempt_ended(job.id, record, lambda current: what_follows(current, verdict, now))
        log.info("job %d: attempt %d %s: %s", job.id, attempt.number, verdict.outcome, verdict.explanation)
        self._executor.forget(job, attempt)
        self._progress.forget(job.id)
        if isinstance(status, Failed):
            self._hold_failing_group(job)

    def _hold_failing_group(self, job: Job) -> None:
        """Three jobs of a group in a row that fail within a minute of starting: something is wrong with all of them."""
        group = job.spec.group
        if group == "default" or group in self._groups:
            return
        latest = self._store.read.latest_ends(group, QUICK_FAILURES)
        if len(latest) == QUICK_FAILURES and all(_failed_quickly(each) for each in latest):
            ids = ", ".join(str(each.id) for each in reversed(latest))
            why = f"jobs {ids} failed within a minute of starting, one after the other"
            self._store.verbs.hold_group(group, Actor.scheduler(), why=why)
            log.warning("group %s is held: jobs %s failed", group, ids)

    # Requests of people

    def _pass_on_requests(self, now: float) -> None:
        """Carry what people asked of running attempts to the trainers."""
        for job in self._active():
            attempt = job.attempts[-1]
            match job.status:
                case Pausing():
                    self._executor.ask(job, attempt, "pause")
                case Running(request=request) if request is not None:
                    self._executor.ask(job, attempt, request.value)
                    self._store.ledger.request_passed_on(job.id)
                case Stopping(since=since):
                    is_command = job.spec.kind is Kind.COMMAND
                    if now - since >= (KILL_COMMAND_AFTER_S if is_command else KILL_TRAINING_AFTER_S):
                        self._executor.kill(job, attempt)
                    else:
                        self._executor.terminate(job, attempt)

    def _follow_progress(self, now: float) -> None:
        """Keep the summaries of what runs, at most once a second."""
        if now - self._looked_at < TICK_S:
            return
        self._looked_at = now
        running = [job for job in self._active() if not isinstance(job.status, Starting)]
        if changed := self._progress.look(running):
            self._store.ledger.record_progress(changed)
            self._observe()

    # Plan and act

    def _plan_and_act(self, now: float) -> None:
        """Decide, then start what stands in the first column; again until nothing more does."""
        while self._has_changed(now):
            host = self._host.latest
            world = make_world(
                self._jobs.values(),
                ChainMap(self._jobs, self._needs),
                self._groups,
                host=host,
                rhythms=self._rhythms,
                now=now,
            )
            timetable = plan(world, self._policy, now)
            self._planned = _Planned(now, self._revision, host, world, timetable)
            for skip in timetable.skips:
                self._store.ledger.settle(skip.job_id, Waiting, Skipped(now, skip.reason), "skip", skip.reason)
            for entry in self._confirmed(timetable.starting_now()):
                self._start(entry, now)
            self._observe()

    def _has_changed(self, now: float) -> bool:
        """Whether there is anything to plan anew: the queue, the devices, or the hour has moved on."""
        last = self._planned
        if last is None or last.revision != self._revision or last.host is not self._host.latest:
            return True
        due = any(last.at < moment <= now for moment in self._back_offs())
        return due or now - last.at >= PLAN_EVERY_S

    def _back_offs(self) -> list[float]:
        """The moments at which a retry's wait is over."""
        statuses = [job.status for job in self._jobs.values()]
        return [status.not_before for status in statuses if isinstance(status, Waiting) and status.not_before]

    def _confirmed(self, entries: list[Entry]) -> list[Entry]:
        """The starts whose GPUs are still free on a fresh look: somebody else's process may have come meanwhile."""
        cards = {gpu.uuid for gpu in self._host.latest.gpus if gpu.kind == "cuda"}
        if not any(cards & set(entry.gpus) for entry in entries):
            return entries
        free = {gpu.uuid for gpu in self._host.refresh().gpus if isinstance(gpu.availability, Free)}
        return [entry for entry in entries if set(entry.gpus) <= free]

    def _start(self, entry: Entry, now: float) -> None:
        """Commit to the start, then start."""
        job = self._jobs[entry.job_id]
        attempt = Attempt(number=len(job.attempts) + 1, uuid=str(uuid.uuid4()), gpus=entry.gpus, progress=job.progress)
        try:
            beginning = prepare(job, [self._needs[need] for need in job.after if need in self._needs])
            attempt = msgspec.structs.replace(attempt, resumed_from_epoch=beginning.resumed_from_epoch)
            if not self._store.ledger.begin_attempt(job.id, attempt, told=beginning.told):
                return
        except OSError as trouble:
            self._store.ledger.settle(
                job.id, Waiting, Waiting(now, now + 30.0), "postpone", f"its run directory can't be used: {trouble}"
            )
            log.warning("job %d: %s", job.id, trouble)
            return
        order = Order(
            job=job,
            attempt=attempt,
            devices=tuple(gpu for gpu in self._host.latest.gpus if gpu.uuid in entry.gpus),
            command=beginning.spec.command,
            environment=self._store.read.environment(job.id),
            resume_from=beginning.resume_from,
            finalize=beginning.finalize,
        )
        log.info("job %d: starts attempt %d on %s", job.id, attempt.number, ", ".join(entry.gpus) or "no GPU")
        try:
            self._executor.start(order)
        except OSError as trouble:
            log.warning("job %d: %s", job.id, trouble)

    # Publish and leave

    def _publish(self, now: float) -> None:
        """Tell everybody what was decided, when it has changed, and every two seconds while something runs."""
        assert self._planned is not None
        world, timetable = self._planned.world, self._planned.timetable
        shape = [(entry.job_id, entry.starts_now, entry.gpus) for entry in timetable.entries]
        if shape != self._shape or now - self._published_at >= PUBLISH_EVERY_S:
            self._shape = shape
            self._store.ledger.publish(
                Published(
                    revision=0,
                    at=now,
                    leader_pid=os.getpid(),
                    host=self._planned.host,
                    world=world,
                    timetable=timetable,
                )
            )
            self._published_at = now
            self._observe()

    def _patience_s(self) -> float:
        """How long to wait when nothing happens."""
        now = time.time()
        moments = [self._published_at + PUBLISH_EVERY_S, *(each for each in self._back_offs() if each > now)]
        if self._active() or self._until_idle:
            moments.append(now + TICK_S)
        return max(0.0, min(moments) - now)

    def _is_idle(self) -> bool:
        """Whether nothing is left that could happen, nobody watches, and that for a moment already."""
        if any(isinstance(job.status, (Waiting, *ACTIVE)) for job in self._jobs.values()):
            self._idle_since = None
            return False
        watchers = Lock(self._home.watchers_lock)
        if not watchers.acquire():
            self._idle_since = None
            return False
        watchers.release()
        self._idle_since = self._idle_since or time.monotonic()
        return time.monotonic() - self._idle_since >= LINGER_S


def _failed_quickly(job: Job) -> bool:
    last = job.attempts[-1] if job.attempts else None
    if not isinstance(job.status, Failed) or last is None or last.ended_at is None:
        return False
    return last.ended_at - (last.started_at or last.ended_at) < QUICK_FAILURE_S
