"""What is known about jobs beside the jobs themselves: the published timetable, and the groups that are held."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from yolotui.cli.words import remedy_of, why_of
from yolotui.core.jobs import Job
from yolotui.core.timetable import Entry, Estimate, Published
from yolotui.queue import Queue


class Surroundings(NamedTuple):
    """One look at what the leader has published, and at the held groups: group name → reason."""

    published: Published | None
    entries: Mapping[int, Entry]
    held_groups: Mapping[str, str]
    estimates: Mapping[int, Estimate] = MappingProxyType({})

    @classmethod
    def of(cls, queue: Queue) -> Surroundings:
        """Read them."""
        published = queue.published()
        return cls(
            published=published,
            entries=published.timetable.by_job() if published else {},
            held_groups={name: group.reason for name, group in queue.held_groups().items()},
            estimates={each.job_id: each.estimate for each in published.world.demands} if published else {},
        )

    def entry(self, job: Job) -> Entry | None:
        """The job's line in the timetable; none for a job that has ended since it was made."""
        return None if job.ended else self.entries.get(job.id)

    def estimate(self, job: Job) -> Estimate | None:
        """How long the job will still take, as the timetable took it to be."""
        return None if job.ended else self.estimates.get(job.id)

    def remedy(self, job: Job) -> str:
        """What would set the job going; empty if nothing is to be done."""
        return remedy_of(job, self.entry(job), self.held_groups.get(job.spec.group))

    def why(self, job: Job) -> str:
        """Why the job is in its state; empty where the state says it all."""
        return why_of(job, self.entry(job), self.held_groups.get(job.spec.group))
