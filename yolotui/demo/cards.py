"""The simulated host: four cards whose readings follow from what runs on them; one is hot, one used by others too."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import sin

from yolotui.core.gpus import Foreign, Free, Gpu, Host
from yolotui.demo.clock import Clock
from yolotui.demo.trainings import Run
from yolotui.probe import Samples
from yolotui.units import GIB

CARDS = 4
NAME = "NVIDIA RTX 6000 Ada Generation"
MEMORY_GIB = 48
IDLE_W, FULL_W = 22.0, 300.0
HOT = 3  # stands where the air is warm
SHARED = 2  # somebody logs in now and then and runs a notebook there
VISIT_EVERY_S, VISIT_S = 5.5 * 3600.0, 2600.0
VISITOR = Foreign(pids=(48213,), memory_bytes=int(9.4 * GIB), owners=("tomasz",))
READ_EVERY_S = 2.0


class DemoHost:
    """Reads the simulated cards when it is asked, and keeps what it read as samples.

    `visits_at` is a moment (UTC seconds) at which the visitor has just come.
    """

    def __init__(self, clock: Clock, runs: Callable[[], Sequence[Run]], samples: Samples, visits_at: float) -> None:
        self._clock = clock
        self._runs = runs
        self._samples = samples
        self._visits_at = visits_at
        self._latest = self._read()

    @property
    def latest(self) -> Host:
        """The newest reading, two seconds old at most."""
        return self._latest if 0 <= self._clock() - self._latest.at < READ_EVERY_S else self.refresh()

    def refresh(self) -> Host:
        """A fresh reading."""
        self._latest = self._read()
        self._samples.record(self._latest)
        return self._latest

    @property
    def next_change_at(self) -> float:
        """When the visitor comes or goes next (UTC seconds)."""
        since_s = (self._clock() - self._visits_at) % VISIT_EVERY_S
        return self._clock() + (VISIT_S if since_s < VISIT_S else VISIT_EVERY_S) - since_s

    def _read(self) -> Host:
        now = self._clock()
        gpus = tuple(self._card(index, now) for index in range(CARDS))
        busy = sum(gpu.utilization_percent or 0 for gpu in gpus)
        return Host(at=now, gpus=gpus, driver_version="580.95", cpu_percent=8.0 + busy / 9 + 2 * sin(now / 7),
                    memory_total_bytes=256 * GIB,
                    memory_available_bytes=int((231 - 9.5 * len(self._runs())) * GIB))  # fmt: skip

    def _card(self, index: int, now: float) -> Gpu:
        runs = [run for run in self._runs() if uuid(index) in run.gpus]
        visited = index == SHARED and (now - self._visits_at) % VISIT_EVERY_S < VISIT_S
        wobble = sin(now / 11 + index * 2) * 2 + sin(now / 3 + index)
        busy = min(100, sum(run.role.busy_percent for run in runs)) + (31 if visited else 0)
        percent = min(100, max(0, round(busy + wobble))) if busy else 0
        used_gib = 0.4 + sum(run.role.memory_gib for run in runs) + (9.4 if visited else 0.0)
        return Gpu(
            uuid=uuid(index), index=index, name=NAME, kind="sim", memory_total_bytes=MEMORY_GIB * GIB,
            memory_used_bytes=int(min(used_gib, MEMORY_GIB - 0.3) * GIB), utilization_percent=percent,
            temperature_c=round(36 + percent * 0.4 + (11 if index == HOT else index)),
            power_w=IDLE_W + (FULL_W - IDLE_W) * percent / 106, power_limit_w=FULL_W,
            availability=VISITOR if visited else Free(),
        )  # fmt: skip


def uuid(index: int) -> str:
    """A card's identity."""
    return f"GPU-de300000-0000-4000-8000-{index:012}"
