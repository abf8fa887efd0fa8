"""The one door to whatever this machine has for training: NVIDIA cards, simulated ones, or the CPU."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Protocol

from yolotui.core.gpus import Host
from yolotui.errors import WrongUse
from yolotui.probe.limits import Limits
from yolotui.probe.nvml import open_nvml
from yolotui.probe.standing import StandingDevices, cpu_slots, simulated_gpus

SELECTOR = "YOLOTUI_GPUS"
MOST_DEVICES = 64

_SIMULATED = re.compile(r"sim:(?P<count>\d+)x(?P<gib>\d+(?:\.\d+)?)GiB", re.IGNORECASE)
_CPU = re.compile(r"cpu:(?P<count>\d+)", re.IGNORECASE)


class Devices(Protocol):
    """What can be asked for the state of the machine."""

    def observe(self, now: float) -> Host:
        """What the machine looks like at `now` (UTC seconds). Never raises for what the hardware does."""

    def close(self) -> None:
        """Let go of the driver."""


def nobody(pid: int) -> bool:  # noqa: ARG001  the signature is the caller's
    """Without a scheduler no process is ours."""
    return False


def open_devices(
    selector: str | None, *, limits: Limits | None = None, ours: Callable[[int], bool] = nobody
) -> Devices:
    """Open what `selector` (the value of $YOLOTUI_GPUS) names.

    `sim:4x24GiB` is a simulated host, `cpu:2` two CPU slots; without a selector it is the NVIDIA cards where there are
    any, else `cpu:1`. A driver that is there but does not work is still opened: its trouble is observed, because
    training on the CPU instead would be a bad surprise. `ours` says whether a pid belongs to one of our attempts: any
    other process on a card makes it `Foreign`. Raises WrongUse where the selector makes no sense.
    """
    limits = limits or Limits()
    if selector := (selector or "").strip():
        return _open_named(selector, limits)
    return open_nvml(limits, ours) or StandingDevices(cpu_slots(1))


def _open_named(selector: str, limits: Limits) -> Devices:
    if match := _SIMULATED.fullmatch(selector):
        memory_bytes = int(float(match["gib"]) * 1024**3)
        return StandingDevices(limits.apply(simulated_gpus(_count(match["count"], selector), memory_bytes)))
    if match := _CPU.fullmatch(selector):
        return StandingDevices(cpu_slots(_count(match["count"], selector)))
    raise WrongUse(
        f"{SELECTOR}={selector!r} names no devices: write sim:4x24GiB for four simulated GPUs, cpu:2 for two CPU "
        "slots, or leave it out for the NVIDIA cards of this machine."
    )


def _count(text: str, selector: str) -> int:
    if 1 <= (count := int(text)) <= MOST_DEVICES:
        return count
    raise WrongUse(f"{SELECTOR}={selector!r}: the number of devices is from 1 to {MOST_DEVICES}.")
