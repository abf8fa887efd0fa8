"""The run directories of what runs, read as they grow: one reader a job, whoever asks."""

from __future__ import annotations

from yolotui.core.jobs import Job
from yolotui.telemetry import RunReader, RunSeries


class Runs:
    """A reader per active job."""

    def __init__(self) -> None:
        self._readers: dict[int, RunReader] = {}

    def series(self, job: Job) -> RunSeries:
        """All that is known of the job's run by now."""
        reader = self._readers.get(job.id) or self._readers.setdefault(job.id, RunReader(job.run_dir))
        reader.poll()
        return reader.series

    def forget(self, job_id: int) -> None:
        """Let go of a job that has ended."""
        self._readers.pop(job_id, None)
