"""Who makes room for whom: a P0 or P1 that can't start takes the GPUs of lower jobs, those that lose least by it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from msgspec.structs import replace

from yolotui.core.jobs import Notice, Priority
from yolotui.core.planning.leaving import Departure, is_pausable, leave, loses
from yolotui.core.planning.ordering import Rank
from yolotui.core.planning.policy import Policy
from yolotui.core.planning.profile import Profile
from yolotui.core.planning.tasks import Share, Task
from yolotui.core.timetable import Demand

WORTH_IT_S = 60.0
"""Nobody is stopped so that another one starts sooner by less than this."""


class Stay(NamedTuple):
    """A job that runs: the devices that it has alone, until when, and the group that it would stand in if it waited.

    `card` is the one that it shares with others, or would.
    """

    demand: Demand
    share: Share
    finish: float
    rank: Rank
    card: str = ""


Leaving = tuple[Stay, Departure]


class Unit(NamedTuple):
    """One who leaves, or all who share a card: nobody is helped if one of these stays. `share` is what becomes free."""

    leaving: tuple[Leaving, ...]
    share: Share
    finish: float

    @property
    def leaves_at(self) -> float:
        """When the last of them has left."""
        return max(departure.leaves_at for _, departure in self.leaving)

    @property
    def costs_s(self) -> float:
        """What it costs all of them."""
        return sum(departure.costs_s for _, departure in self.leaving)

    @property
    def classes(self) -> tuple[int, ...]:
        """Their classes, the lowest first to go where all else is equal."""
        return tuple(-stay.demand.priority for stay, _ in self.leaving)


class Choice(NamedTuple):
    """Some that could leave, and what that costs: cheaper ones compare as less."""

    costs_s: float
    classes: tuple[int, ...]
    units: tuple[Unit, ...]


class Evictions:
    """Finds room among those that run. `stays` are all whose devices the plan may count on."""

    def __init__(self, stays: Iterable[Stay], classes: Mapping[int, Priority], policy: Policy, now: float) -> None:
        """`classes` are those of all jobs, by id."""
        self._classes = classes
        self._staying = [stay for stay in stays if is_pausable(stay.demand)]
        self._policy = policy
        self._now = now

    def make_room(self, task: Task, demand: Demand, rank: Rank, profile: Profile) -> list[Departure]:
        """Who leaves so that the job can start, in the profile as well; nobody when it would not, or need not.

        Who has been told already is asked first, and told nothing new as long as that is enough.
        """
        told = [(stay, leave(stay.demand, self._now, notice)) for stay, notice in self._told_for(demand)]
        told_units = _units(told, profile)
        with_told = _without(told_units, profile)
        room_at = max((unit.leaves_at for unit in told_units), default=self._now)
        more: list[Unit] = []
        if with_told.find(task).start > room_at + WORTH_IT_S:
            more = self._cheapest(task, demand, rank, [stay for stay, _ in told], with_told)
        chosen = [*_needed(told_units, more, task, profile), *more]
        for unit in chosen:
            _give_back(unit, profile)
        leaving = [each for unit in chosen for each in unit.leaving]
        for stay, _ in leaving:
            self._staying.remove(stay)
        return [departure for _, departure in leaving]

    def _told_for(self, demand: Demand) -> list[tuple[Stay, Notice]]:
        """Those that have notice to make room for this job, and not later than they would be told today."""
        due_at = self._notice(demand).due_at
        notices = [(stay, stay.demand.notice) for stay in self._staying if stay.demand.priority > demand.priority]
        return [
            (stay, notice)
            for stay, notice in notices
            if notice and notice.for_job == demand.job_id and notice.due_at <= due_at
        ]

    def _cheapest(self, task: Task, demand: Demand, rank: Rank, told: Sequence[Stay], profile: Profile) -> list[Unit]:
        """The cheapest set, beside those told already, that lets the job start sooner by more than it costs."""
        start = profile.find(task).start
        leaving = [
            (stay, self._told(stay, demand))
            for stay in self._staying
            if stay not in told and self._may_evict(demand, rank, stay)
        ]
        units = [
            unit
            for unit in _units(leaving, profile)
            if unit.leaves_at + WORTH_IT_S <= min(start, unit.finish)
            and any(pool in map(profile.devices, task.pools) for pool, _ in unit.share)
        ]
        choices: list[Choice] = []
        for room_at in sorted({unit.leaves_at for unit in units}):
            free = sum(max(0, profile.least(pool, room_at, room_at + task.duration)) for pool in task.pools)
            by_then = [unit for unit in units if unit.leaves_at <= room_at]
            pools = [profile.devices(pool) for pool in task.pools]
            if choice := _cheapest_cover(by_then, task.width - free, pools):
                choices.append(choice)
        if not choices:
            return []
        best = min(choices, key=lambda choice: choice[:2])
        sooner_s = start - _without(best.units, profile).find(task).start
        return list(best.units) if sooner_s >= max(WORTH_IT_S, best.costs_s) else []

    def _may_evict(self, demand: Demand, rank: Rank, stay: Stay) -> bool:
        """Whether the one runs in a strictly lower class, would not come back before the other, and had its hour."""
        victim, policy = stay.demand, self._policy
        rested = victim.evicted_at is None or self._now - victim.evicted_at >= policy.evict_again_s
        is_lower = victim.priority > demand.priority and stay.rank > rank
        return rested and is_lower and not self._leaves_for_another(stay, demand)

    def _leaves_for_another(self, stay: Stay, demand: Demand) -> bool:
        """Whether it has notice to leave for a booking, or for a job that is as urgent: a P0 may have a P1's room."""
        notice = stay.demand.notice
        if notice is None or notice.for_job == demand.job_id:
            return False
        return notice.for_job is None or self._classes.get(notice.for_job, Priority.P3) <= demand.priority

    def _notice(self, demand: Demand) -> Notice:
        """What somebody would be told who has to make room for this job: a P0 waits for nothing but a checkpoint."""
        is_p0 = demand.priority is Priority.P0
        return Notice(
            given_at=self._now,
            due_at=self._now if is_p0 else self._now + self._policy.notice_s,
            patience_s=self._policy.checkpoint_wait_s if is_p0 else None,
            for_job=demand.job_id,
            why="",
        )

    def _told(self, stay: Stay, demand: Demand) -> Departure:
        departure = leave(stay.demand, self._now, self._notice(demand))
        assert departure.notice is not None
        needs = "its GPU" if len(stay.demand.holding) == 1 else "its GPUs"
        why = f"Job {demand.job_id} ({demand.name}, {demand.priority.name}) needs {needs}. {loses(departure.loses_s)}"
        return replace(departure, notice=replace(departure.notice, loses_s=departure.loses_s, why=why))


