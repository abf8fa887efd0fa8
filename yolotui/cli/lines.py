"""`--batch` in a pipe or a log file: a line for each change, and not too many of them."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from types import TracebackType

import click

from yolotui.cli.following import Following
from yolotui.cli.printing import narrate
from yolotui.cli.surroundings import Surroundings
from yolotui.cli.words import best_text, epochs_text, metrics_text, resumption_text, run_time_text, start_text
from yolotui.core.jobs import Job
from yolotui.harmless import clean

EPOCHS_EVERY_S = 2.0
"""Between two lines of one job about nothing but epochs, at least."""

Said = tuple[str, int, int]
"""State, number of attempts, epochs done."""


class LineView:
    """Prints `12 night-n running epoch 3/10 mAP50-95 0.31` whenever a job has got further."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._said: dict[int, Said] = {}
        self._said_at: dict[int, float] = {}
        self._unsaid: dict[int, Job] = {}
        self._explained: set[int] = set()

    def __enter__(self) -> LineView:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Every line has been flushed."""

    def say(self, sentences: Sequence[str]) -> None:
        """On stderr: the lines on stdout are data."""
        narrate(*sentences)

    def show(self, following: Following, changed: Sequence[Job]) -> None:
        """Print what is new: a new state at once, epochs every few seconds."""
        self._unsaid |= {job.id: job for job in changed}
        # Why a job waits is known a moment after it was submitted, and may be news to somebody who expects it to run.
        for job in following.jobs:
            entry = following.around.entry(job)
            is_told = job.id in self._explained or (entry is not None and entry.checking is not None)
            if job.state == "waiting" and not is_told and following.around.why(job):
                self._explained.add(job.id)
                if self._said.pop(job.id, None):
                    self._unsaid[job.id] = job
        for job in list(self._unsaid.values()):
            if not self._may_wait(job):
                del self._unsaid[job.id]
                self._say(job, following.around)

    def _may_wait(self, job: Job) -> bool:
        if job.state == "starting":
            return True  # for some milliseconds: the next state tells it, too
        same_but_epochs = self._said.get(job.id, ("", 0, 0))[:2] == _gist(job)[:2]
        return same_but_epochs and self._clock() - self._said_at[job.id] < EPOCHS_EVERY_S

    def _say(self, job: Job, around: Surroundings) -> None:
        if self._said.get(job.id) == _gist(job):
            return
        known_attempts = self._said.get(job.id, ("", len(job.attempts), 0))[1]
        line = line_of(job, around, new_attempt=len(job.attempts) > max(known_attempts, 1))
        self._said[job.id], self._said_at[job.id] = _gist(job), self._clock()
        click.echo(clean(line))


def _gist(job: Job) -> Said:
    return job.state, len(job.attempts), job.progress.epochs_done


def line_of(job: Job, around: Surroundings, *, new_attempt: bool = False) -> str:
    """Where a job is, on one line."""
    words = [str(job.id), job.name, job.state]
    if job.attempts and (epochs := epochs_text(job)):
        words.append(f"epoch {epochs}")
    if job.ended:
        words += [best_text(job), f"took {took}" if (took := run_time_text(job, job.status.since)) else ""]
    elif job.attempts:
        words.append(metrics_text(job.progress.last, at_most=1))
    else:
        expected = start_text(job, around.entry(job), time.time())
        words.append(f"expected {expected}" if expected else "")
    if new_attempt:
        words.append(resumption_text(job, len(job.attempts)))
    line = " ".join(word for word in words if word)
    why = around.why(job)
    return f"{line}: {why}" if why else line
