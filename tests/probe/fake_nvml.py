"""A steerable stand-in for NVIDIA's libnvidia-ml.so.1, on which the real `pynvml` runs.

    with FakeNvml(tmp_path, cards=[Card("GPU-a"), Card("GPU-b")]) as nvml:
        process = subprocess.Popen([...], env={**os.environ, **nvml.env})
        nvml.set("GPU-b", temperature_c=91, processes=(Held(pid=4242, memory_bytes=GIB),))
        nvml.lose("GPU-a")

A change is seen by the next call of a process that runs under `env`. One `set` is one change: nobody sees half of it.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import TracebackType
from typing import Any, Literal

import pytest

SONAME = "libnvidia-ml.so.1"
SOURCE = Path(__file__).parent / "nvml" / "stand_in.c"
GIB = 1024**3

DRIVER_NOT_LOADED = 9
GPU_IS_LOST = 15
VERSION_MISMATCH = 18
UNKNOWN = 999


@dataclass(frozen=True)
class Held:
    """A process on a card. A "vanishing" one computes, and is gone after it was listed once."""

    pid: int
    memory_bytes: int | None
    kind: Literal["compute", "graphics", "vanishing"] = "compute"


@dataclass(frozen=True)
class Card:
    """What a card answers. A reading that is None is not supported; `errors` are NVML's codes by reading.

    `links` are the UUIDs of the cards that NVLink joins it to: say it of both.
    """

    uuid: str
    name: str = "NVIDIA GeForce RTX 4090"
    total_bytes: int = 24 * GIB
    used_bytes: int | None = 0
    utilization_percent: int | None = 0
    temperature_c: int | None = 35
    power_w: float | None = 20.0
    power_limit_w: float | None = 450.0
    ecc_errors: int | None = None
    slowdown_bits: int | None = 0
    mig: bool = False
    links: tuple[str, ...] = ()
    processes: tuple[Held, ...] = ()
    errors: dict[str, int] = field(default_factory=dict)
    lost: int | None = None
    hidden: int | None = None

    def lines(self, index: int) -> list[str]:
        """The card as the stand-in reads it."""
        readings: dict[str, object] = {
            "uuid": self.uuid,
            "name": self.name,
            "total": self.total_bytes,
            "used": self.used_bytes,
            "utilization": self.utilization_percent,
            "temperature": self.temperature_c,
            "power": _milliwatts(self.power_w),
            "power_limit": _milliwatts(self.power_limit_w),
            "ecc": self.ecc_errors,
            "slowdown": self.slowdown_bits,
            "mig": int(self.mig),
            "lost": self.lost,
            "hidden": self.hidden,
        }
        lines = [f"{index} {key} {value}" for key, value in readings.items() if value is not None]
        lines += [f"{index} error {key} {code}" for key, code in self.errors.items()]
        lines += [f"{index} link {uuid} 1" for uuid in self.links]
        for process in self.processes:
            held = "-" if process.memory_bytes is None else process.memory_bytes
            lines.append(f"{index} {process.kind} {process.pid} {held}")
        return lines


class FakeNvml:
    """The library, compiled into `folder` (or `library`'s), and the state that it answers from."""

    def __init__(
        self, folder: Path, cards: Sequence[Card], *, driver_version: str = "580.95.05", library: Path | None = None
    ) -> None:
        self._library = library or compile_stand_in(folder)
        self._state = folder / "nvml-state"
        self._cards = list(cards)
        self._driver_version = driver_version
        self._broken: int | None = None
        self._write()

    def __enter__(self) -> FakeNvml:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._state.unlink(missing_ok=True)

    @property
    def env(self) -> dict[str, str]:
        """What a process needs in its environment to see these cards; for `{**os.environ, **nvml.env}`."""
        before = os.environ.get("LD_LIBRARY_PATH")
        folder = str(self._library.parent)
        return {
            "LD_LIBRARY_PATH": f"{folder}:{before}" if before else folder,
            "STAND_IN_NVML": str(self._state),
        }

    def set(self, uuid: str, **changes: Any) -> None:
        """Change fields of a card."""
        self._cards = [replace(card, **changes) if card.uuid == uuid else card for card in self._cards]
        self._write()

    def lose(self, uuid: str, code: int = GPU_IS_LOST) -> None:
        """The card falls off the bus: everything asked of its handle is answered with `code`."""
        self.set(uuid, lost=code)

    def bring_back(self, uuid: str) -> None:
        """The card answers again, to those who initialise NVML again."""
        self.set(uuid, lost=None, hidden=None)

    def remove(self, uuid: str) -> None:
        """The driver no longer lists the card; those behind it move up."""
        self._cards = [card for card in self._cards if card.uuid != uuid]
        self._write()

    def break_driver(self, code: int) -> None:
        """Every call answers with `code` from now on."""
        self._broken = code
        self._write()

    def mend_driver(self) -> None:
        """Everything works again."""
        self._broken = None
        self._write()

    def _write(self) -> None:
        lines = [f"driver version {self._driver_version}", f"driver cards {len(self._cards)}"]
        if self._broken is not None:
            lines.append(f"driver broken {self._broken}")
        for index, card in enumerate(self._cards):
            lines += card.lines(index)
        new = self._state.with_suffix(".new")
        new.write_text("\n".join(lines) + "\n", encoding="utf-8")
        new.replace(self._state)


def compile_stand_in(folder: Path) -> Path:
    """Compile the library into `folder`; skips the test on a machine without a C compiler."""
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if compiler is None:
        pytest.skip("needs a C compiler for the stand-in of NVML")
    library = folder / SONAME
    flags = ["-shared", "-fPIC", "-O1", "-Wall", "-Wextra", "-Werror", f"-Wl,-soname,{SONAME}"]
    subprocess.run([compiler, *flags, "-o", str(library), str(SOURCE)], check=True)
    return library


def _milliwatts(watts: float | None) -> int | None:
    return None if watts is None else round(watts * 1000)
