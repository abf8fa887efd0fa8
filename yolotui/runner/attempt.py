"""From the command line of a trainer to its exit code."""

from __future__ import annotations

import os
import sys

from . import job as jobs
from . import modes, ranks, streams, training, verdict
from .events import EventLog
from .job import Job
from .stopping import StopSignals
from .verdict import Progress, Verdict

LEAVE_WITHIN_S = 10.0
PARENT_LEAVES_WITHIN_S = 25.0  # its ranks leave first


def main(argv: list[str]) -> int:
    """`ATTEMPT_DIR [--ranks N | --rank]`; returns the exit code."""
    if not argv:
        sys.stderr.write("usage: trainer.py ATTEMPT_DIR\n")
        return verdict.EXIT_WRONG
    streams.protect()
    attempt_dir = os.path.abspath(argv[0])
    is_rank = "--rank" in argv
    count = int(argv[argv.index("--ranks") + 1]) if "--ranks" in argv else 1
    speaks = not is_rank or os.environ.get("RANK") == "0"
    events = EventLog(os.path.join(attempt_dir, "events.jsonl") if speaks else None)
    try:
        job = jobs.read(attempt_dir)
    except jobs.WrongJobError as problem:
        job = Job(attempt_dir=attempt_dir, kind="", model="")
        ending = verdict.conclude(job, Progress(), verdict.FAILED, verdict.EXIT_WRONG, verdict.describe(problem))
        sys.stderr.write(f"{problem}\n")
        events.write("end", **ending.fields())
        return ending.exit_code
    return _run_rank(job, events) if is_rank else _run(job, count, events)


def _run(job: Job, count: int, events: EventLog) -> int:
    """The process that the shim waits for: does the work, or has ranks do it, and has the last word."""
    progress = Progress()

    def overdue(signum: int) -> None:
        ending = verdict.conclude(job, progress, verdict.STOPPED, 128 + signum)
        events.write("end", **ending.fields())
        os._exit(ending.exit_code)

    stop = StopSignals(PARENT_LEAVES_WITHIN_S if count > 1 else LEAVE_WITHIN_S, overdue)
    stop.install()
    for name, value in job.refused.items():
        events.write(
            "changed", **{"what": name, "from": value, "to": None, "why": "where results go is the scheduler's to say"}
        )
    ending = _attend(job, count, events, progress, stop)
    events.write("end", **ending.fields())
    return ending.exit_code


def _attend(job: Job, count: int, events: EventLog, progress: Progress, stop: StopSignals) -> Verdict:
    def work() -> None:
        try:
            if job.kind != "train":
                modes.run(job, events, progress)
            elif job.finalize:
                training.finalize(job, events, progress)
            elif count > 1:
                script = os.path.join(os.path.dirname(os.path.abspath(__file__)), "trainer.py")
                ranks.train_on_ranks(job, count, script, events, progress)
            else:
                training.train(job, events, progress, stop)
        finally:
            stop.leave()  # a signal from here on comes too late to change the verdict

    return verdict.attend(work, job, progress)


def _run_rank(job: Job, events: EventLog) -> int:
    progress = Progress()
    rank = int(os.environ["RANK"])

    def overdue(signum: int) -> None:
        ranks.leave_verdict(job, rank, verdict.conclude(job, progress, verdict.STOPPED, 128 + signum))
        os._exit(0)

    stop = StopSignals(LEAVE_WITHIN_S, overdue)
    stop.install()
    return ranks.run_rank(job, stop, events, progress)
