"""Looks at what runs with the eyes of the health rules: once an epoch, and when nothing moves."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Callable, Sequence
from statistics import fmean, median

from msgspec.structs import replace

from yolotui.core.gpus import Gpu
from yolotui.core.health import DeviceView, Finding, RunView, Usual, examine
from yolotui.core.jobs import Attempt, Job, Kind
from yolotui.core.limits import Limits, Pulse
from yolotui.scheduler.estimates import keep_newest
from yolotui.telemetry import RunSeries
from yolotui.telemetry.health_view import run_view

WORTH_A_WORD = 3  # a silence of a third of what ends the attempt
KEPT_BEGINNINGS = 200  # of the same model and data
BOX = "train/box_loss"


class HealthWatch:
    """Remembers what devices did since the last epoch, and how runs of the same model and data began."""

    def __init__(self, pulse_of: Callable[[Job, Attempt], Pulse], limits: Limits) -> None:
        """`pulse_of` says how long an attempt that runs has been silent, and its rhythm."""
        self._pulse_of = pulse_of
        self._limits = limits
        self._devices: dict[int, DeviceMeans] = {}
        self._looked_at: dict[int, tuple[int, bool]] = {}
        self._beginnings: defaultdict[tuple[str, str], dict[int, float]] = defaultdict(dict)

    def learn(self, job: Job) -> None:
        """Learn from a run that ended well how such runs begin."""
        if job.state == "succeeded" and (loss := job.progress.first.get(BOX)) is not None:
            keep_newest(self._beginnings[_kin(job)], job.id, loss, KEPT_BEGINNINGS)

    def look(self, job: Job, series: RunSeries, gpus: Sequence[Gpu]) -> tuple[Finding, ...]:
        """The findings of a run by now; those that it had where nothing has happened since the last look.

        `gpus` are the newest readings of all devices.
        """
        before = job.progress.findings
        if job.spec.kind is not Kind.TRAIN or not job.attempts:
            return before
        attempt = job.attempts[-1]
        means = self._devices.setdefault(job.id, DeviceMeans())
        if attempt.outcome is None:
            means.add(gpus, attempt.gpus)
        pulse = self._pulse_of(job, attempt) if attempt.outcome is None else Pulse(silent_s=0.0)
        patience_s = pulse.patience_s(self._limits) / WORTH_A_WORD
        is_silent = pulse.silent_s > patience_s
        if not _has_begun(attempt, series):
            series = RunSeries()  # it may resume, or begin anew: what earlier attempts trained says nothing yet
            if not is_silent:
                return before
        epoch = series.epochs[-1].epoch if series.epochs else 0
        happened = (epoch, is_silent)
        if self._looked_at.get(job.id) == happened:
            return before
        at_epoch = self._looked_at.get(job.id, (job.progress.epochs_done, False))[0]
        self._looked_at[job.id] = happened
        run = self._view(job, series, means.take(), pulse.silent_s, patience_s)
        return tuple(examine(run, {finding.rule: finding for finding in before}, at_epoch=at_epoch).values())

    def forget(self, job_id: int) -> None:
        """Let go of a job that has ended."""
        self._devices.pop(job_id, None)
        self._looked_at.pop(job_id, None)

    def _view(self, job: Job, series: RunSeries, device: DeviceView, silent_s: float, patience_s: float) -> RunView:
        # The model as it was asked for: a resumed one names its checkpoint.
        asked = {**job.spec.arguments, "model": job.spec.model}
        return replace(
            run_view(series, asked, epochs_asked=job.spec.epochs),
            device=device,
            gpus=max(1, len(job.attempts[-1].gpus)),
            usual=self._usual(job),
            workers_possible=os.cpu_count(),
            silent_s=silent_s,
            patience_s=patience_s,
        )

    def _usual(self, job: Job) -> Usual | None:
        others = [loss for job_id, loss in self._beginnings[_kin(job)].items() if job_id != job.id]
        return Usual(median(others), max(others), len(others)) if others else None


class DeviceMeans:
    """What a run's cards did since it was last asked; where nobody has looked at them since, the newest reading."""

    def __init__(self) -> None:
        self._reading: Sequence[Gpu] | None = None
        self._cards: Sequence[Gpu] = ()
        self._forget()

    def _forget(self) -> None:
        self._counted = False
        self._busy: list[float] = []
        self._hottest_c: float | None = None
        self._slowdowns: set[str] = set()
        self._fullest: tuple[float, int, int] | None = None

    def add(self, reading: Sequence[Gpu], uuids: Sequence[str]) -> None:
        """One more reading of all cards, of which `uuids` are the run's; the same object counts once."""
        if reading is not self._reading:
            self._reading = reading
            self._cards = [gpu for gpu in reading if gpu.uuid in uuids]
            self._count(self._cards)

    def _count(self, gpus: Sequence[Gpu]) -> None:
        self._counted = True
        for gpu in gpus:
            if gpu.utilization_percent is not None:
                self._busy.append(gpu.utilization_percent)
            if gpu.temperature_c is not None:
                self._hottest_c = max(gpu.temperature_c, self._hottest_c or 0.0)
            if gpu.memory_used_bytes is not None and gpu.memory_total_bytes:
                part = gpu.memory_used_bytes / gpu.memory_total_bytes
                self._fullest = max(self._fullest or (0.0, 0, 0), (part, gpu.memory_used_bytes, gpu.memory_total_bytes))
            self._slowdowns.update(gpu.slowdowns)

    def take(self) -> DeviceView:
        """The means, and begin anew."""
        if not self._counted:
            self._count(self._cards)
        _, used, total = self._fullest or (0.0, None, None)
        view = DeviceView(
            utilization_percent=fmean(self._busy) if self._busy else None,
            hottest_c=self._hottest_c,
            memory_used_bytes=used,
            memory_total_bytes=total,
            slowdowns=tuple(sorted(self._slowdowns)),
        )
        self._forget()
        return view


def _has_begun(attempt: Attempt, series: RunSeries) -> bool:
    newest = series.newest
    return newest is not None and newest.number >= attempt.number and newest.start is not None


def _kin(job: Job) -> tuple[str, str]:
    return (job.spec.model or "", job.spec.data or "")
