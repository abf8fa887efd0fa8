"""Is there room on the disk for what a training will write? If not it waits, and says so."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path

from msgspec.structs import replace

from yolotui.core.disks import Writer, fits, left_for_newcomers, let_in
from yolotui.core.jobs import ACTIVE, Job, Kind
from yolotui.core.sizes import run_bytes
from yolotui.core.timetable import Demand, Entry
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
        self._free: dict[Path, int | None] = {}
        self._writers: dict[int, tuple[Job, Writer]] = {}
        self._looked_at = float("-inf")

    def checked(self, demands: Iterable[Demand], jobs: Mapping[int, Job]) -> tuple[Demand, ...]:
        """The demands; those of waiting trainings that don't fit say so in `blocked`."""
        left = self._left(jobs)
        return tuple(self._checked(demand, jobs[demand.job_id], left) for demand in demands)

    def holds(self, starts: Sequence[Entry], jobs: Mapping[int, Job]) -> list[Entry]:
        """The starts without the trainings that don't fit beside those that start before them."""
        trainings = [self._writer(job) for start in starts if _writes(job := jobs[start.job_id])]
        fitting = {writer.job_id for writer in let_in(trainings, self._left(jobs))}
        return [start for start in starts if start.job_id in fitting or not _writes(jobs[start.job_id])]

    def _checked(self, demand: Demand, job: Job, left: Mapping[Path, int]) -> Demand:
        if demand.state != "waiting" or demand.blocked or not _writes(job):
            return demand
        writer = self._writer(job)
        if fits(writer, left):
            return demand
        room = format_bytes(max(0, left[writer.folder]))
        said = (
            f"{writer.folder} has room for {room} more, and it may need {format_bytes(writer.still_bytes)}: "
            "`yolotui gc` makes room, and it starts by itself when there is enough."
        )
        return replace(demand, blocked=said)

    def _left(self, jobs: Mapping[int, Job]) -> dict[Path, int]:
        """What each folder has for newcomers, where it can be asked."""
        self._look_again_at_times(jobs)
        trainings = [job for job in jobs.values() if _writes(job)]
        # What was written is looked at before what is free, so that nothing counts as both.
        running = [self._writer(job) for job in trainings if isinstance(job.status, ACTIVE)]
        free = {folder: self._free_in(folder) for folder in {self._writer(job).folder for job in trainings}}
        return left_for_newcomers({folder: room for folder, room in free.items() if room is not None}, running)

    def _look_again_at_times(self, jobs: Mapping[int, Job]) -> None:
        if self._clock() - self._looked_at < LOOK_EVERY_S:
            return
        self._looked_at = self._clock()
        self._free.clear()
        self._writers = {
            job.id: known for job in jobs.values() if (known := self._writers.get(job.id)) and not job.attempts
        }

    def _writer(self, job: Job) -> Writer:
        """Where the job writes, and how much it still will. Asked for thousands at each plan, so it is remembered.

        As long as what is free: what it writes meanwhile is not to be counted before that is known to have shrunk.
        """
        known = self._writers.get(job.id)
        if known is None or (known[0] is not job and known[0].spec != job.spec):
            known = self._writers[job.id] = (job, Writer(job.id, Path(job.run_dir).parent, _needed(job)))
        return known[1]

    def _free_in(self, folder: Path) -> int | None:
        """What is free there, less what is kept for others; None where nobody knows."""
        if folder not in self._free:
            place = next((each for each in (folder, *folder.parents) if each.is_dir()), folder)
            try:
                self._free[folder] = self._free_bytes(place) - SPARE_BYTES
            except OSError:
                self._free[folder] = None
        return self._free[folder]


def _writes(job: Job) -> bool:
    """Whether it writes what is worth counting, and can be foreseen."""
    return job.spec.kind is Kind.TRAIN


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
