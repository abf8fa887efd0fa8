"""One plan: sort out who can't start at all, place the others class by class, then say where, why and until when."""

from __future__ import annotations

from bisect import insort
from collections.abc import Iterable, Sequence

from yolotui.core.bookings import Booking
from yolotui.core.jobs import Priority
from yolotui.core.planning.allowances import Allowances
from yolotui.core.planning.binding import bind
from yolotui.core.planning.entries import Entries
from yolotui.core.planning.evicting import Evictions
from yolotui.core.planning.ground import Ground
from yolotui.core.planning.holding import SHORTEST_S, Holdings
from yolotui.core.planning.leaving import RESTART_S, Departure
from yolotui.core.planning.needs import ENDED, find_skips, open_needs
from yolotui.core.planning.ordering import Rank, fifo_cleared_at, overdue_at, rank_of, urgency
from yolotui.core.planning.policy import Kind, Policy, Preemption
from yolotui.core.planning.pools import too_hot
from yolotui.core.planning.reasons import Placed
from yolotui.core.planning.rough import Backfill
from yolotui.core.planning.search import Budget, Search
from yolotui.core.planning.tasks import Place, Task
from yolotui.core.planning.windows import Gaps
from yolotui.core.planning.yardsticks import place_all
from yolotui.core.timetable import Demand, Need, NeedMode, Timetable, World

FULL_EFFORT_FOR = 25  # tasks
TOGETHER_S = 600.0  # jobs that were submitted within such a time belong together


