"""The one door to whatever this machine has for training: NVIDIA cards, simulated ones, or the CPU."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from yolotui.core.gpus import Host
from yolotui.gpu_selector import read_selector
from yolotui.probe.limits import Limits
from yolotui.probe.nvml import open_nvml
from yolotui.probe.standing import StandingDevices, cpu_slots, simulated_gpus


class Devices(Protocol):
    """What can be asked for the state of the machine."""

    def observe(self, now: float) -> Host:
        """What the machine looks like at `now` (UTC seconds). Never raises for what the hardware does."""

    def close(self) -> None:
        """Let go of the driver."""


def nobodys(pid: int) -> str | None:  # noqa: ARG001  the signature is the caller's
    """Without a scheduler no process is ours."""
    return None


def open_devices(
    selector: str | None, *, limits: Limits | None = None, whose: Callable[[int], str | None] = nobodys
) -> Devices:
    """Open what `selector` (the value of $YOLOTUI_GPUS) names.

    `sim:4x24GiB` is a simulated host, `cpu:2` two CPU slots; without a selector it is the NVIDIA cards where there are
    any, else `cpu:1`. A driver that is there but does not work is still opened: its trouble is observed, because
    training on the CPU instead would be a bad surprise. `whose` names the attempt of ours that a pid belongs to: any
    other process on a card makes it `Foreign`. Raises WrongUse where the selector makes no sense.
    """
    limits = limits or Limits()
    selection = read_selector(selector)
    if selection is None:
        return open_nvml(limits, whose) or StandingDevices(cpu_slots(1))
    if selection.memory_bytes is None:
        return StandingDevices(cpu_slots(selection.devices))
    return StandingDevices(limits.apply(simulated_gpus(selection.devices, selection.memory_bytes)))
