"""The leader: observes, reaps, plans, acts, publishes, waits; and leaves when nothing is left to do.

Each step reads as what it does. What it decides is committed before it is done, so that a leader killed at any point
leaves a queue from which the next one goes on.
"""

from __future__ import annotations

import logging
import os
import sqlite3
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

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
    Paused,
    Pausing,
    Running,
    Skipped,
    Starting,
    Status,
    Stopping,
    Unknown,
    Waiting,
)
from yolotui.core.plan import Policy
from yolotui.core.timetable import Entry, Published, World
from yolotui.errors import QueueUnusable
from yolotui.leadership import Lock
from yolotui.locations import Home
from yolotui.scheduler.deciding import Decider, foreseen
from yolotui.scheduler.executor import Alive, Ended, Executor, NeverStarted, NotYet, Order, OutOfSight
from yolotui.scheduler.judging import judge, what_follows
from yolotui.scheduler.local import attempt_directory
from yolotui.scheduler.picture import Picture
from yolotui.scheduler.preparing import prepare
from yolotui.scheduler.progress import ProgressWatch
from yolotui.scheduler.sickness import Sickness
from yolotui.scheduler.wakeups import Wakeups
from yolotui.scheduler.watch import Readings
from yolotui.scheduler.worldview import with_marks
from yolotui.store import Actor, Store

TICK_S = 1.0
PUBLISH_EVERY_S = 2.0
LEAST_PUBLISHING_PAUSE = 10.0  # times as long as it took: a long queue is a long row to write
CHECKPOINT_EVERY_S = 10.0
# How long something that was told to end may take: a training with several ranks needs its time; a command rarely does.
KILL_TRAINING_AFTER_S = 30.0
KILL_COMMAND_AFTER_S = 10.0
LINGER_S = 2.0
QUICK_FAILURE_S = 60.0
QUICK_FAILURES = 3
STILLBORN_LIMIT = 8
POSTPONED_S = 30.0
GIVE_UP_AFTER_S = 2.0  # on files that can't be read, once nothing lives and a person wants it ended
UNRECORDED_S = 5.0  # a trainer whose identity a full disk kept from being written down runs all the same

log = logging.getLogger("yolotui.scheduler")


