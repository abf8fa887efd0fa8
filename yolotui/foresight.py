"""What if: what a change would move, told before it is made. Nothing is written."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from yolotui.core.bookings import BookingRequest
from yolotui.core.deadlines import Miss, Rescue, misses, rescue
from yolotui.core.jobs import JobSpec, Priority, Waiting
from yolotui.core.plan import Preemption
from yolotui.core.timetable import Estimate, Published
from yolotui.core.whatif import (
    Difference,
    demand_of,
    difference,
    expected,
    need_of,
    too_much,
    with_bookings,
    with_deadline,
    with_job,
    with_other_wishes,
    with_priority,
)
from yolotui.errors import NotPossible, WrongUse
from yolotui.leadership import is_led
from yolotui.opened import Opened
from yolotui.policy import policy_of
from yolotui.quotas import never_within
from yolotui.store import Actor

RESCUES = 3
"""For how many jobs a change is sought that saves their deadline: each takes several plans."""


class Foresight(Opened):
    """The part of the queue that asks the published timetable."""

    def what_if_priority(self, jobs: Sequence[int], priority: Priority) -> Difference:
        """What putting jobs into another class would move. Raises NotPossible where no timetable knows them."""
        published = self._timetabled()
        known = {demand.job_id for demand in published.world.demands}
        for job in self._store.read.jobs(ids=[job_id for job_id in jobs if job_id not in known]):
            state = f"has {job.state}" if job.ended else "has not been looked at by a scheduler yet"
            raise NotPossible(f"job {job.id} ({job.name}) {state}: nothing can be foreseen for it.")
        return difference(
            published, with_priority(published.world, jobs, priority), policy_of(self.config), self._clock()
        )

    def what_if_added(self, spec: JobSpec, priority: Priority = Priority.P2) -> Difference:
        """What one more job would move; in there it is `NEW_JOB`. Raises as `add` does, and without a timetable."""
        published = self._timetabled()
        if refused := self._too_much(spec):
            raise WrongUse(refused)
        needs = [need_of(self._store.read.job(self._store.read.select(name)[0]), mode) for name, mode in spec.needs]
        now = self._clock()
        demand = demand_of(spec, priority, self.expected(spec), needs, now, owner=Actor.current().name)
        if held := self._store.read.held_groups().get(spec.group):
            demand = replace(demand, blocked=f"Its group {spec.group} is held ({held.reason}).")
        return difference(published, with_job(published.world, demand), policy_of(self.config), now)

    def what_if_edited(self, job_id: int, spec: JobSpec, priority: Priority) -> Difference:
        """What it would move if a waiting job asked for something else. Raises WrongUse, and NotPossible as others."""
        published = self._timetabled()
        if refused := self._too_much(spec):
            raise WrongUse(refused)
        world = with_other_wishes(published.world, job_id, spec, priority, self.expected(spec))
        return difference(published, world, policy_of(self.config), self._clock())

    def what_if_reserved(self, request: BookingRequest) -> Difference:
        """What a booking would move. Raises NotPossible where the window can't be had, and without a timetable."""
        published = self._timetabled()
        now = self._clock()
        would_be = self._store.verbs.would_be(request, Actor.current(), now)
        return difference(published, with_bookings(published.world, would_be), policy_of(self.config), now)

    def what_if_due(self, jobs: Sequence[int], at: float) -> list[tuple[Miss, Rescue | None]]:
        """Which of these jobs would miss a deadline at a moment (UTC seconds), and the least change that saves each.

        Jobs that no timetable knows are in none. Changes are sought for the most pressing few.
        """
        published = self._store.read.published()
        if published is None:
            return []
        now, policy = self._clock(), policy_of(self.config)
        world = with_deadline(published.world, jobs, at)
        missed = [
            miss for miss in misses(world, difference(published, world, policy, now).timetable) if miss.job_id in jobs
        ]
        return [(miss, rescue(world, policy, now, miss) if n < RESCUES else None) for n, miss in enumerate(missed)]

    def what_if_evicting_for(self, job_id: int) -> Difference:
        """What it would be if others were paused to make room for a job in its class, or in P1 if that is higher.

        Who would be is in the `evictions` of the timetable. Raises NotPossible where the job is not waiting.
        """
        published = self._timetabled()
        job = self._store.read.job(job_id)
        if not isinstance(job.status, Waiting) or all(each.job_id != job_id for each in published.world.demands):
            state = "not been looked at by a scheduler yet" if isinstance(job.status, Waiting) else f"{job.state}"
            raise NotPossible(f"job {job.id} ({job.name}) is {state}: room is made for one that waits.")
        world = with_priority(published.world, [job_id], min(job.priority, Priority.P1))
        policy = replace(policy_of(self.config), preemption=Preemption.EVICT)
        return difference(published, world, policy, self._clock())

    def expected(self, spec: JobSpec) -> Estimate:
        """How long a job that is not in the queue yet would take, and where that is known from."""
        return expected(spec, self._store.read.jobs())

    def _timetabled(self) -> Published:
        published = self._store.read.published()
        if published is None:
            raise NotPossible(
                "No scheduler has made a timetable yet, and a dry run needs one: `yolotui scheduler start` starts one; "
                "then ask again."
            )
        return published

    def _too_much(self, spec: JobSpec) -> str:
        """Why a quota, or the machine as a scheduler last saw it, never lets a job run; empty if it may."""
        if never := never_within(self.config.quotas, Actor.current().name, spec.group, spec.gpus):
            return f"{spec.name!r} could never start. {never}"
        host = self._store.read.host() if spec.gpus else None
        if host is None or host.trouble or not host.gpus or not (never := too_much(spec, host.gpus)):
            return ""
        seen = "" if is_led(self.home) else " If that has changed: `yolotui scheduler start` looks again."
        return f"{spec.name!r} could never start. {never}{seen}"
