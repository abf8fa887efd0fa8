"""How busy the machine itself is."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import psutil


@dataclass(frozen=True)
class HostLoad:
    """`cpu_percent` is of all cores together, since the reading before; memory is in bytes."""

    cpu_percent: float
    memory_total_bytes: int
    memory_available_bytes: int


class HostMeter:
    """Reads the load without waiting.

    `psutil.cpu_percent` remembers its last reading per thread, so one that is asked from a pool of threads would answer
    0.0 for ever; this one remembers it in itself.
    """

    def __init__(self) -> None:
        self._busy_s, self._total_s = _cpu_seconds()

    def read(self) -> HostLoad:
        """The load since the last reading, or since the meter was made."""
        busy_s, total_s = _cpu_seconds()
        spent_s = total_s - self._total_s
        share = (busy_s - self._busy_s) / spent_s if spent_s > 0 else 0.0
        self._busy_s, self._total_s = busy_s, total_s
        memory = psutil.virtual_memory()
        return HostLoad(round(min(max(share, 0.0), 1.0) * 100, 1), memory.total, memory.available)


def cpu_name(cpuinfo: Path = Path("/proc/cpuinfo")) -> str:
    """What the processor calls itself; "CPU" where it doesn't."""
    try:
        lines = cpuinfo.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return "CPU"
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next((name for name in names if name), "CPU")


def _cpu_seconds() -> tuple[float, float]:
    """Busy and total seconds of all cores since boot. A guest's time is already part of `user` and `nice`."""
    times = psutil.cpu_times()._asdict()
    total_s = sum(times.values()) - times.get("guest", 0.0) - times.get("guest_nice", 0.0)
    return total_s - times["idle"] - times.get("iowait", 0.0), total_s
