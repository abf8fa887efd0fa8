"""What the running attempts have reached, and how they do, read from their run directories as they grow."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from msgspec.structs import replace

from yolotui.core.gpus import Gpu
from yolotui.core.jobs import Job, Progress
from yolotui.scheduler.health import HealthWatch
from yolotui.scheduler.memory import PeakWatch
from yolotui.scheduler.runs import Runs
from yolotui.telemetry import progress


class ProgressWatch:
    """Tells what has changed since the last look."""

    def __init__(self, runs: Runs, peaks: PeakWatch, health: HealthWatch, gpus: Callable[[], Sequence[Gpu]]) -> None:
        """`gpus` gives the newest readings of all devices."""
        self._runs = runs
        self._peaks = peaks
        self._health = health
        self._gpus = gpus

    def look(self, jobs: Iterable[Job]) -> list[tuple[int, int, Progress]]:
        """(job id, attempt number, progress) of every job whose summary has changed."""
        return [
            (job.id, job.attempts[-1].number, reached)
            for job in jobs
            if job.attempts and (reached := self.read(job)) != job.attempts[-1].progress
        ]

    def read(self, job: Job) -> Progress:
        """What the job has reached by now."""
        series = self._runs.series(job)
        return replace(
            progress(series, epochs_asked=job.spec.epochs),
            peak_vram_bytes=self._peaks.of(job.attempts[-1]),
            findings=self._health.look(job, series, self._gpus()),
        )

    def forget(self, job_id: int) -> None:
        """Let go of a job that has ended."""
        self._runs.forget(job_id)
        self._health.forget(job_id)
