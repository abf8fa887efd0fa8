"""What is seen of the attempts that have not ended: adopted, noted as running, or buried."""

from __future__ import annotations

import logging
from collections.abc import Callable

import msgspec

from yolotui.core.failures import backoff_s, quoted
from yolotui.core.jobs import (
    Attempt,
    Cancelled,
    Failed,
    Job,
    Outcome,
    Paused,
    Starting,
    Status,
    Stopping,
    Unknown,
    Waiting,
)
from yolotui.locations import attempt_directory
from yolotui.scheduler.deciding import Decider
from yolotui.scheduler.executor import Alive, Ended, Executor, NeverStarted, NotYet, OutOfSight
from yolotui.scheduler.judging import is_paused_by_a_person, judge, what_follows
from yolotui.scheduler.memory import told_at_the_end
from yolotui.scheduler.picture import Picture
from yolotui.scheduler.progress import ProgressWatch
from yolotui.scheduler.sickness import Sickness
from yolotui.scheduler.watch import Readings
from yolotui.store import Actor, Store

QUICK_FAILURE_S = 60.0
QUICK_FAILURES = 3
STILLBORN_LIMIT = 8
STILLBORN_DELAY_S = 1.0
GIVE_UP_AFTER_S = 2.0  # on files that can't be read, once nothing lives and a person wants it ended
UNRECORDED_S = 5.0  # a trainer whose identity a full disk kept from being written down runs all the same

log = logging.getLogger("yolotui.scheduler")


class Reaper:
    """Looks at attempts, and writes down what became of them. `forget` is told of each that has ended."""

    def __init__(
        self,
        store: Store,
        executor: Executor,
        *,
        host: Readings,
        picture: Picture,
        decider: Decider,
        sickness: Sickness,
        progress: ProgressWatch,
        forget: Callable[[Job, Attempt], None],
    ) -> None:
        self._store = store
        self._executor = executor
        self._host = host
        self._picture = picture
        self._decider = decider
        self._sickness = sickness
        self._progress = progress
        self._forget = forget

    def look_after(self, job: Job, attempt: Attempt, now: float) -> None:
        """See what an attempt came to by now."""
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
        why = f" {quoted(error)}" if error else ""
        stillborn = msgspec.structs.replace(
            attempt, outcome=Outcome.NEVER_STARTED, ended_at=now, explanation=f"It never started.{why}"
        )
        self._forget(job, attempt)

        def next_status(current: Job) -> tuple[Status, int]:
            if isinstance(current.status, Stopping):
                return Cancelled(now, current.status.by), current.failures
            if is_paused_by_a_person(current):
                return Paused(now), current.failures
            in_a_row = 0
            for earlier in reversed(current.attempts[: attempt.number - 1]):
                if earlier.outcome is not Outcome.NEVER_STARTED:
                    break
                in_a_row += 1
            if in_a_row + 1 >= STILLBORN_LIMIT:
                return Failed(now, "never_started", f"It could not be started {STILLBORN_LIMIT} times.{why}"), 0
            return Waiting(now, now + (backoff_s(in_a_row, STILLBORN_DELAY_S) if in_a_row else 0.0)), current.failures

        self._store.ledger.attempt_ended(job.id, stillborn, next_status)

    def _bury(self, job: Job, attempt: Attempt, ended: Ended, now: float) -> None:
        """Write down how it ended, and decide what becomes of the job."""
        reached = self._progress.read(job)
        verdict = judge(job, attempt_directory(job.run_dir, attempt.number), ended, reached.checkpoint_at)
        record = msgspec.structs.replace(verdict.applied_to(attempt, ended), progress=reached)
        sentences = (record.explanation, told_at_the_end(record, job.spec))
        record = msgspec.structs.replace(record, explanation=" ".join(filter(None, sentences)))
        status = self._store.ledger.attempt_ended(job.id, record, lambda current: what_follows(current, verdict, now))
        log.info("job %d: attempt %d %s: %s", job.id, attempt.number, verdict.outcome, verdict.explanation)
        self._forget(job, attempt)
        self._decider.learn_end(job.id, attempt.number)
        self._sickness.consider(job.id, record, self._host.latest, self._picture.marks, now)
        if isinstance(status, Failed):
            self._hold_failing_group(job)

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


def _failed_quickly(job: Job) -> bool:
    last = job.attempts[-1] if job.attempts else None
    if not isinstance(job.status, Failed) or last is None or last.ended_at is None:
        return False
    return last.ended_at - (last.started_at or last.ended_at) < QUICK_FAILURE_S
