"""The leader: observes, reaps, plans, acts, publishes, waits; and leaves when nothing is left to do.

Each step reads as what it does. What it decides is committed before it is done, so that a leader killed at any point
leaves a queue from which the next one goes on.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from yolotui.config import BookingsConfig, KeepConfig, QuotasConfig
from yolotui.core.gpus import Host
from yolotui.core.jobs import ACTIVE, Attempt, Job, Skipped, Starting, Waiting
from yolotui.core.limits import Limits
from yolotui.core.plan import Policy
from yolotui.errors import QueueUnusable
from yolotui.leadership import Lock
from yolotui.locations import Home
from yolotui.scheduler.card_troubles import CardTroubles
from yolotui.scheduler.collecting import Collector
from yolotui.scheduler.deadlines import DeadlineWatch
from yolotui.scheduler.deciding import Decider
from yolotui.scheduler.endings import Endings
from yolotui.scheduler.evicting import Evictor
from yolotui.scheduler.executor import Executor
from yolotui.scheduler.health import HealthWatch
from yolotui.scheduler.idling import IdleWatch
from yolotui.scheduler.memory import PeakWatch
from yolotui.scheduler.picture import Picture
from yolotui.scheduler.preflights import Preflights
from yolotui.scheduler.progress import ProgressWatch
from yolotui.scheduler.publishing import Publisher
from yolotui.scheduler.pulse import Pulses
from yolotui.scheduler.reaping import Reaper
from yolotui.scheduler.requests import Requests
from yolotui.scheduler.room import DiskRoom
from yolotui.scheduler.runs import Runs
from yolotui.scheduler.sickness import Sickness
from yolotui.scheduler.starting import Starter
from yolotui.scheduler.troubles import Troubles
from yolotui.scheduler.wakeups import Wakeups
from yolotui.scheduler.warden import Warden
from yolotui.scheduler.watch import Readings
from yolotui.scheduler.windows import Windows
from yolotui.store import Store, with_marks

TICK_S = 1.0
CHECKPOINT_EVERY_S = 10.0
LONG_WAL_BYTES = 4 * 1024**2  # is checkpointed sooner, at most once a tick
REMEMBERED_JOBS = 2000
LINGER_S = 2.0

log = logging.getLogger("yolotui.scheduler")


class Leader:
    """Leads one queue until told to leave or, if asked to, until nothing is left to do."""

    def __init__(
        self,
        home: Home,
        store: Store,
        executor: Executor,
        host: Readings,
        wakeups: Wakeups,
        *,
        policy: Policy,
        until_idle: bool,
        is_intact: Callable[[], bool],
        limits: Limits = Limits(),  # noqa: B008 - frozen
        quotas: QuotasConfig = QuotasConfig(),  # noqa: B008 - frozen
        bookings: BookingsConfig = BookingsConfig(),  # noqa: B008 - frozen
        keep: KeepConfig = KeepConfig(),  # noqa: B008 - frozen
        tell: Callable[[], None] = lambda: None,
        preflight: str = "hold",
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`tell` has people told what happened.

        `is_intact` says whether the lock and the queue that it leads are still those that others see.
        """
        self._clock = clock
        self._home = home
        self._store = store
        self._executor = executor
        self._host = host
        self._wakeups = wakeups
        self._until_idle = until_idle
        self._is_intact = is_intact
        self._tell = tell
        self._troubles = Troubles()
        self._room = DiskRoom()
        self._decider = Decider(store, policy, quotas, self._room)
        self._runs = Runs()
        pulses = Pulses(self._runs.series)
        self._health = HealthWatch(pulses.take, limits)
        self._picture = Picture(store, self._learn)
        self._sickness = Sickness(store)
        self._peaks = PeakWatch()
        self._progress = ProgressWatch(self._runs, self._peaks, self._health, lambda: host.latest.gpus)
        self._endings = Endings(executor)
        self._warden = Warden(self._endings, pulses, limits)
        self._requests = Requests(store, executor, self._endings)
        self._starter = Starter(store, executor, host, self._picture, self._decider, tenants=policy.tenants)
        self._preflights = Preflights(home, store, self._picture, wakeups.nudge, mode=preflight)
        self._evictor = Evictor(store, self._picture)
        self._windows = Windows(store, self._picture, host, expires_s=bookings.expires_s)
        self._deadlines = DeadlineWatch(store, policy)
        self._idling = IdleWatch(store)
        self._card_troubles = CardTroubles(store)
        self._publisher = Publisher(store)
        self._collector = Collector(home, keep, clock=clock)
        self._reaper = Reaper(
            store,
            executor,
            host=host,
            picture=self._picture,
            decider=self._decider,
            sickness=self._sickness,
            progress=self._progress,
            forget=self._forget,
        )
        self._host_seen: Host | None = None
        self._checkpointed_at = 0.0
        self._looked_at = 0.0
        self._idle_since: float | None = None

    def run(self) -> str:
        """Lead; returns why it left."""
        for job in self._store.read.ended_last(REMEMBERED_JOBS):
            self._learn(job)
        self._decider.remember()
        self._deadlines.remember()
        self._card_troubles.remember()
        try:
            return self._lead()
        finally:
            self._preflights.close()
            self._collector.close()

    def _lead(self) -> str:
        while True:
            if self._wakeups.asked_to_leave:
                return "asked to leave"
            if not self._is_intact():
                return "its lock or its queue was removed or replaced"
            try:
                self.step()
                if self._until_idle and self._is_idle():
                    return "nothing is left to do"
                self._wakeups.wait(self._patience_s())
            except QueueUnusable as trouble:
                # The trainings don't need the queue; whatever ails it, the next look may find it mended.
                log.warning("%s", trouble)
                self._picture.forget()
                self._wakeups.wait(TICK_S)

    def step(self) -> None:
        """One round."""
        now = self._clock()
        self._observe()
        self._reap(now)
        self._follow_progress(now)
        self._look_after_windows(now)
        self._look_after_preflights()
        self._plan_and_act()
        self._make_room()
        self._pass_on_requests()
        self._publish(now)
        self._tell()
        self._checkpoint(now)
        self._collector.look_after()

    def _learn(self, job: Job) -> None:
        """A job has changed, or ended under an earlier leader: what it shows is known from now on."""
        self._decider.learn(job)
        self._health.learn(job)

    def _observe(self) -> None:
        """Bring the picture of the queue up to date, and look after GPUs when there is a new reading of them."""
        host = self._host.latest
        self._picture.refresh()
        self._executor.expect(frozenset(job.attempts[-1].uuid for job in self._picture.active()))
        if host is not self._host_seen:
            self._host_seen = host
            self._peaks.look_at(host)
            self._sickness.look_at(host, self._picture.marks)
            self._picture.refresh()

    def _reap(self, now: float) -> None:
        """Look at every attempt that has not ended: adopt it, note that it runs, or bury it."""
        for job in self._picture.active():
            with self._troubles.kept_to(job):
                self._reaper.look_after(job, job.attempts[-1], now)
        self._observe()

    def _forget(self, job: Job, attempt: Attempt) -> None:
        """Let go of what was kept in mind about an attempt that has ended."""
        self._executor.forget(job, attempt)
        self._progress.forget(job.id)
        self._peaks.forget(attempt)
        self._endings.forget(attempt)
        self._requests.forget(attempt)
        self._warden.forget(attempt)
        self._troubles.forget(job)

    def _pass_on_requests(self) -> None:
        """Carry what people and evictions ask of running attempts to the trainers."""
        for job in self._picture.active():
            with self._troubles.kept_to(job):
                self._requests.pass_on(job, job.attempts[-1], self._clock())

    def _follow_progress(self, now: float) -> None:
        """Keep the summaries of what runs, and what runs within its limits, at most once a second."""
        if 0 <= now - self._looked_at < TICK_S:
            return
        self._looked_at = now
        running = [job for job in self._picture.active() if not isinstance(job.status, Starting)]
        if changed := self._progress.look(running):
            self._store.ledger.record_progress(changed)
            self._observe()
        for job in running:
            with self._troubles.kept_to(job):
                self._warden.look(job, job.attempts[-1], now)

    def _look_after_windows(self, now: float) -> None:
        """Open, end and give back bookings whose moment has come."""
        if self._windows.look_after(now):
            self._observe()

    def _look_after_preflights(self) -> None:
        """Write down what checks have found, and order the next."""
        if self._preflights.look_after():
            self._observe()

    def _plan_and_act(self) -> None:
        """Decide, then start what stands in the first column; again until nothing more does.

        What people change meanwhile is for the next round: who changes things all the time must not hold it up.
        """
        has_acted = True
        # The clock is read after the queue: nothing in a plan is younger than the plan.
        while has_acted and self._decider.is_due(self._picture, self._host.latest, now := self._clock()):
            decision = self._decider.decide(self._picture, self._host.latest, now)
            timetable = decision.timetable
            for skip in timetable.skips:
                self._store.ledger.settle(skip.job_id, Waiting, Skipped(now, skip.reason), "skip", skip.reason)
            starts = self._preflights.passed(self._starter.confirmed(timetable.starting_now()))
            starts = self._room.holds(starts, self._picture.jobs)
            for entry in starts:
                self._starter.start(entry, decision.world, now)
            self._preflights.look_ahead(timetable.entries)
            self._windows.follow(timetable)
            self._deadlines.look_at(decision)
            self._idling.look_at(decision)
            self._card_troubles.look_at(self._host.latest, timetable.resting)
            has_acted = bool(starts or timetable.skips or timetable.bindings)
            self._observe()

    def _make_room(self) -> None:
        """Give notice to those who are in the way, and ask those whose time has come."""
        assert self._decider.last is not None
        now, timetable = self._clock(), self._decider.last.timetable
        # A plan knows best why somebody has to go: what it says replaces what is said of an overrun.
        if self._evictor.carry_out([*self._windows.overruns(now), *timetable.evictions], now):
            self._observe()

    def _publish(self, now: float) -> None:
        """Tell everybody what was decided."""
        decision = self._decider.last
        assert decision is not None
        host = with_marks(self._host.latest, self._picture.marks)
        if self._publisher.publish(decision, host, self._preflights.checking(), now):
            self._observe()

    def _checkpoint(self, now: float) -> None:
        """Keep the queue's log short."""
        is_long = self._store.wal_bytes() > LONG_WAL_BYTES
        if not 0 <= now - self._checkpointed_at <= (TICK_S if is_long else CHECKPOINT_EVERY_S):
            self._store.checkpoint()
            self._checkpointed_at = now

    def _patience_s(self) -> float:
        """How long to wait when nothing happens."""
        now = self._clock()
        moments = [self._publisher.due_at, *(each for each in self._picture.moments() if each > now)]
        if self._picture.active() or self._until_idle:
            moments.append(now + TICK_S)
        return max(0.0, min(moments) - now)

    def _is_idle(self) -> bool:
        """Whether nothing is left that could happen, nobody watches, and that for a moment already."""
        is_needed = any(isinstance(job.status, (Waiting, *ACTIVE)) for job in self._picture.jobs.values())
        if is_needed or self._picture.bookings:
            self._idle_since = None
            return False
        watchers = Lock(self._home.watchers_lock)
        if not watchers.acquire():
            self._idle_since = None
            return False
        watchers.release()
        self._idle_since = self._idle_since or time.monotonic()
        return time.monotonic() - self._idle_since >= LINGER_S
