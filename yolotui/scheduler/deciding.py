"""What is decided, and when it must be decided anew: from the queue and the host to a timetable."""

from __future__ import annotations

import time
from typing import NamedTuple

from yolotui.config import QuotasConfig
from yolotui.core.estimating import learned
from yolotui.core.gpus import Foreign, Host
from yolotui.core.jobs import Job
from yolotui.core.plan import Policy, plan
from yolotui.core.timetable import Calibration, Demand, Entry, Estimate, Forecast, Timetable, World
from yolotui.scheduler.allowances import Allowances
from yolotui.scheduler.estimates import Estimates
from yolotui.scheduler.memory import Appetites
from yolotui.scheduler.picture import Picture
from yolotui.scheduler.room import DiskRoom
from yolotui.scheduler.worldview import WorldView
from yolotui.store import Store, with_marks

PLAN_EVERY_S = 5.0
LEAST_PAUSE = 10.0  # times as long as it took, before it is done again without need


class Decision(NamedTuple):
    """A world, and what was decided for it."""

    at: float
    world: World
    timetable: Timetable


class Decider:
    """Plans when something has happened. What was promised goes into the next plan, also into the next leader's."""

    def __init__(self, store: Store, policy: Policy, quotas: QuotasConfig, room: DiskRoom | None = None) -> None:
        self._store = store
        self._policy = policy
        self._allowances = Allowances(store, quotas)
        self._estimates = Estimates()
        self._appetites = Appetites()
        self._view = WorldView(self._estimates, self._appetites, tenants=policy.tenants, room=room)
        self._calibration = Calibration()
        self._promised: Timetable | None = None
        self._made_from: object = None
        self._took_s = 0.0
        self.last: Decision | None = None

    def remember(self) -> None:
        """Take over what earlier leaders have promised, and how that came true."""
        for record in self._store.read.forecast_record():
            self._calibration = learned(self._calibration, record.forecast, record.started_at)
            self._estimates.learn_error(record)
        published = self._store.read.published()
        self._promised = published.timetable if published else None

    def learn(self, job: Job) -> None:
        """Take note of what a job's attempts show by now."""
        self._estimates.learn(job)
        self._appetites.learn(job)

    def learn_start(self, forecast: Forecast, now: float) -> None:
        """A foreseen start has come true."""
        self._calibration = learned(self._calibration, forecast, now)

    def learn_end(self, job_id: int, number: int) -> None:
        """An attempt has ended whose duration was estimated."""
        if record := self._store.read.forecast_of(job_id, number):
            self._estimates.learn_error(record)

    def is_due(self, picture: Picture, host: Host, now: float) -> bool:
        """Whether there is anything to decide anew: the queue, the devices, or the hour has moved on."""
        if self.last is None or self._made_from != self._basis(picture, host):
            return True
        if any(self.last.at < moment <= now for moment in picture.moments()):
            return True
        since_s = now - self.last.at
        return since_s < 0 or since_s >= max(PLAN_EVERY_S, LEAST_PAUSE * self._took_s)

    def decide(self, picture: Picture, host: Host, now: float) -> Decision:
        """Plan, and keep to it until something happens."""
        began_at = time.monotonic()
        marked = with_marks(host, picture.marks)
        quotas = self._allowances.quotas(picture, now)
        world = self._view.world(picture, marked, self._promised, self._calibration, now, quotas=quotas)
        timetable = plan(world, self._policy, now)
        self._promised = timetable
        self._made_from = self._basis(picture, host)
        self.last = Decision(now, world, timetable)
        self._took_s = time.monotonic() - began_at
        return self.last

    def _basis(self, picture: Picture, host: Host) -> tuple[object, ...]:
        """What a decision hangs on. Readings change all the time: of those only what takes a GPU out of use counts."""
        gpus = [
            (
                gpu.uuid,
                "foreign" if isinstance(gpu.availability, Foreign) else gpu.availability,
                gpu.temperature_c is not None and gpu.temperature_c >= self._policy.too_hot_c,
            )
            for gpu in host.gpus
        ]
        return (picture.version, gpus)


def foreseen(entry: Entry, demand: Demand) -> tuple[Forecast, Estimate] | None:
    """What is to be kept of a start: when it was first foreseen, and how long it is expected to take now."""
    return (entry.first, demand.estimate) if entry.first else None
