"""What goes wrong with one job must not end the night of the others."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from yolotui.core.jobs import Job
from yolotui.errors import QueueUnusable

log = logging.getLogger("yolotui.scheduler")


def log_trouble(job: Job, trouble: Exception) -> None:
    """What a disk does is a sentence; anything else is a mistake of ours, and shows where."""
    log.warning("job %d: %s", job.id, trouble, exc_info=None if isinstance(trouble, OSError) else trouble)


class Troubles:
    """Keeps what goes wrong to the job that it goes wrong with, and logs the same trouble once."""

    def __init__(self) -> None:
        self._seen: dict[int, str] = {}

    @contextmanager
    def kept_to(self, job: Job) -> Iterator[None]:
        """Whatever is raised inside ends here, but for a queue that can't be used: that is everybody's trouble."""
        try:
            yield
        except QueueUnusable:
            raise
        except Exception as trouble:  # noqa: BLE001  it is logged, and is this job's alone
            if self._seen.get(job.id) != repr(trouble):
                self._seen[job.id] = repr(trouble)
                log_trouble(job, trouble)

    def forget(self, job: Job) -> None:
        """What was wrong with an attempt that has ended is history."""
        self._seen.pop(job.id, None)
