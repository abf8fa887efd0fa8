"""The leader of a demonstration: it makes the week that was, on a clock that is put forward, and then leads on."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from math import inf
from pathlib import Path

from yolotui.core.jobs import Job, Process, Waiting
from yolotui.core.plan import Policy
from yolotui.demo.cards import VISIT_S, DemoHost
from yolotui.demo.clock import Clock
from yolotui.demo.roles import Role, quick
from yolotui.demo.trainings import Trainings
from yolotui.demo.week import DAYS, UID, Act, Week, write_data_sets
from yolotui.errors import NotPossible
from yolotui.leadership import Lock
from yolotui.locations import Home
from yolotui.probe import Samples
from yolotui.probe.processes import identity
from yolotui.scheduler.leader import Leader
from yolotui.scheduler.wakeups import Wakeups
from yolotui.store import Actor, Store
from yolotui.units import HOUR_S

LEAD_S = 60.0
SAMPLE_EVERY_S, RECENT_SAMPLE_EVERY_S, RECENT_S = 600.0, 60.0, 8 * HOUR_S
QUICK_LOOK_S = 1.0
EFFORT = 600  # trial placements a plan: in the past nobody waits for the best one


class Demonstration:
    """A home with a past, and the leader that made it."""

    def __init__(self, home: Home, store: Store, clock: Clock, wakeups: Wakeups, *, now: float, seed: int) -> None:
        self.store = store
        self._clock = clock
        self._now = now
        self._week = Week(home.root, seed)
        self._trainings = Trainings(clock, self._role)
        self._host = DemoHost(clock, lambda: self._trainings.running, Samples(home.samples), now - 0.8 * VISIT_S)
        self._leader = Leader(
            home, store, self._trainings, self._host, wakeups,
            policy=Policy(effort=EFFORT), until_idle=False, is_intact=store.is_intact, clock=clock,
            preflight="off",  # nothing to look at: data and weights of the story are names, and checks take real time
        )  # fmt: skip

    def make_the_past(self) -> None:
        """Go from event to event until now: what people did, what ended, who came and went."""
        acts = list(self._week.acts)
        sampled_at = self._clock()
        while (at := min(self._next_event_at(acts), self._now)) < self._now:
            sampled_at = self._sample_until(at, sampled_at)
            self._clock.at = at
            while acts and self._moment(acts[0]) <= at:
                self._do(acts.pop(0))
            self._step()
        self._sample_until(self._now, sampled_at)
        self._clock.at = self._now
        self._step()

    def lead(self) -> str:
        """Lead on in real time; returns why it left."""
        self._clock.at = None
        return self._leader.run()

    def _step(self) -> None:
        """One round, and one more where something was started: it runs a moment later."""
        before = set(self._trainings.running)
        self._leader.step()
        if set(self._trainings.running) - before:
            self._clock.at = min((self._clock.at or 0.0) + QUICK_LOOK_S, self._now)
            self._leader.step()

    def _next_event_at(self, acts: list[Act]) -> float:
        now = self._clock()
        waits = [job.status for job in self.store.read.jobs(unfinished=True)]
        moments = [
            self._moment(acts[0]) if acts else inf,
            self._trainings.next_end_at,
            self._host.next_change_at,
            *(each.not_before for each in waits if isinstance(each, Waiting) and each.not_before),
        ]
        return min((moment for moment in moments if moment > now), default=inf)

    def _moment(self, act: Act) -> float:
        return self._now - act.hours_ago * HOUR_S

    def _do(self, act: Act) -> None:
        try:
            act.do(self.store, Actor(act.who, UID))
        except NotPossible:
            return  # the story went another way

    def _sample_until(self, at: float, sampled_at: float) -> float:
        """Read the cards now and then while nothing happens."""
        while True:
            is_recent = sampled_at > self._now - RECENT_S
            if (sampled_at := sampled_at + (RECENT_SAMPLE_EVERY_S if is_recent else SAMPLE_EVERY_S)) >= at:
                return at
            self._clock.at = sampled_at
            self._host.refresh()

    def _role(self, job: Job) -> Role:
        return self._week.roles.get(job.name) or quick(job.spec)


@contextmanager
def demonstration(
    root: Path, now: float, seed: int, wakeups: Wakeups, leader: Process | None = None
) -> Iterator[Demonstration]:
    """A demonstration in the empty directory `root`, led by this process, with its past made until `now`.

    `leader` is who is said to lead, for pictures that are always the same.
    """
    home = Home(root)
    home.create()
    home.demo_mark.touch(mode=0o600)
    write_data_sets(root)
    lock = Lock(home.scheduler_lock)
    if not lock.acquire():
        raise NotPossible(f"{root} has a leader already.")
    clock = Clock(now - DAYS * 24 * HOUR_S - LEAD_S)
    me = leader or identity(os.getpid())
    assert me is not None
    try:
        with Store(home, clock=clock, wakes_leader=False, durable=False) as store:
            store.ledger.take_the_lead(me)
            shown = Demonstration(home, store, clock, wakeups, now=now, seed=seed)
            shown.make_the_past()
            yield shown
    finally:
        lock.release()
