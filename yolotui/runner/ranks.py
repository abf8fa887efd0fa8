"""Several GPUs: torchrun in this process starts one trainer for each, and we judge what became of them.

Ultralytics' own way to start ranks pickles the callbacks, deletes the run directory and leaves orphans. torchrun
answers 1 whatever a rank's exit code was, so each rank leaves its verdict in a file and this process, the one that the
shim waits for, writes the end.
"""

from __future__ import annotations

import json
import os
import signal
from typing import Any

from . import durable, training, verdict
from .events import EventLog
from .job import Job
from .kinship import die_with_parent
from .stopping import Stopped, StopSignals
from .verdict import Progress, Verdict


def train_on_ranks(job: Job, ranks: int, trainer_script: str, events: EventLog, progress: Progress) -> None:
    """Start the ranks, wait for them, take over what they reached. Raises what ended them."""
    from torch.distributed import run as torchrun
    from torch.distributed.elastic.multiprocessing.api import SignalException
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError

    for rank in range(ranks):
        if os.path.exists(verdict_path(job, rank)):
            os.unlink(verdict_path(job, rank))
    words = ["--standalone", "--local_addr", "127.0.0.1", "--nproc_per_node", str(ranks)]
    failures: dict[int, Any] = {}
    try:
        torchrun.main([*words, trainer_script, job.attempt_dir, "--rank"])
    except SignalException as stop:
        _take_over(job, progress)
        raise Stopped(int(stop.sigval)) from stop
    except ChildFailedError as problem:
        failures = dict(problem.failures)
    _take_over(job, progress)
    _raise_first_failure(job, ranks, failures)
    if progress.outcome == verdict.STOPPED:  # somebody signalled a rank
        raise Stopped(signal.SIGTERM)
    if job.cpu and progress.outcome != verdict.PAUSED:
        training.finalize(job, events, progress)


def run_rank(job: Job, stop: StopSignals, events: EventLog, progress: Progress) -> int:
    """Be one rank: train, leave the verdict. Dies with its parent, whatever kills that."""
    rank = int(os.environ["RANK"])
    die_with_parent()  # a killed torchrun cleans up nothing

    def work() -> None:
        try:
            training.train(job, events, progress, stop, rank)
        finally:
            stop.leave()

    ending = verdict.attend(work, job, progress)
    leave_verdict(job, rank, ending)
    return verdict.EXIT_FAILED if ending.outcome == verdict.FAILED else 0


def verdict_path(job: Job, rank: int) -> str:
    """Where a rank leaves how it ended."""
    return os.path.join(job.attempt_dir, f"rank-{rank}.json")


def leave_verdict(job: Job, rank: int, ending: Verdict) -> None:
    """Write it; NaN is what it is here, only we read it."""
    durable.write_atomically(verdict_path(job, rank), json.dumps(ending.fields(), default=float).encode())


def _take_over(job: Job, progress: Progress) -> None:
    """What rank 0 reached is what the training reached."""
    first = verdict.load(verdict_path(job, 0))
    if first is not None:
        progress.started = True
        progress.epochs_done = first["epochs_done"]
        progress.metrics = first["metrics"]
        progress.outcome = first["outcome"]


def _raise_first_failure(job: Job, ranks: int, failures: dict[int, Any]) -> None:
    """A rank that failed makes its peers fail or be terminated: the earliest verdict of a failure is the cause."""
    failed = []
    for rank in range(ranks):
        left = verdict.load(verdict_path(job, rank))
        if left is None and rank in failures:
            raise RuntimeError(f"rank {rank} ended with code {failures[rank].exitcode} and no word")
        if left is not None and left["outcome"] == verdict.FAILED:
            failed.append((os.stat(verdict_path(job, rank)).st_mtime, rank, left))
    if failed:
        _, rank, left = min(failed, key=lambda item: item[0])
        error = {**left["error"], "message": f"rank {rank}: " + left["error"]["message"]}
        raise verdict.ReportedFailure(error, left["exit_code"])
    if failures:
        raise RuntimeError(f"ranks {sorted(failures)} ended badly")
