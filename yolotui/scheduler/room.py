"""Is there room on the disk for what a training will write? If not it waits, and says so."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from pathlib import Path

from msgspec.structs import replace

from yolotui.core.jobs import ACTIVE, Job, Kind
from yolotui.core.sizes import run_bytes
from yolotui.core.timetable import Demand
from yolotui.units import format_bytes

LOOK_EVERY_S = 5.0
SPARE_BYTES = 256 * 1024**2  # for logs, the queue, and whoever else writes there


class DiskRoom:
    """Keeps trainings waiting that their disk would not hold. What runs has its room promised."""

    def __init__(
        self,
        free_bytes: Callable[[Path], int] = lambda folder: shutil.disk_usage(folder).free,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._free_bytes = free_bytes
        self._clock = clock
        self._free: dict[Path, int] = {}
        self._wishes: dict[int, tuple[Job, Path, int]] = {}
        self._looked_at = float("-inf")

    def checked(self, demands: Iterable[Demand], jobs: Mapping[int, Job]) -> tuple[Demand, ...]:
        """The demands; those of waiting trainings that don't fit say so in `blocked`."""
        self._look_again_at_times(jobs)
        return tuple(self._checked(demand, jobs[demand.job_id]) for demand in demands)

    def _checked(self, demand: Demand, job: Job) -> Demand:
        if demand.state != "waiting" or demand.blocked or job.spec.kind is not Kind.TRAIN:
            return demand
        folder, need = self._wish(job)
        free = self._free_in(folder)
        if free is None or need <= free:
            return demand
        said = (
            f"{folder} has room for {format_bytes(max(0, free))} more, and it may need {format_bytes(need)}: "
            "`yolotui gc` makes room, and it starts by itself when there is enough."
        )
        return replace(demand, blocked=said)

    def _look_again_at_times(self, jobs: Mapping[int, Job]) -> None:
        if self._clock() - self._looked_at < LOOK_EVERY_S:
            return
        self._looked_at = self._clock()
        self._free.clear()
        self._wishes = {
            job.id: wish for job in jobs.values() if (wish := self._wishes.get(job.id)) and not job.attempts
        }
        for job in jobs.values():
            if isinstance(job.status, ACTIVE) and job.spec.kind is Kind.TRAIN:
                folder, need = self._wish(job)
                if (free := self._free_in(folder)) is not None:
                    self._free[folder] = free - need

    def _wish(self, job: Job) -> tuple[Path, int]:
        """Where the job writes, and how much it still will. Asked for thousands at each plan, so it is remembered."""
        known = self._wishes.get(job.id)
        if known is None or known[0] is not job:
            known = self._wishes[job.id] = (job, Path(job.run_dir).parent, _needed(job))
        return known[1:]

    def _free_in(self, folder: Path) -> int | None:
        """What is left there for newcomers; None where nobody knows."""
        if folder not in self._free:
            place = next((each for each in (folder, *folder.parents) if each.is_dir()), folder)
            try:
                self._free[folder] = self._free_bytes(place) - SPARE_BYTES
            except OSError:
                return None
        return self._free[folder]


def _needed(job: Job) -> int:
    """What the job will still write."""
    need = run_bytes(job.spec, _file_bytes(job.spec.model or ""))
    return max(0, need - _written(job)) if job.attempts else need


@lru_cache(maxsize=4096)
def _file_bytes(model: str) -> int | None:
    """The size of the weights that a training starts from; None for a model's yaml."""
    try:
        return os.stat(model).st_size if model.endswith(".pt") else None  # noqa: PTH116 - thousands of them
    except OSError:
        return None


def _written(job: Job) -> int:
    total = 0
    for file in Path(job.run_dir, "train", "weights").glob("*.pt"):
        try:
            total += file.stat().st_size
        except OSError:
            continue
    return total