def _units(leaving: Iterable[Leaving], profile: Profile) -> list[Unit]:
    """Those who leave by themselves, and the cards that all leave who share them."""
    units: list[Unit] = []
    on_card: dict[str, list[Leaving]] = {}
    for stay, departure in leaving:
        if stay.card:
            on_card.setdefault(stay.card, []).append((stay, departure))
        else:
            units.append(Unit(((stay, departure),), stay.share, stay.finish))
    for room in profile.rooms.all:
        tenants = on_card.get(room.card, [])
        if {tenant.job_id for tenant in room.tenants} == {stay.demand.job_id for stay, _ in tenants}:
            units.append(Unit(tuple(tenants), ((room.pool, 1),), room.finish))
    return units


def _needed(told: list[Unit], more: list[Unit], task: Task, profile: Profile) -> list[Unit]:
    """Those who have been told and without whom the job would start later, the others leaving in any case."""
    needed = sorted(told, key=lambda unit: -unit.costs_s)
    start = _without([*needed, *more], profile).find(task).start
    for each in list(needed):
        others = [other for other in needed if other is not each]
        if _without([*others, *more], profile).find(task).start < start + WORTH_IT_S:
            needed = others
    return needed


def _cheapest_cover(units: Sequence[Unit], needed: int, pools: Sequence[int]) -> Choice | None:
    """The cheapest of all sets that hold so many devices of these pools between them: a knapsack, turned around."""
    best: list[Choice | None] = [Choice(0.0, (), ()), *([None] * max(0, needed))]
    for unit in units:
        frees = sum(count for pool, count in unit.share if pool in pools)
        for freed in range(len(best) - 1, 0, -1):
            if rest := best[max(0, freed - frees)]:
                choice = Choice(rest.costs_s + unit.costs_s, (*rest.classes, *unit.classes), (*rest.units, unit))
                known = best[freed]
                if known is None or choice[:2] < known[:2]:
                    best[freed] = choice
    cheapest = best[-1]
    return cheapest if cheapest and cheapest.units else None


def _without(units: Iterable[Unit], profile: Profile) -> Profile:
    """What the profile would be like."""
    trial = profile.copy()
    for unit in units:
        _give_back(unit, trial)
    return trial


def _give_back(unit: Unit, profile: Profile) -> None:
    """Let the devices be free from when they leave, and what each has of its quotas."""
    if unit.leaves_at < unit.finish:
        for pool, count in unit.share:
            profile.give(pool, unit.leaves_at, unit.finish, count)
    for stay, departure in unit.leaving:
        if stay.card:
            profile.rooms.vacate(stay.card, unit.leaves_at)
            for pool, count in stay.share:
                profile.give(pool, departure.leaves_at, max(stay.finish, departure.leaves_at), count)
