"""Deadlines that will be missed, in sentences: by how much, and what would save them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from yolotui.core.jobs import Job
from yolotui.queue import Queue


def lateness(queue: Queue, jobs: Sequence[Job], at: float, now: float) -> Iterator[str]:
    """Which of these jobs would miss a deadline at a moment (UTC seconds); after each the least change that helps."""
    for miss, rescue in queue.what_if_due([job.id for job in jobs], at):
        yield miss.sentence(now)
        if rescue:
            yield rescue.sentence(miss)
