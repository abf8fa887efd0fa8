"""One look at everything that is exported, and the readers that follow what runs from look to look."""

from __future__ import annotations

import threading
import time

from msgspec import Struct

from yolotui.core.gpus import Gpu
from yolotui.core.jobs import Job
from yolotui.core.timetable import Entry
from yolotui.leadership import is_led
from yolotui.locations import Home
from yolotui.store import Store
from yolotui.telemetry import RunReader, RunSeries


class Look(Struct, frozen=True, kw_only=True):
    """The queue at `now` (UTC seconds). `jobs` are those that have not ended; `runs` has the series of what runs."""

    now: float
    is_led: bool
    published_at: float | None
    counts: dict[str, int]
    jobs: tuple[Job, ...]
    entries: dict[int, Entry]
    runs: dict[int, RunSeries]
    gpus: tuple[Gpu, ...]
    leased: dict[str, list[int]]
    bookings: dict[str, int]
    endings: dict[tuple[str, str], int]
    untold: int


class Reading:
    """Looks at the queue of a home. Made once: what has been read of a run directory is not read again."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self._readers: dict[int, RunReader] = {}
        self._lock = threading.Lock()

    def look(self) -> Look:
        """Everything as of now. Raises QueueUnusable."""
        with self._lock, Store(self._home, wakes_leader=False) as store:
            read = store.read
            published = read.published()
            jobs = read.jobs(unfinished=True)
            leased: dict[str, list[int]] = {}
            for lease in read.leases():
                leased.setdefault(lease.gpu, []).append(lease.job)
            bookings = [booking.state for booking in read.bookings()]
            return Look(
                now=time.time(),
                is_led=is_led(self._home),
                published_at=published.at if published else None,
                counts=read.counts(),
                jobs=tuple(jobs),
                entries=published.timetable.by_job() if published else {},
                runs=self._runs([job for job in jobs if job.state in {"running", "pausing"}]),
                gpus=read.cards(),
                leased=leased,
                bookings={state: bookings.count(state) for state in set(bookings)},
                endings=read.endings(),
                untold=store.outbox.count_waiting(),
            )

    def _runs(self, running: list[Job]) -> dict[int, RunSeries]:
        self._readers = {job.id: self._readers.get(job.id) or RunReader(job.run_dir) for job in running}
        for reader in self._readers.values():
            reader.poll()
        return {job_id: reader.series for job_id, reader in self._readers.items()}
