"""The NVIDIA cards of this machine, through NVML: known by UUID, read one by one, so that a sick one hides no other."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pynvml
from msgspec.structs import replace
from pynvml import NVMLError

from yolotui.core.gpus import Gpu, Host, Lost
from yolotui.probe.cards import first_offered, read_card, read_links
from yolotui.probe.host import HostMeter
from yolotui.probe.limits import Limits

FIRST_RETRY_S = 1.0
LONGEST_RETRY_S = 60.0

_ADVICE = {
    pynvml.NVML_ERROR_LIBRARY_NOT_FOUND: "the driver's library libnvidia-ml.so.1 is missing: install the driver again.",
    pynvml.NVML_ERROR_DRIVER_NOT_LOADED: (
        "the NVIDIA driver is not loaded: look at `dmesg`, load it with `modprobe nvidia` or reboot. On a machine "
        "without NVIDIA cards set YOLOTUI_GPUS=cpu:1."
    ),
    pynvml.NVML_ERROR_LIB_RM_VERSION_MISMATCH: (
        "the NVIDIA driver was updated while the old one is loaded: reboot, so that library and driver match again."
    ),
    pynvml.NVML_ERROR_NO_PERMISSION: "this user may not talk to the NVIDIA driver: look at the mode of /dev/nvidia*.",
}


def open_nvml(limits: Limits, whose: Callable[[int], str | None], *, proc: Path = Path("/proc")) -> NvmlDevices | None:
    """The NVIDIA cards, or None on a machine that has none.

    A driver that is there and doesn't work is not "none": its trouble is what `observe` answers until it works.
    """
    devices = NvmlDevices(limits, whose)
    kernel_driver_is_loaded = (proc / "driver/nvidia").exists()
    if devices.library_is_missing and not kernel_driver_is_loaded:
        return None
    if devices.count() == 0:
        devices.close()
        return None
    return devices


class NvmlDevices:
    """NVML, initialised once and again after trouble. To be used by one thread at a time."""

    def __init__(self, limits: Limits, whose: Callable[[int], str | None]) -> None:
        self._limits = limits
        self._whose = whose
        self._meter = HostMeter()
        self._known: dict[str, Gpu] = {}
        self._retry = Backoff()
        self._driver_version = ""
        self._links: dict[str, tuple[str, ...]] = {}
        self._initialise()

    @property
    def library_is_missing(self) -> bool:
        """Whether there is no NVML on this machine at all."""
        return self._failure is not None and self._failure.value == pynvml.NVML_ERROR_LIBRARY_NOT_FOUND

    def count(self) -> int | None:
        """How many cards the driver knows; None where it doesn't answer."""
        if self._failure is None:
            with suppress(NVMLError):
                return int(pynvml.nvmlDeviceGetCount())
        return None

    def observe(self, now: float) -> Host:
        """Every card ever seen, as it is at `now` (UTC seconds): those that no longer answer are `Lost`."""
        if self._retry.is_due(now):
            self.close()
            self._initialise()
        gpus, trouble = self._look()
        is_well = not trouble and not any(isinstance(gpu.availability, Lost) for gpu in gpus)
        self._retry.note(now, is_well=is_well)
        load = self._meter.read()
        return Host(
            at=now,
            gpus=self._limits.apply(gpus),
            trouble=trouble,
            driver_version=self._driver_version,
            cpu_percent=load.cpu_percent,
            memory_total_bytes=load.memory_total_bytes,
            memory_available_bytes=load.memory_available_bytes,
        )

    def close(self) -> None:
        """Shut NVML down; it may be down already."""
        with suppress(NVMLError):
            pynvml.nvmlShutdown()

    def _initialise(self) -> None:
        self._failure: NVMLError | None = None
        try:
            pynvml.nvmlInit()
            self._driver_version = first_offered(pynvml.nvmlSystemGetDriverVersion) or ""
            self._links = read_links()
        except NVMLError as failure:
            self._failure = failure

    def _look(self) -> tuple[list[Gpu], str]:
        """All cards in the order of their indices, and what is wrong with the driver as a whole."""
        try:
            if self._failure is not None:
                raise self._failure
            gpus = self._read_all(pynvml.nvmlDeviceGetCount())
            trouble = ""
        except NVMLError as failure:
            trouble = sentence(failure)
            gpus = [_lost(gpu, "the driver does not answer") for gpu in self._known.values()]
        return sorted(gpus, key=lambda gpu: (gpu.index, gpu.uuid)), trouble

    def _read_all(self, count: int) -> list[Gpu]:
        found: dict[str, Gpu] = {}
        silent: dict[int, str] = {}
        for index in range(count):
            try:
                handle = pynvml.nvmlDeviceGetHandleByIndex(index)
                uuid = pynvml.nvmlDeviceGetUUID(handle)
            except NVMLError as failure:
                silent[index] = str(failure)
            else:
                found[uuid] = self._read(handle, uuid, index)
        return [*found.values(), *self._missing(found, silent)]

    def _read(self, handle: object, uuid: str, index: int) -> Gpu:
        """One card. It keeps the index that it had first: a card that falls off the bus shifts those behind it."""
        before = self._known.get(uuid) or Gpu(uuid=uuid, index=index, name="NVIDIA GPU")
        before = replace(before, links=self._links.get(uuid, ()))
        try:
            gpu = read_card(handle, before, self._whose, self._limits.ignore_below_bytes)
        except NVMLError as failure:
            gpu = _lost(before, str(failure))
        self._known[uuid] = gpu
        return gpu

    def _missing(self, found: dict[str, Gpu], silent: dict[int, str]) -> list[Gpu]:
        """The cards that were not found: those seen before under their UUIDs, the others under a name of ours."""
        missing = []
        for uuid, gpu in self._known.items():
            if uuid not in found:
                missing.append(_lost(gpu, silent.pop(gpu.index, "the driver no longer lists it")))
        for index, reason in silent.items():
            missing.append(Gpu(uuid=f"unknown-{index}", index=index, name="NVIDIA GPU", availability=Lost(reason)))
        return missing


@dataclass
class Backoff:
    """When to initialise NVML again: a second after trouble was seen, then after twice as long each time."""

    delay_s: float = FIRST_RETRY_S
    due_at: float | None = None

    def is_due(self, now: float) -> bool:
        """Whether it is time; a clock that was set back doesn't put it off."""
        return self.due_at is not None and not now < self.due_at <= now + self.delay_s

    def note(self, now: float, *, is_well: bool) -> None:
        """Take down how the last look went."""
        if is_well:
            self.delay_s, self.due_at = FIRST_RETRY_S, None
        elif self.due_at is None:
            self.due_at = now + self.delay_s
        elif self.is_due(now):
            self.delay_s = min(self.delay_s * 2, LONGEST_RETRY_S)
            self.due_at = now + self.delay_s


def sentence(failure: NVMLError) -> str:
    """What is wrong with the driver, and what to do."""
    return _ADVICE.get(failure.value) or f"the NVIDIA driver answers: {failure}."


def _lost(gpu: Gpu, reason: str) -> Gpu:
    """The card without its readings: they would be lies."""
    bare = Gpu(uuid=gpu.uuid, index=gpu.index, name=gpu.name, memory_total_bytes=gpu.memory_total_bytes)
    return replace(bare, availability=Lost(reason))
