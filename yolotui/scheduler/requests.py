"""What people, and evictions, ask of running attempts, carried to the trainers."""

from __future__ import annotations

from yolotui.core.jobs import Attempt, Job, Pausing, Running, Stopping
from yolotui.scheduler.endings import Endings
from yolotui.scheduler.executor import Executor
from yolotui.store import Store


class Requests:
    """Passes on what a job's state asks for; remembers what was passed on, so that nobody is asked twice."""

    def __init__(self, store: Store, executor: Executor, endings: Endings) -> None:
        self._store = store
        self._executor = executor
        self._endings = endings
        self._pauses_asked: dict[str, float] = {}

    def pass_on(self, job: Job, attempt: Attempt, now: float) -> None:
        """Ask the trainer what a person or an eviction asks for, or end it."""
        match job.status:
            case Pausing() as pausing:
                if self._pauses_asked.get(attempt.uuid) != pausing.since:
                    self._executor.ask(job, attempt, "pause")
                    self._pauses_asked[attempt.uuid] = pausing.since
                if pausing.is_out_of_patience(now):
                    self._endings.end(job, attempt)
            case Running(request=request) if request is not None:
                self._executor.ask(job, attempt, request.value)
                self._store.ledger.request_passed_on(job.id, request)
            case Stopping():
                self._endings.end(job, attempt)

    def forget(self, attempt: Attempt) -> None:
        """Let go of an attempt that has ended."""
        self._pauses_asked.pop(attempt.uuid, None)
