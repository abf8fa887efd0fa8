"""How much of a card's memory jobs take: seen while they run, learned for those to come, told when they have ended."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from math import ceil
from typing import TypeAlias

from yolotui.core.failures import Retry, retry_of
from yolotui.core.gpus import Gpu, Host
from yolotui.core.jobs import Attempt, Job, JobSpec, Kind
from yolotui.core.timetable import Demand
from yolotui.core.training_defaults import BATCH, IMGSZ
from yolotui.units import format_bytes

HEADROOM = 1.15
"""How much more than its measured peak a job is promised: peaks differ between epochs and between data sets."""
LEARNED_AFTER = 2  # epochs: the first validation and the last, smaller batch have been seen by then

_Appetite: TypeAlias = tuple[object, ...]


class PeakWatch:
    """The most that each running attempt held on one card, reading by reading."""

    def __init__(self) -> None:
        self._peaks: dict[str, int] = {}

    def look_at(self, host: Host) -> None:
        """Take note of a reading."""
        for gpu in host.gpus:
            for tenant in gpu.tenants:
                self._peaks[tenant.attempt] = max(tenant.held_bytes, self._peaks.get(tenant.attempt, 0))

    def of(self, attempt: Attempt) -> int | None:
        """The attempt's peak in bytes, with what earlier leaders have seen of it; None: the driver doesn't tell."""
        return max(self._peaks.get(attempt.uuid, 0), attempt.progress.peak_vram_bytes or 0) or None

    def forget(self, attempt: Attempt) -> None:
        """Let go of an attempt that has ended."""
        self._peaks.pop(attempt.uuid, None)


class Appetites:
    """What jobs of a kind took, so that the next of the kind may share a card. `version` counts what is new."""

    def __init__(self) -> None:
        self.version = 0
        self._peaks: dict[_Appetite, int] = {}

    def learn(self, job: Job) -> None:
        """Learn from a job whose memory was measured for long enough."""
        appetite, peak = _appetite(job.spec), job.progress.peak_vram_bytes
        if appetite is None or peak is None or not _has_shown_its_peak(job):
            return
        if peak > self._peaks.get(appetite, 0):
            self._peaks[appetite] = peak
            self.version += 1

    def promise(self, spec: JobSpec) -> int | None:
        """The memory in bytes that such a job will do with; None for a configuration that never ran."""
        peak = self._peaks.get(appetite) if (appetite := _appetite(spec)) else None
        return None if peak is None else ceil(peak * HEADROOM)


def promised_bytes(demand: Demand) -> int | None:
    """What a job is promised of the card that it is to share; None: it gets its cards alone."""
    return demand.vram_bytes if demand.shares else None


def room_bytes(devices: Iterable[Gpu]) -> dict[str, int]:
    """What there is of each card's memory to be promised, by UUID."""
    return {gpu.uuid: gpu.memory_total_bytes - gpu.foreign_bytes for gpu in devices}


def told_at_the_end(attempt: Attempt, spec: JobSpec) -> str:
    """Measured against promised or declared, as a sentence; empty where there is nothing to compare."""
    peak, promised = attempt.progress.peak_vram_bytes, attempt.promised_bytes or spec.vram_bytes
    if peak is None or promised is None:
        return ""
    what = "declared" if spec.vram_bytes else "promised"
    sentence = f"Of the {format_bytes(promised)} {what} it took {format_bytes(peak)} at most."
    if peak > promised:
        return f"{sentence} Declare more (vram): it may have crowded others out."
    return sentence


def _has_shown_its_peak(job: Job) -> bool:
    if any(retry_of(attempt.cause) is Retry.SMALLER for attempt in job.attempts):
        return False  # since then it runs with a smaller batch than it asks for
    if job.state == "succeeded":
        return True
    return job.progress.epochs_done - (job.attempts[-1].resumed_from_epoch or 0) >= LEARNED_AFTER


def _appetite(spec: JobSpec) -> _Appetite | None:
    """What decides how much memory a training takes; None where that can't be told from its words."""
    arguments: Mapping[str, object] = spec.arguments
    batch = arguments.get("batch", BATCH)
    if spec.kind is not Kind.TRAIN or spec.gpus != 1 or not isinstance(batch, int) or batch < 1:
        return None  # an automatic batch takes what there is
    size = arguments.get("imgsz", IMGSZ)
    largest = max(size) if isinstance(size, list) and size else size
    return (spec.model, largest, batch, arguments.get("amp", True), arguments.get("multi_scale", False))
