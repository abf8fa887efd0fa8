"""Deadlines: a miss is foretold when a timetable first shows it, with what would save it; so is its end."""

from __future__ import annotations

import logging

from yolotui.core.deadlines import Miss, misses, rescue
from yolotui.core.plan import Policy
from yolotui.scheduler.deciding import Decision
from yolotui.store import Actor, Store

IN_DANGER, SAFE_AGAIN = "deadline-in-danger", "deadline-safe-again"
MOST_AT_ONCE = 3  # what would save each is found by several plans
STEADY_S = 60.0  # a finish that wavers around its deadline is no news each time

log = logging.getLogger("yolotui.scheduler")


class DeadlineWatch:
    """Tells once when a deadline comes into danger and once when it is safe again, whoever leads."""

    def __init__(self, store: Store, policy: Policy) -> None:
        self._store = store
        self._policy = policy
        self._in_danger: dict[int, float] = {}

    def remember(self) -> None:
        """Take over what earlier leaders have told."""
        settled: set[int] = set()
        for row in self._store.read.deeds(Actor.scheduler(), {IN_DANGER, SAFE_AGAIN}):  # newest first
            if row.job is None or row.job in settled:
                continue
            settled.add(row.job)
            if row.verb == IN_DANGER:
                self._in_danger[row.job] = row.detail["deadline_at"]

    def look_at(self, decision: Decision) -> None:
        """Tell what a decision means for deadlines."""
        missed = {miss.job_id: miss for miss in misses(decision.world, decision.timetable)}
        self._tell_who_is_safe(decision, missed)
        new = [miss for miss in missed.values() if self._in_danger.get(miss.job_id) != miss.deadline_at]
        for miss in new[:MOST_AT_ONCE]:
            self._tell(miss, decision)

    def _tell(self, miss: Miss, decision: Decision) -> None:
        world, now = decision.world, decision.timetable.made_at
        found = rescue(world, self._policy, now, miss)
        change = found.sentence(miss) if found else "No other class would save it."
        self._in_danger[miss.job_id] = miss.deadline_at
        log.info("%s %s", miss.sentence(now), change)
        self._store.ledger.tell(
            IN_DANGER,
            miss.job_id,
            deadline_at=miss.deadline_at,
            expected_finish=miss.finish_at,
            why=miss.sentence(now),
            change=change,
        )

    def _tell_who_is_safe(self, decision: Decision, missed: dict[int, Miss]) -> None:
        finishes = {entry.job_id: entry.finish_at for entry in decision.timetable.entries}
        deadlines = {demand.job_id: demand.deadline_at for demand in decision.world.demands}
        for job_id in self._in_danger.keys() - missed.keys():
            deadline_at, finish_at = deadlines.get(job_id), finishes.get(job_id)
            if deadline_at is None:  # it has ended, or need not be done by then any more
                del self._in_danger[job_id]
            elif finish_at is not None and finish_at + STEADY_S <= deadline_at:
                del self._in_danger[job_id]
                self._store.ledger.tell(SAFE_AGAIN, job_id, deadline_at=deadline_at, expected_finish=finish_at)