class Leader:
    """Leads one queue until told to leave or, if asked to, until nothing is left to do."""

    def __init__(
        self,
        home: Home,
        store: Store,
        executor: Executor,
        host: Readings,
        wakeups: Wakeups,
        *,
        policy: Policy,
        until_idle: bool,
        is_intact: Callable[[], bool],
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`is_intact` says whether the lock and the queue that it leads are still those that others see."""
        self._clock = clock
        self._home = home
        self._store = store
        self._executor = executor
        self._host = host
        self._wakeups = wakeups
        self._until_idle = until_idle
        self._is_intact = is_intact
        self._decider = Decider(store, policy)
        self._picture = Picture(store, self._decider.learn)
        self._sickness = Sickness(store)
        self._progress = ProgressWatch()
        self._host_seen: Host | None = None
        self._shape: Any = None
        self._published_at = 0.0
        self._publishing_took_s = 0.0
        self._has_news = False
        self._checkpointed_at = 0.0
        self._looked_at = 0.0
        self._pauses_asked: dict[str, float] = {}
        self._told_to_end: dict[str, float] = {}
        self._troubles: dict[int, str] = {}
        self._idle_since: float | None = None

    def run(self) -> str:
        """Lead; returns why it left."""
        self._decider.remember()
        while True:
            if self._wakeups.asked_to_leave:
                return "asked to leave"
            if not self._is_intact():
                return "its lock or its queue was removed or replaced"
            try:
                self.step()
                if self._until_idle and self._is_idle():
                    return "nothing is left to do"
                self._wakeups.wait(self._patience_s())
            except QueueUnusable as trouble:
                # The trainings don't need the queue; whatever ails it, the next look may find it mended.
                log.warning("%s", trouble)
                self._picture.forget()
                self._wakeups.wait(TICK_S)

    def step(self) -> None:
        """One round."""
        now = self._clock()
        self._observe()
        self._reap(now)
        self._pass_on_requests()
        self._follow_progress(now)
        self._plan_and_act()
        self._publish(now)
        if not 0 <= now - self._checkpointed_at <= CHECKPOINT_EVERY_S:
            self._store.checkpoint()
            self._checkpointed_at = now

    # Observe

    def _observe(self) -> None:
        """Bring the picture of the queue up to date, and look after GPUs when there is a new reading of them."""
        host = self._host.latest
        self._picture.refresh()
        self._executor.expect(frozenset(job.attempts[-1].uuid for job in self._picture.active()))
        if host is not self._host_seen:
            self._host_seen = host
            self._sickness.look_at(host, self._picture.marks)
            self._picture.refresh()

    # Reap

    def _reap(self, now: float) -> None:
        """Look at every attempt that has not ended: adopt it, note that it runs, or bury it."""
        for job in self._picture.active():
            with self._keeping_trouble_to(job):
                self._look_after(job, job.attempts[-1], now)
        self._observe()

    def _look_after(self, job: Job, attempt: Attempt, now: float) -> None:
        match self._executor.look(job, attempt):
            case NotYet():
                return
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

    def _is_gone(self, job: Job, attempt: Attempt, now: float) -> bool:
        """Whether nothing is left of an attempt whose files can't be read and that a person had killed."""
        return now - job.status.since > GIVE_UP_AFTER_S and self._executor.is_gone(job, attempt)

    def _start_over(self, job: Job, attempt: Attempt, error: str, now: float) -> None:
        """Proven never started: the claim is ours, so nobody else can start it any more."""
        log.info("job %d: attempt %d never started %s", job.id, attempt.number, error)
        stillborn = msgspec.structs.replace(
            attempt, outcome=Outcome.NEVER_STARTED, ended_at=now, explanation=f"It never started. {error}".strip()
        )
        self._forget(job, attempt)

        def next_status(current: Job) -> tuple[Status, int]:
            if isinstance(current.status, Stopping):
                return Cancelled(now, current.status.by), current.failures
            if isinstance(current.status, Pausing):
                return Paused(now), current.failures
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
        self._forget(job, attempt)
        self._decider.learn_end(job.id, attempt.number)
        self._sickness.consider(record, self._host.latest, self._picture.marks, now)
        if isinstance(status, Failed):
            self._hold_failing_group(job)

    def _forget(self, job: Job, attempt: Attempt) -> None:
        """Let go of what was kept in mind about an attempt that has ended."""
        self._executor.forget(job, attempt)
        self._progress.forget(job.id)
        self._pauses_asked.pop(attempt.uuid, None)
        self._told_to_end.pop(attempt.uuid, None)
        self._troubles.pop(job.id, None)

    def _hold_failing_group(self, job: Job) -> None:
        """Three jobs of a group in a row that fail within a minute of starting: something is wrong with all of them."""
        group = job.spec.group
        if group == "default" or group in self._picture.groups:
            return
        latest = self._store.read.latest_ends(group, QUICK_FAILURES)
        if len(latest) == QUICK_FAILURES and all(_failed_quickly(each) for each in latest):
            ids = ", ".join(str(each.id) for each in reversed(latest))
            why = f"jobs {ids} failed within a minute of starting, one after the other"
            self._store.verbs.hold_group(group, Actor.scheduler(), why=why)
            log.warning("group %s is held: jobs %s failed", group, ids)

    # Requests of people

    def _pass_on_requests(self) -> None:
        """Carry what people asked of running attempts to the trainers."""
        for job in self._picture.active():
            with self._keeping_trouble_to(job):
                self._pass_on(job, job.attempts[-1])

    def _pass_on(self, job: Job, attempt: Attempt) -> None:
        match job.status:
            case Pausing(since=since):
                if self._pauses_asked.get(attempt.uuid) != since:
                    self._executor.ask(job, attempt, "pause")
                    self._pauses_asked[attempt.uuid] = since
            case Running(request=request) if request is not None:
                self._executor.ask(job, attempt, request.value)
                self._store.ledger.request_passed_on(job.id, request)
            case Stopping():
                told_at = self._told_to_end.setdefault(attempt.uuid, time.monotonic())
                patience_s = KILL_COMMAND_AFTER_S if job.spec.kind is Kind.COMMAND else KILL_TRAINING_AFTER_S
                if time.monotonic() - told_at >= patience_s:
                    self._executor.kill(job, attempt)
                else:
                    self._executor.terminate(job, attempt)

    @contextmanager
    def _keeping_trouble_to(self, job: Job) -> Iterator[None]:
        """What goes wrong with one job must not end the night of the others."""
        try:
            yield
        except QueueUnusable:
            raise
        except Exception as trouble:
            if self._troubles.get(job.id) != repr(trouble):
                self._troubles[job.id] = repr(trouble)
                log.exception("job %d: %s", job.id, trouble)

    def _follow_progress(self, now: float) -> None:
        """Keep the summaries of what runs, at most once a second."""
        if 0 <= now - self._looked_at < TICK_S:
            return
        self._looked_at = now
        running = [job for job in self._picture.active() if not isinstance(job.status, Starting)]
        if changed := self._progress.look(running):
            self._store.ledger.record_progress(changed)
            self._observe()

    # Plan and act

    def _plan_and_act(self) -> None:
        """Decide, then start what stands in the first column; again until nothing more does."""
        # The clock is read after the queue: nothing in a plan is younger than the plan.
        while self._decider.is_due(self._picture, self._host.latest, now := self._clock()):
            _, world, timetable = self._decider.decide(self._picture, self._host.latest, now)
            for skip in timetable.skips:
                self._store.ledger.settle(skip.job_id, Waiting, Skipped(now, skip.reason), "skip", skip.reason)
            for entry in self._confirmed(timetable.starting_now()):
                self._start(entry, world, now)
            self._observe()

    def _confirmed(self, entries: list[Entry]) -> list[Entry]:
        """The starts whose GPUs are still free on a fresh look: somebody else's process may have come meanwhile."""
        cards = {gpu.uuid for gpu in self._host.latest.gpus if gpu.kind == "cuda"}
        if not any(cards & set(entry.gpus) for entry in entries):
            return entries
        free = {gpu.uuid for gpu in self._host.refresh().gpus if isinstance(gpu.availability, Free)}
        return [entry for entry in entries if set(entry.gpus) <= free]

    def _start(self, entry: Entry, world: World, now: float) -> None:
        """Commit to the start, then start."""
        job, known = self._picture.jobs[entry.job_id], self._picture.known
        devices = tuple(gpu for gpu in self._host.latest.gpus if gpu.uuid in entry.gpus)
        attempt = Attempt(
            number=len(job.attempts) + 1,
            uuid=str(uuid.uuid4()),
            gpus=entry.gpus,
            gpu_model=" + ".join(sorted({gpu.name for gpu in devices})),
            progress=job.progress,
        )
        promise = foreseen(entry, world)
        try:
            beginning = prepare(job, [known[need] for need in job.after if need in known])
            attempt = msgspec.structs.replace(attempt, resumed_from_epoch=beginning.resumed_from_epoch)
            if not self._store.ledger.begin_attempt(
                job.id, attempt, planned_revision=job.revision, told=beginning.told, foreseen=promise
            ):
                return
        except (QueueUnusable, sqlite3.Error):
            raise
        except Exception as trouble:
            # Whatever a run directory holds, it is this job's trouble and must not keep the others from starting.
            log.exception("job %d can't be started", job.id)
            why = f"its run directory can't be used: {trouble}"
            self._store.ledger.settle(job.id, Waiting, Waiting(now, now + POSTPONED_S), "postpone", why)
            return
        order = Order(
            job=job,
            attempt=attempt,
            devices=devices,
            command=beginning.spec.command,
            environment=self._store.read.environment(job.id),
            resume_from=beginning.resume_from,
            finalize=beginning.finalize,
        )
        if promise:
            self._decider.learn_start(promise[0], now)
        log.info("job %d: starts attempt %d on %s", job.id, attempt.number, ", ".join(entry.gpus) or "no GPU")
        try:
            self._executor.start(order)
        except OSError as trouble:
            log.warning("job %d: %s", job.id, trouble)

    # Publish and leave

    def _publish(self, now: float) -> None:
        """Tell everybody what was decided: when it has changed, and every two seconds all the same."""
        decision = self._decider.last
        assert decision is not None
        shape = [(entry.job_id, entry.starts_now, entry.gpus) for entry in decision.timetable.entries]
        self._has_news = shape != self._shape
        if 0 <= now - self._published_at < self._publishing_pause_s():
            return
        self._shape, self._has_news = shape, False
        began_at = time.monotonic()
        self._store.ledger.publish(
            Published(
                revision=0,
                at=now,
                leader_pid=os.getpid(),
                host=with_marks(self._host.latest, self._picture.marks),
                world=msgspec.structs.replace(decision.world, previous=None),  # it would be what was published before
                timetable=decision.timetable,
            )
        )
        self._publishing_took_s = time.monotonic() - began_at
        self._published_at = now
        self._observe()

    def _publishing_pause_s(self) -> float:
        pause_s = LEAST_PUBLISHING_PAUSE * self._publishing_took_s
        return pause_s if self._has_news else max(PUBLISH_EVERY_S, pause_s)

    def _patience_s(self) -> float:
        """How long to wait when nothing happens."""
        now = self._clock()
        moments = [
            self._published_at + self._publishing_pause_s(),
            *(each for each in self._picture.back_offs() if each > now),
        ]
        if self._picture.active() or self._until_idle:
            moments.append(now + TICK_S)
        return max(0.0, min(moments) - now)

    def _is_idle(self) -> bool:
        """Whether nothing is left that could happen, nobody watches, and that for a moment already."""
        if any(isinstance(job.status, (Waiting, *ACTIVE)) for job in self._picture.jobs.values()):
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
