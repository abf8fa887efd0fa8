"""Quotas over time: how many GPUs at once are pools without devices; GPU-hours a week are given out here."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from yolotui.core.planning.tasks import Task
from yolotui.core.quotas import Quota, QuotaScope
from yolotui.core.timetable import Demand

WEEK_S = 7 * 86400.0
FURTHEST = 52  # weeks


def is_under(quota: Quota, demand: Demand) -> bool:
    """Whether what the demand uses counts for the quota."""
    return demand.gpus > 0 and quota.name == (demand.owner if quota.scope is QuotaScope.OWNER else demand.group)


class Week:
    """What is left of one quota in this week and the next ones. `ends_at` is the end of this one (UTC seconds)."""

    def __init__(self, quota: Quota, now: float) -> None:
        assert quota.weekly_gpu_s is not None
        self.quota = quota
        self._now = now
        self.ends_at = quota.week_ends_at if quota.week_ends_at > now else now + WEEK_S
        self._weekly_gpu_s = quota.weekly_gpu_s
        self._left = {0: quota.weekly_gpu_s - quota.used_gpu_s}

    def spend(self, demand: Demand) -> None:
        """What runs uses, as far as this week goes, whatever is left."""
        self._left[0] -= len(demand.holding) * min(demand.estimate.remaining_s, self.ends_at - self._now)

    def begin(self, week: int) -> float:
        """When a week begins; the one that is now has."""
        return self._now if week == 0 else self.ends_at + (week - 1) * WEEK_S

    def first_with_room(self, task: Task) -> int | None:
        """The first week with room for the task; None when a whole week is too little for it."""
        for week in range(FURTHEST):
            if self._within(task, week) <= self._left.get(week, self._weekly_gpu_s):
                return week
        return None

    def book(self, task: Task) -> None:
        """Set aside what the task may use at most of the week that it may start in."""
        week = next(week for week in range(FURTHEST) if task.release < self.begin(week + 1))
        self._left[week] = self._left.get(week, self._weekly_gpu_s) - self._within(task, week)

    def _within(self, task: Task, week: int) -> float:
        begins_at = max(self.begin(week), task.release)
        return task.width * max(0.0, min(task.duration, self.begin(week + 1) - begins_at))


class Hold(NamedTuple):
    """The quota that a job waits for, and when it has room again; None: never for a job of this size."""

    quota: Quota
    until: float | None


class Allowances:
    """The weekly quotas of one world."""

    def __init__(self, quotas: Iterable[Quota], running: Sequence[Demand], now: float) -> None:
        self._weeks = [Week(quota, now) for quota in quotas if quota.weekly_gpu_s is not None]
        for week in self._weeks:
            for demand in running:
                if is_under(week.quota, demand):
                    week.spend(demand)

    def hold_back(self, task: Task, demand: Demand) -> Hold | None:
        """Let the task start no sooner than all of its quotas have room for it; None if they have room now."""
        mine = [week for week in self._weeks if is_under(week.quota, demand)]
        hold: Hold | None = None
        for each in mine:
            week = each.first_with_room(task)
            if week is None:
                return Hold(each.quota, None)
            if (begins_at := each.begin(week)) > task.release:
                task.release, hold = begins_at, Hold(each.quota, begins_at)
        for each in mine:
            each.book(task)
        return hold
