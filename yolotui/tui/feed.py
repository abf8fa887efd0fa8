"""The thread that reads the queue, so that no widget ever waits for the database."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace

from yolotui.core.jobs import Job
from yolotui.core.timetable import Published
from yolotui.errors import YolotuiError
from yolotui.queue import Queue
from yolotui.tui.snapshot import Leading, Snapshot

INTERVAL_S = 0.25
LEADER_EVERY = 4
AGAIN_AFTER_S = 1.0
PATIENCE_WITH_LEADER_S = 5.0
MANY_JOBS = 2000


class Feed(threading.Thread):
    """Looks four times a second whether anything has changed, reads only that, and posts a frozen snapshot.

    What it posts replaces what it posted before. Where the queue can't be read it posts what it knew, with the trouble,
    and tries again.
    """

    def __init__(
        self, open_queue: Callable[[], Queue], post: Callable[[Snapshot], object], now: Callable[[], float]
    ) -> None:
        super().__init__(name="feed", daemon=True)
        self._open_queue = open_queue
        self._post = post
        self._now = now
        self._wake = threading.Event()
        self._stopped = threading.Event()
        self._jobs: dict[int, Job] = {}
        self._revision = -1
        self._published: Published | None = None
        self._published_revision = 0
        self._posted = Snapshot()
        self._replace_leader_at = 0.0
        self.seen_at = now()
        """When the queue last answered, in UTC seconds."""

    def look_now(self) -> None:
        """Look at once: something was just done."""
        self._wake.set()

    def stop(self) -> None:
        """Leave the loop; does not wait."""
        self._stopped.set()
        self._wake.set()

    def run(self) -> None:
        """Read until stopped."""
        while not self._stopped.is_set():
            try:
                with self._open_queue() as queue:
                    self._watch(queue)
            except YolotuiError as error:
                self._tell(replace(self._posted, trouble=str(error)))
                self._stopped.wait(AGAIN_AFTER_S)

    def _watch(self, queue: Queue) -> None:
        version: int | None = None
        since_leader = 0
        while not self._stopped.is_set():
            newest = queue.data_version()
            since_leader += 1
            if newest != version or since_leader >= LEADER_EVERY:
                version, since_leader = newest, 0
                self._read(queue)
            self.seen_at = self._now()
            self._wake.wait(INTERVAL_S)
            self._wake.clear()

    def _read(self, queue: Queue) -> None:
        if self._revision < 0 and sum(queue.counts().values()) > MANY_JOBS:
            # Reading them all takes a tenth of a second and more: what is at work or waits is shown before.
            self._jobs = {job.id: job for job in queue.jobs(unfinished=True)}
            self._look_around(queue, reading=True)
        changed = queue.jobs(since_revision=self._revision)
        if changed:
            self._jobs = dict(sorted({**self._jobs, **{job.id: job for job in changed}}.items()))
            self._revision = max(job.revision for job in changed)
        self._look_around(queue)

    def _look_around(self, queue: Queue, *, reading: bool = False) -> None:
        """Read what there is beside the jobs, and tell."""
        if (revision := queue.published_revision()) != self._published_revision:
            self._published, self._published_revision = queue.published(), revision
        leader = queue.leader()
        if leader is None and self._now() >= self._replace_leader_at and queue.replace_lost_leader():
            self._replace_leader_at = self._now() + PATIENCE_WITH_LEADER_S
        self._tell(
            Snapshot(
                jobs=self._jobs,
                published=self._published,
                leading=Leading(leader.process.pid, leader.since) if leader else None,
                held_groups={name: group.reason for name, group in queue.held_groups().items()},
                gpu_marks=queue.gpu_marks(),
                read_at=self._now(),
                reading=reading,
            )
        )

    def _tell(self, snapshot: Snapshot) -> None:
        """Post what is news; that it was read a moment later is none."""
        before = self._posted
        same = (
            snapshot.jobs is before.jobs
            and snapshot.published is before.published
            and snapshot.leading == before.leading
            and snapshot.held_groups == before.held_groups
            and snapshot.gpu_marks == before.gpu_marks
            and (snapshot.trouble, snapshot.reading) == (before.trouble, before.reading)
        )
        if not same or not before.read_at:
            self._posted = snapshot.prepared(before)
            self._post(self._posted)
