"""Devices that stand in for cards: simulated ones, and the CPU in slots. Nothing can be wrong with them."""

from __future__ import annotations

import psutil
from msgspec.structs import replace

from yolotui.core.gpus import Gpu, Host
from yolotui.probe.host import HostMeter, cpu_name
from yolotui.units import GIB


def simulated_gpus(count: int, memory_bytes: int) -> tuple[Gpu, ...]:
    """`SIM-0`, `SIM-1`… with so much memory each."""
    name = f"Simulated {memory_bytes / GIB:g} GiB"
    return tuple(
        Gpu(uuid=f"SIM-{index}", index=index, name=name, kind="sim", memory_total_bytes=memory_bytes)
        for index in range(count)
    )


def cpu_slots(count: int) -> tuple[Gpu, ...]:
    """`CPU-0`, `CPU-1`…: each is a place for one training, with an even share of the machine's memory."""
    share_bytes = psutil.virtual_memory().total // count
    name = cpu_name()
    return tuple(
        Gpu(uuid=f"CPU-{index}", index=index, name=name, kind="cpu", memory_total_bytes=share_bytes)
        for index in range(count)
    )


class StandingDevices:
    """A host whose devices stay as they are; only the load of the machine is read."""

    def __init__(self, gpus: tuple[Gpu, ...]) -> None:
        self._gpus = gpus
        self._meter = HostMeter()

    def observe(self, now: float) -> Host:
        """The devices and the load at `now` (UTC seconds); a CPU slot is as busy as the CPU that it is a part of."""
        load = self._meter.read()
        busy = round(load.cpu_percent)
        return Host(
            at=now,
            gpus=tuple(replace(gpu, utilization_percent=busy) if gpu.kind == "cpu" else gpu for gpu in self._gpus),
            cpu_percent=load.cpu_percent,
            memory_total_bytes=load.memory_total_bytes,
            memory_available_bytes=load.memory_available_bytes,
        )

    def close(self) -> None:
        """Nothing is held."""
