"""What the running attempts have reached, read from their run directories as they grow."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec.structs import replace

from yolotui.core.jobs import Job, Progress
from yolotui.scheduler.memory import PeakWatch
from yolotui.telemetry import RunReader, RunSeries, progress


class ProgressWatch:
    """A reader per active job; tells what has changed since the last look."""

    def __init__(self, peaks: PeakWatch) -> None:
        self._peaks = peaks
        self._readers: dict[int, RunReader] = {}

    def look(self, jobs: Iterable[Job]) -> list[tuple[int, int, Progress]]:
        """(job id, attempt number, progress) of every job whose summary has changed."""
        return [
            (job.id, job.attempts[-1].number, reached)
            for job in jobs
            if job.attempts and (reached := self.read(job)) != job.attempts[-1].progress
        ]

    def read(self, job: Job) -> Progress:
        """What the job has reached by now."""
        reached = progress(self.series(job), epochs_asked=job.spec.epochs)
        return replace(reached, peak_vram_bytes=self._peaks.of(job.attempts[-1]))

    def series(self, job: Job) -> RunSeries:
        """All that is known of the job's run by now."""
        reader = self._readers.get(job.id) or self._readers.setdefault(job.id, RunReader(job.run_dir))
        reader.poll()
        return reader.series

    def forget(self, job_id: int) -> None:
        """Let go of a job that has ended."""
        self._readers.pop(job_id, None)
