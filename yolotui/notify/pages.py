"""The page of a run that a message names: written where the run's other files are, and only when somebody is told."""

from __future__ import annotations

import logging
import time
from pathlib import Path

from yolotui.config import Config
from yolotui.core.jobs import Job
from yolotui.errors import QueueOutOfReach
from yolotui.harmless import clean
from yolotui.locations import Home
from yolotui.probe import Samples
from yolotui.report.page import page
from yolotui.report.run import gather_run
from yolotui.report.run_sections import sections
from yolotui.runner.durable import write_atomically
from yolotui.store import Store

FILE = "report.html"
log = logging.getLogger("yolotui.notify")


class RunPages:
    """Writes `report.html` into run directories; several who are told of the same are given the same page."""

    def __init__(self, home: Home, store: Store) -> None:
        self._home = home
        self._store = store
        self._newest: tuple[int, int, str] | None = None

    def write(self, job_id: int) -> str:
        """The path of the page of a job as it is now; empty where there can be none: the message goes without."""
        try:
            job = self._store.read.job(job_id)
            if self._newest is None or self._newest[:2] != (job_id, job.revision):
                self._newest = job_id, job.revision, self._written(job)
        except QueueOutOfReach:  # that passes: then it is told, with its page
            raise
        except Exception as trouble:  # noqa: BLE001 — whatever a run directory holds must not keep anybody from being told
            log.warning("job %d has no page: %s: %s", job_id, type(trouble).__name__, trouble)
            return ""
        return self._newest[2]

    def _written(self, job: Job) -> str:
        costs = Config.load(self._home).costs
        run = gather_run(self._store, Samples(self._home.samples), costs, job.id, time.time())
        file = Path(job.run_dir, FILE)
        write_atomically(str(file), page(sections(run, costs)).encode())
        return clean(str(file))
