"""What the dashboard knows of the queue at one moment. Frozen: made by the feed's thread, shown by the widgets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from yolotui.core.bookings import Booking
from yolotui.core.gpus import Gpu, Lost
from yolotui.core.jobs import ACTIVE, Failed, Job, Unknown
from yolotui.core.timetable import STALE_AFTER_S, Entry, Published
from yolotui.store.gpu_marks import GpuMark, GpuState

OF_THE_JOBS = ("active", "jobs_by_gpu", "counts", "several_owners", "failed", "out_of_sight")


@dataclass(frozen=True)
class Leading:
    """The scheduler that leads, and since when (UTC seconds)."""

    pid: int
    since: float


@dataclass(frozen=True)
class Snapshot:
    """Jobs by id, what the leader published, and who leads.

    While it is `reading` a long queue for the first time, the ended jobs are still missing.
    `read_at` is when it was last known to be true. `trouble` is a sentence when the queue can't be read any more: then
    everything else is what was known at `read_at`.
    """

    jobs: Mapping[int, Job] = field(default_factory=dict)
    published: Published | None = None
    leading: Leading | None = None
    held_groups: Mapping[str, str] = field(default_factory=dict)
    gpu_marks: Mapping[str, GpuMark] = field(default_factory=dict)
    read_at: float = 0.0
    trouble: str = ""
    reading: bool = False

    @cached_property
    def entries(self) -> Mapping[int, Entry]:
        """The timetable's entry of each job that has one."""
        return self.published.timetable.by_job() if self.published else {}

    @cached_property
    def active(self) -> tuple[Job, ...]:
        """The jobs that hold GPUs."""
        return tuple(job for job in self.jobs.values() if isinstance(job.status, ACTIVE))

    @cached_property
    def jobs_by_gpu(self) -> Mapping[str, list[Job]]:
        """The jobs that hold each GPU, by its UUID."""
        holders: dict[str, list[Job]] = {}
        for job in self.active:
            for gpu in job.attempts[-1].gpus if job.attempts else ():
                holders.setdefault(gpu, []).append(job)
        return holders

    @cached_property
    def asked_by_gpu(self) -> Mapping[str, int]:
        """The bytes that the jobs on each GPU were promised there, by its UUID."""
        asked: dict[str, int] = {}
        for demand in self.published.world.demands if self.published else ():
            for gpu in demand.holding:
                asked[gpu] = asked.get(gpu, 0) + demand.vram_bytes
        return asked

    @cached_property
    def bookings_by_gpu(self) -> Mapping[str, list[Booking]]:
        """The bookings that each GPU is kept for, now or later, by its UUID."""
        kept: dict[str, list[Booking]] = {}
        for booking in self.published.world.bookings if self.published else ():
            for gpu in booking.gpus if booking.holds else ():
                kept.setdefault(gpu, []).append(booking)
        return kept

    @cached_property
    def ailing_gpus(self) -> list[tuple[Gpu, str]]:
        """The GPUs that somebody has to look after, and what is wrong with them in a word."""
        gpus = self.published.host.gpus if self.published else ()
        sick = {uuid for uuid, mark in self.gpu_marks.items() if mark.state is GpuState.QUARANTINED}
        lost = [(gpu, "lost") for gpu in gpus if isinstance(gpu.availability, Lost)]
        return lost + [(gpu, "sick") for gpu in gpus if gpu.uuid in sick and not isinstance(gpu.availability, Lost)]

    @cached_property
    def counts(self) -> Mapping[str, int]:
        """How many jobs are in each state that occurs."""
        counts: dict[str, int] = {}
        for job in self.jobs.values():
            counts[job.state] = counts.get(job.state, 0) + 1
        return counts

    @cached_property
    def several_owners(self) -> bool:
        """Whether a column for the owner says anything."""
        return len({job.owner.name for job in self.jobs.values()}) > 1

    def prepared(self, before: Snapshot) -> Snapshot:
        """Itself, with everything that takes time for many jobs worked out: for the thread that has the time.

        What hangs on the jobs alone is taken over from the snapshot before, if it was of the same jobs.
        """
        if self.jobs is before.jobs:
            vars(self).update({name: vars(before)[name] for name in OF_THE_JOBS if name in vars(before)})
        for name in (*OF_THE_JOBS, "entries", "asked_by_gpu", "bookings_by_gpu"):
            getattr(self, name)
        return self

    @property
    def has_unfinished(self) -> bool:
        """Whether there is anything left for a scheduler to do."""
        return any(state not in Job.ENDED_STATES for state in self.counts)

    def stale(self, now: float) -> bool:
        """Whether what was published is older than a leader that works would let it become."""
        return self.leading is None or self.published is None or now - self.published.at > STALE_AFTER_S

    @cached_property
    def failed(self) -> tuple[Job, ...]:
        """The jobs that failed, the newest first."""
        failed = [job for job in self.jobs.values() if isinstance(job.status, Failed)]
        return tuple(sorted(failed, key=lambda job: -job.status.since))

    @cached_property
    def out_of_sight(self) -> tuple[Job, ...]:
        """The jobs of which nobody can say whether they live."""
        return tuple(job for job in self.jobs.values() if isinstance(job.status, Unknown))
