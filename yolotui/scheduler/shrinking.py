"""After a training ran out of GPU memory: half the batch that it ran with."""

from __future__ import annotations

from yolotui.core.failures import Retry, retry_of
from yolotui.core.jobs import Job
from yolotui.core.training_defaults import BATCH
from yolotui.telemetry import RunReader


def smaller_batch(job: Job) -> int | None:
    """The batch for the next attempt; None where the last one did not fail for its size, or where none is smaller.

    The batch is that of all GPUs together, and stays a multiple of their number.
    """
    if not job.attempts or retry_of(job.attempts[-1].cause) is not Retry.SMALLER:
        return None
    before = _batch_of_last(job)
    if before is None:
        return None
    ranks = max(1, job.spec.gpus)
    smaller = max(ranks, before // 2 // ranks * ranks)
    return smaller if smaller < before else None


def _batch_of_last(job: Job) -> int | None:
    """What the last attempt ran with in the end: Ultralytics itself may have halved it before."""
    reader = RunReader(job.run_dir)
    reader.poll()
    number = job.attempts[-1].number
    changed = [each.to for each in reader.series.changes if each.attempt == number and each.what == "batch"]
    starts = [each.start.batch for each in reader.series.attempts if each.number == number and each.start]
    # The events of an attempt that failed early may have a change and no start.
    for batch in (*reversed(changed), *starts, job.spec.arguments.get("batch", BATCH)):
        if isinstance(batch, int | float) and not isinstance(batch, bool) and batch >= 1:
            return int(batch)
    return None
