"""The health rules about cards, from NVML's stand-in through the scheduler's watch to the findings."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace

from tests.core import jobs
from tests.probe.conftest import Machine, Opener
from tests.probe.fake_nvml import GIB, Card
from tests.telemetry.writing import Run
from yolotui.core.health import Finding
from yolotui.core.jobs import Job, Progress, Running
from yolotui.core.limits import Limits, Pulse
from yolotui.scheduler.health import HealthWatch
from yolotui.telemetry import RunReader

HEAT = 0x40


class Night:
    """A job that trains on GPU-a, epoch after epoch, while the watch looks."""

    def __init__(self, machine: Machine, folder: Path) -> None:
        self.machine = machine
        self.pulse = Pulse(silent_s=0.0, phase="training", batch_s=1.0)
        self.limits = Limits()
        self.run = Run(folder / "run")
        self.run.begin(epochs=60)
        self._watch = HealthWatch(lambda _job, _attempt: self.pulse, self.limits)
        self._reader = RunReader(self.run.root)
        self._epoch = 0
        attempt, arguments = jobs.attempt(1, 0.0, None, "GPU-a"), {"batch": 16, "workers": 2}
        self._job: Job = jobs.job(1, attempt, status=Running(0.0, 1), model="yolo11n.pt", arguments=arguments)

    def look(self) -> dict[str, Finding]:
        """What the watch tells now."""
        self._reader.poll()
        gpus = self.machine.observe(now=float(self._epoch)).gpus
        findings = self._watch.look(self._job, self._reader.series, gpus)
        attempt = replace(self._job.attempts[-1], progress=Progress(epochs_done=self._epoch, findings=findings))
        self._job = replace(self._job, attempts=(attempt,))
        return {finding.rule: finding for finding in self._job.progress.health}

    def epochs(self, count: int, *, wait_s: float = 0.01, images_per_s: float = 160.0) -> dict[str, Finding]:
        """Train on, and tell what is found after the last."""
        for _ in range(count):
            self._epoch += 1
            pace = {"wait_s": wait_s, "compute_s": 0.1, "images_per_s": images_per_s}
            self.run.tell("batch", epoch=self._epoch, batch=1, **pace)
            self.run.epoch(self._epoch, epochs=60)
            found = self.look()
        return found


@pytest.fixture
def night(open_machine: Opener, tmp_path: Path) -> Night:
    return Night(open_machine(card(), Card("GPU-b", used_bytes=24 * GIB, temperature_c=95)), tmp_path)


def card(**readings: int) -> Card:
    return Card("GPU-a", **{"used_bytes": 14 * GIB, "utilization_percent": 93, "temperature_c": 70, **readings})  # type: ignore[arg-type]


def test_a_card_at_work_gives_no_finding_and_its_neighbour_does_not_count(night: Night) -> None:
    assert night.epochs(12) == {}


def test_a_starved_card_is_found_and_the_workers_that_would_do(night: Night) -> None:
    night.epochs(2)
    night.machine.nvml.set("GPU-a", utilization_percent=12)
    found = night.epochs(4, wait_s=0.3)["starved-gpu"]
    assert "busy 12 %" in found.text
    assert "75%" in found.text
    assert found.numbers["workers"] == 8


def test_a_card_that_idles_for_another_reason_is_not_starved(night: Night) -> None:
    night.machine.nvml.set("GPU-a", utilization_percent=12)
    assert "starved-gpu" not in night.epochs(5)


def test_heat_is_named_as_the_cause_of_a_slower_training(night: Night) -> None:
    night.epochs(6)
    night.machine.nvml.set("GPU-a", temperature_c=88, slowdown_bits=HEAT)
    found = night.epochs(7, images_per_s=90.0)["slowing-down"]
    assert (found.severity.value, "Heat" in found.advice) == ("warning", True)


def test_memory_is_told_when_it_is_nearly_full_and_when_most_is_unused(night: Night) -> None:
    night.machine.nvml.set("GPU-a", used_bytes=int(23.6 * GIB))
    assert "98%" in night.epochs(2)["full-memory"].text
    night.machine.nvml.set("GPU-a", used_bytes=4 * GIB)
    found = night.epochs(4)
    assert found["unused-memory"].numbers["batch"] == 72
    assert "full-memory" not in found


def test_silence_is_told_while_it_lasts(night: Night) -> None:
    night.epochs(3)
    night.pulse = replace(night.pulse, silent_s=night.pulse.patience_s(night.limits) * 0.5)
    assert "stall" in night.look()
    night.pulse = replace(night.pulse, silent_s=0.0)
    assert "stall" not in night.look()
