"""How an attempt ended: the last event, and the exit code."""

from __future__ import annotations

import json
import os
import traceback
from dataclasses import asdict, dataclass, field
from typing import Any, Callable, Mapping

from .job import Job, WrongJobError
from .stopping import Stopped

FINISHED, STOPPED_EARLY, PAUSED = "finished", "stopped_early", "paused"
FINISH_REQUESTED, STOPPED, FAILED = "finish_requested", "stopped", "failed"
EXIT_PAUSED, EXIT_WRONG, EXIT_FAILED = 75, 2, 1
TRACE_LINES = 20
# Before the first batch these mean a wrong job: an unknown argument, a missing file, a value of the wrong type.
WRONG_BEFORE_START = (SyntaxError, FileNotFoundError, IsADirectoryError, TypeError, ValueError, KeyError, ImportError)


class ReportedFailure(Exception):
    """A failure that another process has described already, with its exit code."""

    def __init__(self, error: Mapping[str, str], exit_code: int) -> None:
        super().__init__(error["message"])
        self.error = error
        self.exit_code = exit_code


@dataclass
class Progress:
    """What an attempt has reached; filled in as it goes, read when it ends in whatever way."""

    started: bool = False
    epochs_done: int = 0
    outcome: str = FINISHED
    metrics: dict[str, Any] = field(default_factory=dict)
    artifacts: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Verdict:
    """The fields of the `end` event. `exit_code` is the trainer's own; `error` has type, message and trace_tail."""

    outcome: str
    exit_code: int
    error: Mapping[str, str] | None = None
    epochs_done: int = 0
    best: str | None = None
    last: str | None = None
    metrics: Mapping[str, Any] = field(default_factory=dict)
    artifacts: Mapping[str, Any] = field(default_factory=dict)

    def fields(self) -> dict[str, Any]:
        """For the event log, or for a file."""
        return asdict(self)


def attend(work: Callable[[], None], job: Job, progress: Progress) -> Verdict:
    """Do the work and say how it ended. Nothing gets past this but the end of the process."""
    try:
        work()
    except Stopped as stop:
        return conclude(job, progress, STOPPED, stop.exit_code)
    except ReportedFailure as problem:
        return conclude(job, progress, FAILED, problem.exit_code, problem.error)
    except BaseException as problem:  # noqa: BLE001 - also SystemExit: a library's exit is no success of ours
        traceback.print_exc()
        return conclude(job, progress, FAILED, exit_code_of(problem, started=progress.started), describe(problem))
    return conclude(job, progress, progress.outcome, EXIT_PAUSED if progress.outcome == PAUSED else 0)


def conclude(
    job: Job, progress: Progress, outcome: str, exit_code: int, error: Mapping[str, str] | None = None
) -> Verdict:
    """A verdict with what is on the disk."""
    files = dict.fromkeys(("best", "last", "results"))
    if job.kind == "train":
        files["best"] = _existing(job.weights_dir, "best.pt")
        files["last"] = _existing(job.weights_dir, "last.pt")
        files["results"] = _existing(job.results_dir, "results.csv")
    return Verdict(
        outcome=outcome,
        exit_code=exit_code,
        error=error,
        epochs_done=progress.epochs_done,
        best=files["best"],
        last=files["last"],
        metrics=progress.metrics,
        artifacts={**files, "dir": job.results_dir, **progress.artifacts},
    )


def exit_code_of(problem: BaseException, *, started: bool) -> int:
    """2 for what can never work as asked, 1 for what may work the next time."""
    if isinstance(problem, WrongJobError):
        return EXIT_WRONG
    wrong_data = isinstance(problem, RuntimeError) and str(problem).startswith("Dataset '")
    no_gpu_now = isinstance(problem, ValueError) and "CUDA" in str(problem)
    if not started and not no_gpu_now and (wrong_data or isinstance(problem, WRONG_BEFORE_START)):
        return EXIT_WRONG
    return EXIT_FAILED


def describe(problem: BaseException) -> dict[str, str]:
    """An error, and the one that it was raised from, for people and for the scheduler's classification."""
    message = str(problem)
    if problem.__cause__ is not None and str(problem.__cause__) not in message:
        message += f" (because of: {problem.__cause__})"
    trace = "".join(traceback.format_exception(type(problem), problem, problem.__traceback__)).splitlines()
    return {"type": type(problem).__name__, "message": message, "trace_tail": "\n".join(trace[-TRACE_LINES:])}


def load(path: str) -> dict[str, Any] | None:
    """A verdict that a rank left in a file; None when it left none."""
    try:
        with open(path, encoding="utf-8") as file:
            return dict(json.load(file))
    except (OSError, ValueError, RecursionError):
        return None


def _existing(*parts: str) -> str | None:
    path = os.path.join(*parts)
    return path if os.path.exists(path) else None
