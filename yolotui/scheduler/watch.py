"""The thread that reads the devices, so that a driver that hangs never holds the scheduler up."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Protocol

from yolotui.core.gpus import Host
from yolotui.probe import Devices, Samples

OBSERVE_EVERY_S = 2.0
PATIENCE_S = 2.0


class Readings(Protocol):
    """What the leader asks of whoever reads the host."""

    @property
    def latest(self) -> Host:
        """The newest reading."""

    def refresh(self) -> Host:
        """A fresh reading."""


class HostWatch:
    """The newest reading of the host, kept fresh by one thread. `on_change` is called from that thread."""

    def __init__(
        self, devices: Devices, samples: Samples, on_change: Callable[[], None], clock: Callable[[], float] = time.time
    ) -> None:
        self._devices = devices
        self._samples = samples
        self._on_change = on_change
        self._clock = clock
        self._due = threading.Event()
        self._read = threading.Condition()
        self._readings = 0
        self._closing = False
        self.latest = Host(at=clock(), trouble="The devices have not been read yet.")
        self._thread = threading.Thread(target=self._run, name="probe", daemon=True)
        self._thread.start()
        self.refresh()

    def refresh(self) -> Host:
        """A fresh reading; the last one when the driver does not answer in time."""
        with self._read:
            before = self._readings
            self._due.set()
            self._read.wait_for(lambda: self._readings > before, PATIENCE_S)
            return self.latest

    def close(self) -> None:
        """Stop reading."""
        self._closing = True
        self._due.set()
        self._thread.join(PATIENCE_S)

    def _run(self) -> None:
        while not self._closing:
            self._due.clear()
            host = self._devices.observe(self._clock())
            with self._read:
                changed = [gpu.availability for gpu in host.gpus] != [gpu.availability for gpu in self.latest.gpus]
                self.latest = host
                self._readings += 1
                self._read.notify_all()
            self._samples.record(host)
            if changed:
                self._on_change()
            self._due.wait(OBSERVE_EVERY_S)
        self._samples.close()
        self._devices.close()
