"""Plan search: the order of one class, improved by trial swaps.

An order costs what the places cost that it leads to when its tasks are put one after the other, each at its earliest.
The search starts from the order that was promised last, puts what is new where it does least harm, then tries moves. It
counts trial placements and reads no clock, and its dice are seeded from the tasks: the same world, the same order.
"""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from yolotui.core.planning.policy import Mode
from yolotui.core.planning.profile import Profile
from yolotui.core.planning.tasks import Task

GUARD_WEIGHT = 3.0
DEADLINE_WEIGHT = 3.0
MISSED_S = 6 * 3600.0
"""A deadline that is missed costs as much as if so many hours more were waited, and more the later it gets."""
END_WEIGHT = 0.8  # of the end of everything, beside the mean of all ends
WORTH_MOVING = 0.002
"""A promised order is given up for another one only when that is better by this part of its cost."""


class Budget:
    """How many trial placements are left."""

    def __init__(self, placements: int) -> None:
        self.left = placements

    def part(self, share: float) -> Budget:
        """Set a part aside."""
        placements = int(self.left * share)
        self.left -= placements
        return Budget(placements)


class Search:
    """Finds a good order of tasks on a profile that already holds everything that goes before them.

    `submissions` is how often jobs came lately: the more often, the less the end of what waits now is the end of
    anything, and the less it counts in the balanced mode.
    """

    def __init__(self, profile: Profile, now: float, mode: Mode, budget: Budget, submissions: int = 1) -> None:
        self._base = profile
        self._now = now
        self._end_weight = END_WEIGHT / submissions if mode is Mode.BALANCED else 1e6
        self._budget = budget

    def best_order(self, promised: Sequence[Task], new: Sequence[Task]) -> list[Task]:
        """The best order found for both; what was promised keeps its order where nothing is gained by changing it."""
        order = list(promised)
        if not order:
            order = self._constructed(new)
        else:
            for task in new:
                order = self._inserted(order, task)
            if any(task.deadline is not None for task in order):
                order = min((order, _by_deadline(order)), key=self._cost)
        if len(order) > 1:
            order = self._improved(order, stuck=WORTH_MOVING if promised else 0.0)
        return order

    def _constructed(self, tasks: Sequence[Task]) -> list[Task]:
        """From nothing: the best of some plain orders, and of building one up by insertion, the largest first."""
        plain = [
            list(tasks),
            sorted(tasks, key=lambda task: (task.area, task.job_id)),
            sorted(tasks, key=lambda task: (task.duration, task.job_id)),
            sorted(tasks, key=lambda task: (-task.width, -task.duration, task.job_id)),
            *([_by_deadline(tasks)] if any(task.deadline is not None for task in tasks) else []),
        ]
        if len(tasks) * len(tasks) * len(tasks) < 8 * self._budget.left:
            built: list[Task] = []
            for task in sorted(tasks, key=lambda task: (-task.area, task.job_id)):
                built = self._inserted(built, task)
            plain.append(built)
        return min(plain, key=self._cost)

    def _inserted(self, order: list[Task], task: Task) -> list[Task]:
        """The order with the task where the whole costs least; behind everything when the budget is spent."""
        best, best_cost = [*order, task], float("inf")
        states = self._states(order)
        if self._budget.left < 0:
            return best
        for position in range(len(order), -1, -1):
            trial = [*order[:position], task, *order[position:]]
            cost = self._cost_from(trial, position, states[position], best_cost)
            if cost < best_cost:
                best, best_cost = trial, cost
        return best

    def _improved(self, order: list[Task], stuck: float) -> list[Task]:
        """Swaps and shifts at random while the budget lasts, each kept when it makes the whole cheaper."""
        dice = Random(sum(task.job_id * (position + 1) for position, task in enumerate(order)) * 31 + int(self._now))  # noqa: S311
        size = len(order)
        first_order, first_cost = order, self._cost(order)
        cost = first_cost
        states = self._states(order)
        rejected, patience = 0, size * size * 2
        while self._budget.left > 0 and rejected < patience:
            one, other = dice.randrange(size), dice.randrange(size)
            if one == other:
                continue
            trial = order[:]
            if dice.random() < 0.5:
                trial[one], trial[other] = trial[other], trial[one]
            else:
                trial.insert(other, trial.pop(one))
            first = min(one, other)
            found = self._cost_from(trial, first, states[first], cost)
            if found < cost - 1e-9:
                order, cost, rejected = trial, found, 0
                states[first:] = self._states(order, first, states[first])
            else:
                rejected += 1
        return order if cost < first_cost * (1 - stuck) else first_order

    def _states(
        self, order: Sequence[Task], first: int = 0, state: tuple[Profile, float, float] | None = None
    ) -> list[tuple[Profile, float, float]]:
        """The profile, the cost and the latest finish before each position from `first` on."""
        profile, spent, end = state or (self._base, 0.0, self._now)
        states = [(profile, spent, end)]
        for task in order[first:]:
            profile = profile.copy()
            finish = profile.put(task)
            spent += self._cost_of(task, finish)
            end = max(end, finish)
            states.append((profile, spent, end))
        self._budget.left -= len(order) - first
        return states

    def _cost(self, order: Sequence[Task]) -> float:
        return self._cost_from(order, 0, (self._base, 0.0, self._now), float("inf"))

    def _cost_from(self, order: Sequence[Task], first: int, state: tuple[Profile, float, float], limit: float) -> float:
        """What the order costs, its first part being known; given up as infinite as soon as it passes `limit`."""
        base, spent, end = state
        profile = base.copy()
        put, now, end_weight = profile.put, self._now, self._end_weight * len(order)
        placed = 0
        for task in order[first:] if first else order:
            finish = put(task)
            placed += 1
            spent += finish - now
            if finish > task.due:
                spent += _lateness(task, finish)
            end = max(end, finish)
            if spent + end_weight * (end - now) > limit:
                spent = float("inf")
                break
        self._budget.left -= placed
        return spent + end_weight * (end - now)

    def _cost_of(self, task: Task, finish: float) -> float:
        return finish - self._now + (_lateness(task, finish) if finish > task.due else 0.0)


def _lateness(task: Task, finish: float) -> float:
    """What it costs that a task starts after its limit, or is not done by its deadline."""
    cost = 0.0
    if task.limit and finish - task.duration > task.limit:
        cost += GUARD_WEIGHT * (finish - task.duration - task.limit)
    if task.deadline is not None and finish > task.deadline:
        cost += MISSED_S + DEADLINE_WEIGHT * (finish - task.deadline)
    return cost


def _by_deadline(tasks: Sequence[Task]) -> list[Task]:
    """The most pressing first; those without a deadline behind, the smallest first."""
    return sorted(tasks, key=lambda task: (task.deadline or float("inf"), task.area, task.job_id))
