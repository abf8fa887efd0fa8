"""How an attempt is ended: TERM to the trainer, a wait, then KILL over the whole tree."""

from __future__ import annotations

import time
from collections.abc import Callable

from yolotui.core.jobs import Attempt, Job, kill_after_s
from yolotui.scheduler.executor import Executor


class Endings:
    """Ends attempts for whoever wants them ended; the wait begins with the first who does."""

    def __init__(self, executor: Executor, clock: Callable[[], float] = time.monotonic) -> None:
        self._executor = executor
        self._clock = clock
        self._told_at: dict[str, float] = {}

    def end(self, job: Job, attempt: Attempt) -> None:
        """Do what is due by now; to be called until the attempt has ended."""
        told_at = self._told_at.setdefault(attempt.uuid, self._clock())
        if self._clock() - told_at >= kill_after_s(job.spec.kind):
            self._executor.kill(job, attempt)
        else:
            self._executor.terminate(job, attempt)

    def forget(self, attempt: Attempt) -> None:
        """Let go of an attempt that has ended."""
        self._told_at.pop(attempt.uuid, None)
