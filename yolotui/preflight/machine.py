"""What a training asks of the machine beside GPUs: memory and disk for its cache, shared memory and cores."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import psutil
from msgspec import Struct

from yolotui.core.jobs import JobSpec
from yolotui.core.preflight import DataReport, Remark
from yolotui.core.training_defaults import BATCH, IMGSZ
from yolotui.preflight.given import number
from yolotui.units import format_bytes

CHANNELS = 3  # bytes of a pixel
MARGIN = 1.5  # Ultralytics wants so much more than the cache itself, and gives up the cache without it
PREFETCHED = 2  # batches that each data worker holds ready


class Machine(Struct, frozen=True, kw_only=True):
    """What there is: memory and disk in bytes; None where nobody knows."""

    memory_bytes: int
    shared_bytes: int | None
    cores: int
    data_disk_bytes: int | None

    @classmethod
    def here(cls, data: Path) -> Machine:
        """This one, now. `data` is on the disk that a cache of the data set would go to."""
        return cls(
            memory_bytes=psutil.virtual_memory().available,
            shared_bytes=_free(Path("/dev/shm")),  # noqa: S108 - data workers hand batches over there
            cores=os.cpu_count() or 1,
            data_disk_bytes=_free(data),
        )


def _free(place: Path) -> int | None:
    try:
        return shutil.disk_usage(place).free
    except OSError:
        return None


def remarks_on(spec: JobSpec, data: DataReport | None, machine: Machine) -> Iterator[Remark]:
    """What the machine lacks for a training."""
    given = spec.arguments
    ranks = max(1, spec.gpus)
    side = int(number(given, "imgsz", IMGSZ))
    if data:
        yield from _cache(str(given.get("cache", "")).lower(), data, side, ranks, machine)
    workers = int(number(given, "workers", 0))
    if workers * ranks > machine.cores:
        text = f"workers = {workers} for each of {ranks} GPUs is more than the {machine.cores} cores here."
        advice = f"{max(1, machine.cores // ranks)} is as fast, and leaves memory to others."
        yield Remark.warning("workers", text, advice)
    batch = max(1.0, number(given, "batch", BATCH))
    needed = int(workers * PREFETCHED * batch * side * side * CHANNELS)
    if machine.shared_bytes is not None and needed > machine.shared_bytes:
        free = format_bytes(machine.shared_bytes)
        text = f"{workers} workers may need {format_bytes(needed)} in /dev/shm; {free} are free."
        advice = "Fewer workers, a smaller batch, or a larger /dev/shm (in a container: --shm-size)."
        yield Remark.warning("shm", text, advice)


def _cache(cache: str, data: DataReport, side: int, ranks: int, machine: Machine) -> Iterator[Remark]:
    images = sum(split.images for split in data.splits.values())
    pixels = int(images * side * side * data.aspect * CHANNELS)
    if cache in {"true", "ram"} and pixels * MARGIN * ranks > machine.memory_bytes:
        yield Remark.warning(
            "cache-ram",
            f"cache in memory needs about {format_bytes(int(pixels * MARGIN * ranks))} for {images:,} images, and "
            f"{format_bytes(machine.memory_bytes)} are free: it would not be cached, or others would be pushed out.",
            'cache = "disk" keeps it on the disk; other jobs count, too.',
        )
    if cache == "disk" and machine.data_disk_bytes is not None and pixels > machine.data_disk_bytes:
        yield Remark.warning(
            "cache-disk",
            f"cache on the disk needs {format_bytes(pixels)} beside the images at least, and there is room for "
            f"{format_bytes(machine.data_disk_bytes)}.",
            "Leave `cache` out, or make room.",
        )
