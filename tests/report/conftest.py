"""The command line on a home of its own, as the tests of the command line have it; and a night in it."""

from __future__ import annotations

import time

import pytest
from msgspec.structs import replace

from tests.cli.conftest import add, shapes, shell, store
from tests.cli.states import end, publish, reach, start
from tests.telemetry.writing import Run
from yolotui.core.idling import Idleness, Recorded
from yolotui.core.jobs import Outcome, Process, Succeeded, Waiting
from yolotui.core.standstill import Standstill
from yolotui.probe import Samples
from yolotui.store import Store

__all__ = ["add", "shapes", "shell", "store"]

OTHERS = Idleness(Standstill.OTHER_JOBS, 7, "It comes after job 3.")


@pytest.fixture
def night(shell, store, add):
    """A training that broke once and was mended, on one of two cards that draw power; returns its id."""
    now = time.time()
    published = publish(store, 2, at=now)
    samples = Samples(shell.home.samples)
    for ago in (60, 30, 0):
        gpus = tuple(replace(gpu, power_w=200.0, utilization_percent=50) for gpu in published.host.gpus)
        samples.record(replace(published.host, at=now - ago, gpus=gpus))
    samples.close()
    job = add("night|<b>")
    with Store(shell.home, clock=lambda: now - 7300) as earliest:
        earliest.ledger.take_the_lead(Process(1, 1, "boot"))
    # An hour ago: what ends later than the report does is not in it.
    with Store(shell.home, clock=lambda: now - 3600) as earlier:
        start(earlier, job, gpus=("GPU-0",))
        end(earlier, job, Waiting(now), outcome=Outcome.FAILED, cause="gpu_memory", explanation="Out of memory.")
        start(earlier, job, gpus=("GPU-0",), resumed_from_epoch=3)
        reach(earlier, job, 10, **{"mAP50-95(B)": 0.4321})
        run = Run(shell.home.runs / earlier.read.job(job).run_dir)
        run.begin()
        for epoch in range(1, 11):
            run.epoch(epoch)
        end(earlier, job, Succeeded(now))
    store.ledger.record_idleness([Recorded("GPU-1", now - 7200, OTHERS)])
    shell.home.config.write_text("[costs]\nkwh = 0.5\ngpu_hour = 2\n")
    return job
