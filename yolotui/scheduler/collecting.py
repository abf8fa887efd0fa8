"""Removes what the configuration lets go of: runs, and checkpoints, of jobs that ended long enough ago."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from itertools import takewhile

from yolotui.config import KeepConfig
from yolotui.errors import YolotuiError
from yolotui.locations import Home
from yolotui.store import Actor, Store, What
from yolotui.units import format_duration

LOOK_EVERY_S = 3600.0
MOST_DRIFT_S = 600.0  # of the clock against the time since boot, between two looks
END_PATIENCE_S = 10.0

log = logging.getLogger("yolotui.scheduler")


class Collector:
    """Looks once an hour, in a thread of its own: trees are large. Keeps everything where nothing is configured."""

    def __init__(
        self,
        home: Home,
        keep: KeepConfig,
        *,
        clock: Callable[[], float] = time.time,
        since_boot: Callable[[], float] = lambda: time.clock_gettime(time.CLOCK_BOOTTIME),
    ) -> None:
        """`clock` is in UTC seconds; `since_boot` is what nobody sets."""
        self._home = home
        configured = {What.RUNS: keep.runs_s, What.CHECKPOINTS: keep.checkpoints_s}
        self._kept_s = {what: kept_s for what, kept_s in configured.items() if kept_s is not None}
        self._clock = clock
        self._since_boot = since_boot
        self._looked_at = (clock(), since_boot())
        self._leaves = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def is_at_work(self) -> bool:
        """Whether it is looking, or removing, just now."""
        return self._thread is not None and self._thread.is_alive()

    def look_after(self) -> None:
        """Begin to collect if it is time."""
        now, since_boot = self._clock(), self._since_boot()
        passed_s = since_boot - self._looked_at[1]
        if not self._kept_s or passed_s < LOOK_EVERY_S or self.is_at_work:
            return
        is_steady = abs(now - self._looked_at[0] - passed_s) <= MOST_DRIFT_S
        self._looked_at = (now, since_boot)
        if not is_steady:  # by a clock that was put forward everything is old
            log.warning("nothing is collected: the clock was set within the last hour")
            return
        self._thread = threading.Thread(target=self._collect, args=(now,), name="collector", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Leave off after the job that is at hand; the rest is there the next time."""
        self._leaves.set()
        if self._thread:
            self._thread.join(END_PATIENCE_S)

    def _collect(self, now: float) -> None:
        try:
            with Store(self._home, wakes_leader=False) as store:
                for what, kept_s in self._kept_s.items():
                    self._collect_what(store, what, now - kept_s, f"[keep] {what.value} = {format_duration(kept_s)}")
        except (YolotuiError, OSError) as trouble:
            log.warning("what ended long ago can't be removed: %s", trouble)

    def _collect_what(self, store: Store, what: What, ended_before: float, why: str) -> None:
        doomed = [rest.job.id for rest in store.survey(what, ended_before=ended_before) if not rest.why_kept]
        for job_id in takewhile(lambda _: not self._leaves.is_set(), doomed):
            store.collect([job_id], what, Actor.scheduler(why))