class Planner:
    """Plans one world once."""

    def __init__(self, world: World, policy: Policy, now: float) -> None:
        self._world = world
        self._policy = policy
        self._now = now
        self._before = world.previous.by_job() if world.previous else {}
        self._resting = too_hot(world.gpus, world.previous, policy)
        self._active = [demand for demand in world.demands if demand.state != "waiting"]
        waiting = [demand for demand in world.demands if demand.state == "waiting"]
        self._skips = find_skips(waiting)
        self._waiting = [demand for demand in waiting if demand.job_id not in self._skips]
        self._demands = {demand.job_id: demand for demand in world.demands}
        self._bound = bind(world, now)
        coming_back = (demand for demand in self._active if demand.resumable or demand.notice)
        self._ground = Ground(world, self._bound.bookings, self._resting, [*self._waiting, *coming_back], now)
        self._profile = self._ground.profile(policy.tenants)
        holders = [demand for demand in self._active if not _is_at_rest(demand)]
        self._holdings = Holdings(holders, self._ground, self._before, policy, now)
        self._gaps = Gaps(self._ground, policy)
        self._todo: list[Task] = []
        self._places: dict[int, Place] = {}
        self._reserved: dict[int, tuple[Booking, Place]] = {}
        self._order: list[int] = []
        order = world.previous.order if world.previous else ()
        self._promised_position = {job_id: position for position, job_id in enumerate(order)}
        self._budget = Budget(0)

    def timetable(self) -> Timetable:
        """The whole plan."""
        entries = Entries(self._world, self._ground, self._resting, self._now)
        for demand in filter(_is_at_rest, self._active):
            entries.write_blocked(demand)
        for departure in self._holdings.keep(self._bound.bookings, self._profile):
            self._depart(departure)
        tasks = self._tasks(entries)
        self._settle_guard(tasks)
        at_first = self._profile.copy()
        careful, rough = self._split(tasks)
        self._budget = self._affordable(len(careful))
        classes = {job_id: demand.priority for job_id, demand in self._demands.items()}
        evictable = self._holdings.evictable(self._bound.bookings)
        self._evictions = Evictions(evictable, classes, self._policy, self._now)
        self._reserve(careful)
        self._place(careful)
        backfilled = self._fill_gaps(rough)
        entries.settle({task.job_id: task.limit for task in tasks})
        self._holdings.write(entries, self._places, self._profile.rooms)
        departures = self._holdings.departures.values()
        entries.write_careful(Placed(self._places, self._order, departures, at_first, self._profile))
        entries.write_rough([task for task in rough if task.job_id not in backfilled], self._profile)
        entries.write_unforeseeable(self._waiting)
        return Timetable(
            made_at=self._now,
            entries=entries.in_order(),
            skips=tuple(self._skips.values()),
            order=tuple(self._order),
            resting=self._resting,
            evictions=self._holdings.evictions(),
            bindings=self._bound.bindings,
            hindrances=self._bound.hindrances,
        )

    def _affordable(self, tasks: int) -> Budget:
        """The effort that fits into the time that a plan may take: trials cost more with more tasks and more pools."""
        share = min(1.0, FULL_EFFORT_FOR / max(1, tasks)) / max(1, len(self._ground.capacities) - 1)
        return Budget(int(self._policy.effort * share))

    # What there is to place

    def _tasks(self, entries: Entries) -> list[Task]:
        """What can be placed at all. The others get their entry here."""
        tasks: list[Task] = []
        for demand in self._waiting:
            if demand.blocked:
                entries.write_blocked(demand)
            elif demand.gpus and self._ground.capacity(demand) < demand.gpus:
                entries.write_no_place(demand)
            elif demand.gpus and (quota := self._ground.too_small(demand)):
                entries.write_over_quota(demand, quota)
            else:
                tasks.append(self._task(demand, demand.estimate.remaining_s, max(self._now, demand.not_before or 0.0)))
        return self._within_quotas(tasks, entries) if self._world.quotas else tasks

    def _within_quotas(self, tasks: list[Task], entries: Entries) -> list[Task]:
        """Those that this week's GPU-hours suffice for, and those that wait for another week; no others."""
        allowances = Allowances(self._world.quotas, self._active, self._now)
        within: list[Task] = []
        for task in sorted(tasks, key=self._submission):
            demand = self._demands[task.job_id]
            hold = allowances.hold_back(task, demand)
            if hold is None or hold.until is not None:
                within.append(task)
            if hold is not None:
                entries.write_over_quota(demand, hold.quota, hold.until)
        return within

    def _task(self, demand: Demand, duration_s: float, release: float) -> Task:
        return Task(
            demand.job_id,
            width=demand.gpus or 1,
            duration=max(duration_s, SHORTEST_S),
            release=release,
            pools=self._ground.views(demand),
            also=self._ground.also(demand),
            shares_bytes=demand.vram_bytes if demand.shares and demand.gpus == 1 else None,
        )

    def _depart(self, departure: Departure) -> None:
        """What is left of a job that leaves its devices waits for others, where it stood in the queue."""
        demand = departure.demand
        self._holdings.departures[demand.job_id] = departure
        self._todo = [task for task in self._todo if task.job_id != demand.job_id]  # it may leave sooner than thought
        if self._ground.capacity(demand) >= demand.gpus and not self._ground.too_small(demand):
            task = self._task(demand, departure.left_s(self._now), departure.leaves_at)
            task.set_limits(self._holdings.limit_of(demand), demand.deadline_at)
            task.key = self._key(task)
            insort(self._todo, task, key=lambda each: each.key)

    def _settle_guard(self, tasks: list[Task]) -> None:
        """From when on each is overdue: settled in the first plan that a job is in."""
        known = {job_id: entry.overdue_at for job_id, entry in self._before.items()}
        new = [task for task in tasks if known.get(task.job_id) is None]
        if new:
            running = [
                (pool, stay.finish)
                for stay in self._holdings.stays.values()
                for pool, count in stay.share
                for _ in range(count)
            ]
            by_submission = sorted(tasks, key=self._submission)
            cleared_at = fifo_cleared_at(running, by_submission, self._ground.lanes(self._now), self._now)
            for task in new:
                known[task.job_id] = overdue_at(self._demands[task.job_id], cleared_at, self._policy)
        for task in tasks:
            task.set_limits(known[task.job_id] or 0.0, self._demands[task.job_id].deadline_at)

    def _submission(self, task: Task) -> tuple[float, int]:
        return (self._demands[task.job_id].submitted_at, task.job_id)

    # Order

    def _split(self, tasks: list[Task]) -> tuple[list[Task], list[Task]]:
        """In the order to place them: those placed with care, and the rest."""
        for task in tasks:
            task.key = self._key(task)
        tasks.sort(key=lambda task: task.key)
        careful, rough = tasks[: self._policy.careful], tasks[self._policy.careful :]
        booked = {task.job_id for task in rough if self._ground.is_booked(task.job_id)}
        if not booked:
            return careful, rough
        careful += [task for task in rough if task.job_id in booked]
        return careful, [task for task in rough if task.job_id not in booked]

    def _key(self, task: Task) -> tuple[float, ...]:
        """Its place in the queue before any search; the first part of it is its group."""
        policy, demand = self._policy, self._demands[task.job_id]
        if policy.kind is Kind.PLAN:
            rank = rank_of(demand, task.limit, policy, self._now)
            return urgency(demand, rank, task.limit, policy, self._now)
        if policy.kind is Kind.PRIO_EASY:
            return (0, demand.priority, *self._submission(task))
        if policy.kind is Kind.EDF_EASY:
            return (0, demand.deadline_at or float("inf"), *self._submission(task))
        return (0, *self._submission(task))

    def _searched(self, rank: Rank, tasks: list[Task]) -> list[Task]:
        """What was promised keeps its order, what is new goes where it harms least; better if anything happened."""
        if rank is Rank.P0 and any(self._demands[task.job_id].priority > 0 for task in tasks):
            return tasks  # somebody has waited beyond all measure: no search may put him off again
        position = self._promised_position
        promised = sorted((task for task in tasks if task.job_id in position), key=lambda task: position[task.job_id])
        new = [task for task in tasks if task.job_id not in position]
        if not new and not self._has_changed:
            return promised
        budget = self._budget.part(0.5 if rank < Rank.P2 else 0.8)
        search = Search(self._profile, self._now, self._policy.mode, budget, self._submissions)
        if len(tasks) <= self._policy.searched:
            return search.best_order(promised, new)
        merged = _merged(promised, sorted(new, key=lambda task: (task.area, task.job_id)))
        head, tail = merged[: self._policy.searched], merged[self._policy.searched :]
        return search.best_order(head, []) + tail

    @property
    def _submissions(self) -> int:
        """How many submissions of one or more jobs stand in the queue or run."""
        return max(1, len({demand.submitted_at // TOGETHER_S for demand in self._world.demands}))

    @property
    def _has_changed(self) -> bool:
        """Whether anything has happened since the last plan but what it decided itself."""
        ran = {entry.job_id for entry in self._before.values() if entry.why is None}
        waited = self._before.keys() - ran
        runs = self._holdings.stays.keys()
        return ran != runs or any(demand.job_id not in waited for demand in self._waiting)

    # Places

    def _reserve(self, tasks: Iterable[Task]) -> None:
        """Who has a booking of his own has his place in its window before anybody else has one."""
        for task in tasks:
            demand = self._demands[task.job_id]
            booking = next((b for b in self._ground.bookings_of(demand) if b.job_id is not None), None)
            if booking is None or open_needs(demand):
                continue
            inside = task.part(task.duration, max(task.release, booking.starts_at))
            inside.shares_bytes = None  # who comes in later slows it down
            inside.use(self._ground.views_of(demand, booking))
            if sum(self._ground.capacities[view] for view in inside.pools) < task.width:
                continue
            if demand.resumable and demand.preemptible:
                inside.duration = max(SHORTEST_S, min(task.duration, booking.kept_until - inside.release))
            place = self._profile.place(inside)
            self._reserved[task.job_id] = (booking, place)

    def _place(self, tasks: Iterable[Task]) -> None:
        """Place group after group; who hangs on something comes when that has its place, whatever their classes."""
        self._todo = sorted([*self._todo, *tasks], key=lambda task: task.key)
        while ready := self._first_ready():
            chosen = {task.job_id for task in ready}
            self._todo = [task for task in self._todo if task.job_id not in chosen]
            self._place_group(Rank(int(ready[0].key[0])), ready)

    def _first_ready(self) -> list[Task]:
        """Those of the first group that can be placed at all."""
        for rank in dict.fromkeys(task.key[0] for task in self._todo):
            if ready := [task for task in self._todo if task.key[0] == rank and self._is_ready(task)]:
                return ready
        return []

    def _is_ready(self, task: Task) -> bool:
        """Whether everything that it hangs on has its place; its release moves behind that."""
        demand = self._demands[task.job_id]
        if not demand.needs:
            return True
        needs = open_needs(demand)
        ends = {need.job_id: self._expected_end(need) for need in needs}
        required = [ends[need.job_id] for need in needs if need.mode is not NeedMode.ANY]
        alternatives = [end for need in needs if need.mode is NeedMode.ANY and (end := ends[need.job_id]) is not None]
        if any(end is None for end in required) or (any(n.mode is NeedMode.ANY for n in needs) and not alternatives):
            return False
        moments = [end for end in required if end is not None]
        task.release = max([task.release, *moments, *([min(alternatives)] if alternatives else [])])
        return True

    def _expected_end(self, need: Need) -> float | None:
        """When the need is expected to be met; None when that can't be foreseen: nobody plans for a failure."""
        if need.mode is NeedMode.FAILED or need.state in ENDED:
            return None
        place = self._places.get(need.job_id)
        if place is None:
            return self._holdings.expected_end(need.job_id)
        slowed = self._profile.rooms.finishes() if place.tenancy else {}
        return slowed.get(need.job_id, place.done_at)

    def _place_group(self, rank: Rank, tasks: list[Task]) -> None:
        """Book the tasks of one class that are ready, in the best order that the policy finds."""
        if self._policy.kind is not Kind.PLAN:
            self._places.update(place_all(self._policy.kind, tasks, self._profile, self._now))
            self._order += [task.job_id for task in tasks]
            return
        lasting = [task for task in tasks if self._is_lasting(task)]
        fleeting = [task for task in tasks if not self._is_lasting(task)]
        for task in [*self._searched(rank, lasting), *fleeting]:
            self._place_one(rank, task)

    def _is_lasting(self, task: Task) -> bool:
        """Whether there will always be enough devices for it: what may never start would blind the search."""
        demand = self._demands[task.job_id]
        return demand.gpus == 0 or self._ground.lasting_capacity(demand) >= demand.gpus

    def _place_one(self, rank: Rank, task: Task) -> None:
        demand = self._demands[task.job_id]
        if reserved := self._reserved.get(task.job_id):
            place = self._before_or_in_window(task, *reserved)
        else:
            if self._may_evict(task):
                for departure in self._evictions.make_room(task, demand, rank, self._profile):
                    self._depart(departure)
            place = self._gaps.place(task, demand, self._profile)
        self._places[task.job_id] = place
        self._order.append(task.job_id)

    def _before_or_in_window(self, task: Task, booking: Booking, reserved: Place) -> Place:
        """It starts when its window opens, unless it can be done before that."""
        sooner = self._profile.find(task)
        if sooner.finish <= booking.starts_at:
            self._profile.unbook(reserved)
            self._profile.book(sooner)
            return sooner
        done_s = reserved.finish - reserved.start
        if done_s >= task.duration:
            return reserved
        rest = self._profile.place(task.part(task.duration - done_s + RESTART_S, reserved.finish))
        return Place(reserved.start, reserved.finish, reserved.share, rest)

    def _may_evict(self, task: Task) -> bool:
        """Whether it waits for nothing but GPUs, and is urgent enough that others make room for it."""
        demand = self._demands[task.job_id]
        return (
            self._policy.preemption is Preemption.EVICT
            and demand.priority <= Priority.P1
            and demand.state == "waiting"
            and demand.gpus > 0
            and task.release <= self._now
            and not open_needs(demand)
        )

    def _fill_gaps(self, rough: Iterable[Task]) -> set[int]:
        """Whoever of those far behind fits into what is free right now, delaying nobody, starts at once."""
        backfill = Backfill(self._profile, self._ground.capacities, self._now)
        taken: set[int] = set()
        for task in rough:
            if backfill.pools.isdisjoint(task.pools):
                continue
            demand = self._demands[task.job_id]
            if demand.needs and open_needs(demand):
                continue
            if place := backfill.take(task):
                self._places[task.job_id] = place
                self._order.append(task.job_id)
                taken.add(task.job_id)
        return taken


def _is_at_rest(demand: Demand) -> bool:
    """Whether a person keeps it back and it holds nothing."""
    return not demand.holding and demand.state in {"held", "paused"}


def _merged(promised: Sequence[Task], new: Sequence[Task]) -> list[Task]:
    """New tasks among the promised ones, each before those at the end of the queue that are larger."""
    merged = list(promised)
    for task in new:
        at = len(merged)
        while at and merged[at - 1].area > task.area:
            at -= 1
        merged.insert(at, task)
    return merged
