"""The lines of a timetable: from places to moments, GPUs, intervals and reasons."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from msgspec.structs import replace

from yolotui.core.planning.assigning import Assignment
from yolotui.core.planning.explaining import Situation, after
from yolotui.core.planning.forecasting import Forecaster, duration_interval
from yolotui.core.planning.ground import Ground
from yolotui.core.planning.needs import open_needs
from yolotui.core.planning.profile import Profile
from yolotui.core.planning.reasons import Placed, Reasons
from yolotui.core.planning.rough import Lanes
from yolotui.core.planning.saying import span
from yolotui.core.planning.tasks import Place, Task
from yolotui.core.quotas import Quota
from yolotui.core.standstill import Standstill
from yolotui.core.timetable import Demand, Entry, Forecast, Why, World


class Entries:
    """Writes one entry for each demand of a world."""

    def __init__(self, world: World, ground: Ground, resting: Iterable[str], now: float) -> None:
        self._world = world
        self._ground = ground
        self._now = now
        self._demands = {demand.job_id: demand for demand in world.demands}
        self._before = world.previous.by_job() if world.previous else {}
        self._situation = Situation(world, resting, now)
        self._forecaster = Forecaster(world.calibration, now)
        self._over_quota: dict[int, Why] = {}
        self._written: dict[int, Entry] = {}
        self._busy_until: dict[str, float] = {}
        self._free_from: Mapping[str, float] = {}
        self._overdue_at: Mapping[int, float] = {}

    def in_order(self) -> tuple[Entry, ...]:
        """What was written, in the order of the world's demands."""
        written = self._written
        return tuple(written[job_id] for job_id in self._demands if job_id in written)

    def write_running(self, demand: Demand, finish: float) -> None:
        """A job that holds its devices, until it is expected to end."""
        low_s, high_s = duration_interval(demand.estimate, finish - self._now)
        self._running(
            demand, finish, finish_at=finish, finish_low_at=self._now + low_s, finish_high_at=self._now + high_s
        )

    def write_departing(self, demand: Demand, leaves_at: float, finish: float | None) -> None:
        """A job that makes room at `leaves_at`, and is done with the rest at `finish` (None: not foreseeable)."""
        if finish is None:
            self._running(demand, leaves_at, finish_at=None, yields_at=leaves_at)
            return
        low_s, high_s = duration_interval(demand.estimate, demand.estimate.remaining_s)
        early_s, late_s = demand.estimate.remaining_s - low_s, high_s - demand.estimate.remaining_s
        self._running(
            demand,
            leaves_at,
            finish_at=finish,
            finish_low_at=finish - early_s,
            finish_high_at=finish + late_s,
            yields_at=leaves_at,
        )

    def _running(
        self,
        demand: Demand,
        until: float,
        *,
        finish_at: float | None = None,
        finish_low_at: float | None = None,
        finish_high_at: float | None = None,
        yields_at: float | None = None,
    ) -> None:
        for uuid in demand.holding:
            self._busy_until[uuid] = max(until, self._busy_until.get(uuid, until))
        before = self._before.get(demand.job_id)
        self._written[demand.job_id] = Entry(
            job_id=demand.job_id,
            start_at=self._now,
            finish_at=finish_at,
            gpus=demand.holding,
            start_low_at=self._now,
            start_high_at=self._now,
            finish_low_at=finish_low_at,
            finish_high_at=finish_high_at,
            first=before.first if before else None,
            overdue_at=before.overdue_at if before else None,
            yields_at=yields_at,
        )

    def write_blocked(self, demand: Demand) -> None:
        """A job that a person keeps back."""
        self._unforeseen(demand, Why(demand.blocked, cause=Standstill.KEPT_BACK))

    def write_no_place(self, demand: Demand) -> None:
        """A job that these devices can't, or can't now, take."""
        self._unforeseen(demand, self._situation.no_place(demand))

    def write_over_quota(self, demand: Demand, quota: Quota, until: float | None = None) -> None:
        """A job for which a quota leaves too little; if there is room again at some time, its place comes later."""
        self._over_quota[demand.job_id] = why = self._situation.over_quota(demand, quota, until)
        self._unforeseen(demand, why)

    def settle(self, overdue_at: Mapping[int, float]) -> None:
        """From when on each job that can be placed is overdue."""
        self._overdue_at = overdue_at

    def write_careful(self, plan: Placed) -> None:
        """The jobs that have a place. What is left of those that make room has one, too; their lines are written."""
        leaving = {departure.demand.job_id for departure in plan.departures}
        assignment = Assignment(self._world.gpus, self._ground, self._busy_until, plan.at_last.rooms)
        reasons = Reasons(self._situation, self._ground, plan, self._demands, self._now)
        slowed = plan.at_last.rooms.finishes()
        parts = [(part, job_id) for job_id in plan.order for part in plan.places[job_id].parts]
        for part, job_id in sorted(parts, key=lambda each: each[0].start):
            demand, place = self._demands[job_id], plan.places[job_id]
            gpus = assignment.give(demand, part)
            if job_id in leaving or part is not place:
                continue
            if place.start >= self._ground.forever_at:
                self._unforeseen(demand, self._situation.closes(demand))
                continue
            needs = open_needs(demand) if demand.needs else []
            starts_now = place.start <= self._now and not needs
            why = None
            if not starts_now:
                why = after(needs) if needs else self._over_quota.get(job_id) or reasons.why_later(demand, place)
            if place.then is None and job_id in slowed:
                place = replace(place, finish=slowed[job_id])
            self._placed(demand, place, gpus, starts_now=starts_now, why=why)
        self._free_from = assignment.free_from

    def write_rough(self, tasks: Sequence[Task], profile: Profile) -> None:
        """Those behind the head, and those that hang on something that can't be foreseen."""
        side = profile.last_ends(self._ground.pools.side, max(1, self._world.side_slots))
        lanes = Lanes(self._free_from, side, self._ground)
        ahead = sum(entry.why is not None for entry in self._written.values())
        todo, now = list(tasks), self._now
        while todo:
            later: list[Task] = []
            for task in todo:
                demand = self._demands[task.job_id]
                if demand.needs and not self._is_foreseeable(demand, task):
                    later.append(task)
                    continue
                if demand.gpus and self._ground.lasting_capacity(demand) < demand.gpus:
                    self._unforeseen(demand, self._situation.closes(demand))
                    continue
                start, gpus = lanes.append(task)
                sentence = f"{ahead} jobs stand before it; its turn comes in roughly {span(start - now)}."
                why = Why(sentence, cause=Standstill.IN_LINE)
                self._placed(demand, Place(start, start + task.duration, ()), gpus, rough=True, why=why)
                ahead += 1
            if len(later) == len(todo):
                break
            todo = later

    def write_unforeseeable(self, demands: Iterable[Demand]) -> None:
        """Jobs that hang on something that has no expected end."""
        for demand in demands:
            if demand.job_id not in self._written:
                needs = open_needs(demand)
                unforeseen = {need.job_id for need in needs if not self._has_expected_end(need.job_id)}
                self._unforeseen(demand, after(needs, unforeseen))

    def _has_expected_end(self, job_id: int) -> bool:
        entry = self._written.get(job_id)
        return entry is not None and entry.finish_at is not None

    def _is_foreseeable(self, demand: Demand, task: Task) -> bool:
        """Whether all that the job hangs on has an expected end; its release moves behind that."""
        for need in open_needs(demand):
            entry = self._written.get(need.job_id)
            if entry is None or entry.finish_at is None:
                return False
            task.release = max(task.release, entry.finish_at)
        return True

    def _placed(
        self,
        demand: Demand,
        place: Place,
        gpus: tuple[str, ...],
        *,
        starts_now: bool = False,
        rough: bool = False,
        why: Why | None,
    ) -> None:
        start, finish = place.start, place.done_at
        low_at, high_at = self._forecaster.start_interval(start)
        low_s, high_s = duration_interval(demand.estimate, finish - start)
        before = self._before.get(demand.job_id)
        # What waits again after it ran, for a retry or a resume, is foreseen anew.
        has_waited = before is not None and (before.why is not None or before.starts_now)
        first = before.first if before and has_waited else None
        self._written[demand.job_id] = Entry(
            job_id=demand.job_id,
            start_at=start,
            finish_at=finish,
            gpus=gpus,
            starts_now=starts_now,
            rough=rough,
            why=why,
            start_low_at=low_at,
            start_high_at=high_at,
            finish_low_at=low_at + low_s,
            finish_high_at=high_at + high_s,
            first=first or Forecast(self._now, start, low_at, high_at, finish),
            overdue_at=self._overdue_at[demand.job_id],
            yields_at=place.finish if place.then else None,
            booking=self._ground.booking_at(demand, place.share, start),
        )

    def _unforeseen(self, demand: Demand, why: Why) -> None:
        before = self._before.get(demand.job_id)
        self._written[demand.job_id] = Entry(
            job_id=demand.job_id,
            why=why,
            first=before.first if before else None,
            overdue_at=before.overdue_at if before else None,
        )
