"""What the queue looks like: kept up to date by reading only what has changed."""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Callable, Mapping

from yolotui.core.bookings import Booking
from yolotui.core.jobs import ACTIVE, Job, Waiting
from yolotui.store import GpuMark, HeldGroup, Store


class Picture:
    """Every job that has not ended, the ended ones that others hang on, held groups, bookings that are not over,
    and what was said about GPUs.

    `version` counts the changes that a plan depends on; the progress of what runs is none. `on_change` is told of every
    job that was read.
    """

    def __init__(self, store: Store, on_change: Callable[[Job], None]) -> None:
        self._store = store
        self._on_change = on_change
        self._revision = -1
        self._ended: dict[int, Job] = {}
        self.jobs: dict[int, Job] = {}
        self.groups: dict[str, HeldGroup] = {}
        self.marks: dict[str, GpuMark] = {}
        self.bookings: dict[int, Booking] = {}
        self.version = 0

    @property
    def known(self) -> Mapping[int, Job]:
        """The jobs that have not ended, and those that they hang on."""
        return ChainMap(self.jobs, self._ended)

    def active(self) -> list[Job]:
        """The jobs with an attempt that lives or may live."""
        return [job for job in self.jobs.values() if isinstance(job.status, ACTIVE)]

    def moments(self) -> list[float]:
        """When something comes about by itself (UTC seconds): a retry's wait is over, a window begins or ends."""
        statuses = [job.status for job in self.jobs.values()]
        back_offs = [status.not_before for status in statuses if isinstance(status, Waiting) and status.not_before]
        held = [booking for booking in self.bookings.values() if booking.holds]
        return back_offs + [at for each in held for at in (each.starts_at, each.ends_at, each.kept_until)]

    def forget(self) -> None:
        """Read everything again at the next look."""
        self._revision = -1

    def note_change(self) -> None:
        """Have what was decided looked at again: something that a start hangs on has come about elsewhere."""
        self.version += 1

    def refresh(self) -> None:
        """Take note of what has changed since the last look."""
        revision = self._store.read.revision()
        if revision == self._revision:
            return
        if self._revision < 0:
            changed = self._store.read.jobs(unfinished=True)
            self.jobs.clear()
            self._ended.clear()
            self.version += 1
        else:
            changed = self._store.read.jobs(since_revision=self._revision)
        for job in changed:
            self._take_note(job)
        self._find_needs(changed)
        if any(job.ended for job in changed):
            self._let_go_of_the_ended()
        self._take_note_of_holds(self._store.read.held_groups(), self._store.read.gpu_marks())
        self._take_note_of_bookings({booking.id: booking for booking in self._store.read.bookings()})
        self._revision = revision

    def _take_note(self, job: Job) -> None:
        before = self.known.get(job.id)
        if before is None or _decisive(before) != _decisive(job):
            self.version += 1
        if job.ended:
            self.jobs.pop(job.id, None)
            self._ended[job.id] = job
        else:
            self.jobs[job.id] = job
            self._ended.pop(job.id, None)
        self._on_change(job)

    def _find_needs(self, changed: list[Job]) -> None:
        missing = {need for job in changed if not job.ended for need in job.after if need not in self.known}
        for job in self._store.read.jobs(ids=sorted(missing)) if missing else ():
            self._ended[job.id] = job

    def _let_go_of_the_ended(self) -> None:
        """But for those that others hang on."""
        needed = {need for job in self.jobs.values() for need in job.after}
        self._ended = {job_id: job for job_id, job in self._ended.items() if job_id in needed}

    def _take_note_of_holds(self, groups: dict[str, HeldGroup], marks: dict[str, GpuMark]) -> None:
        if (groups, marks) != (self.groups, self.marks):
            self.groups, self.marks = groups, marks
            self.version += 1

    def _take_note_of_bookings(self, bookings: dict[int, Booking]) -> None:
        if _windows(bookings) != _windows(self.bookings):
            self.version += 1
        self.bookings = bookings


def _windows(bookings: Mapping[int, Booking]) -> list[tuple[object, ...]]:
    """What a plan knows of bookings: whose which cards are, and when; not when they were used last."""
    return [
        (each.id, each.state, each.owner, each.starts_at, each.ends_at, each.gpus, each.pinned, each.job_id)
        for each in bookings.values()
    ]


def _decisive(job: Job) -> tuple[object, ...]:
    """What a plan knows of a job, but for its progress."""
    return (job.status, job.priority, job.spec, job.after, job.after_modes, len(job.attempts), job.deadline_at)
