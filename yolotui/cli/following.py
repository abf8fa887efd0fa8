"""Watching jobs until they have ended: what `wait` and `--batch` have in common.

Nobody polls the jobs themselves: ten times a second the database is asked whether anybody has written to it, which
costs microseconds, and only then is read what has changed.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Protocol

from yolotui.cli.printing import narrate
from yolotui.cli.surroundings import Surroundings
from yolotui.core.jobs import Job
from yolotui.queue import Queue

LOOK_EVERY_S = 0.1
LEADER_EVERY_S = 1.0
STARTING_TAKES_S = 5.0
"""How long a scheduler that was started may take before its absence means anything."""


class Following:
    """Some jobs of a queue, kept up to date, with a scheduler kept alive while any of them has not ended."""

    def __init__(self, queue: Queue, ids: Sequence[int]) -> None:
        self._queue = queue
        self._ids = tuple(dict.fromkeys(ids))
        self._jobs: dict[int, Job] = {}
        self._revision = -1
        self._data_version: int | None = None
        self.around = Surroundings(None, {}, {})
        self._leader = LeaderKeeper(queue)

    @property
    def jobs(self) -> list[Job]:
        """The jobs as last read, in the order in which they were asked for."""
        return [self._jobs[job_id] for job_id in self._ids if job_id in self._jobs]

    @property
    def ended(self) -> bool:
        """Whether all of them have."""
        return all(job.ended for job in self.jobs)

    @property
    def all_succeeded(self) -> bool:
        """Whether every one of them has come to what it was meant for."""
        return all(job.state == "succeeded" for job in self.jobs)

    def looks(self) -> Iterator[list[Job]]:
        """Look ten times a second until all have ended; each look gives the jobs that have changed, perhaps none."""
        while True:
            yield self.look()
            if self.ended:
                return
            self._leader.keep()
            time.sleep(LOOK_EVERY_S)

    def look(self) -> list[Job]:
        """Read what has changed since the last look."""
        version = self._queue.data_version()
        if version == self._data_version:
            return []
        # The version was read first: what is written from here on shows up at the next look.
        self._data_version = version
        changed = self._queue.jobs(since_revision=self._revision, ids=self._ids)
        self._jobs |= {job.id: job for job in changed}
        self._revision = max((job.revision for job in changed), default=self._revision)
        self._refresh_surroundings()
        return changed

    def _refresh_surroundings(self) -> None:
        """Read them again where they have changed: the timetable is large, and every epoch brings us here."""
        published = self.around.published
        new_timetable = published is None or self._queue.published_revision() != published.revision
        if new_timetable or self._queue.held_groups().keys() != self.around.held_groups.keys():
            self.around = Surroundings.of(self._queue)


class View(AbstractContextManager["View"], Protocol):
    """Shows jobs while they go on; leaves the terminal as it was."""

    def say(self, sentences: Sequence[str]) -> None:
        """Tell the person something that stays readable."""

    def show(self, following: Following, changed: Sequence[Job]) -> None:
        """Show where the jobs are; `changed` are those that are not as they were at the last look."""


class LeaderKeeper:
    """Starts another scheduler when the one that led has gone; ever more slowly when none stays."""

    def __init__(self, queue: Queue) -> None:
        self._queue = queue
        self._seen = False
        self._started = 0
        self._look_again_at = time.monotonic() + LEADER_EVERY_S

    def keep(self) -> None:
        """Have a look, not more than once a second."""
        now = time.monotonic()
        if now < self._look_again_at:
            return
        self._look_again_at = now + LEADER_EVERY_S
        if not self._queue.ensure_leader():
            self._seen, self._started = True, 0
            return
        self._started += 1
        self._look_again_at = now + STARTING_TAKES_S * self._started
        if self._seen:
            narrate("The scheduler was gone: another one has been started. The trainings were not touched.")
            self._seen = False
        elif self._started > 1:
            narrate(f"No scheduler stays: {self._queue.home.scheduler_log} says why.")
