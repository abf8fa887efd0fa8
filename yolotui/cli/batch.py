"""`yolotui --batch FILE`: take a file of jobs, follow them to their end, tell what came of each.

This process only watches. The scheduler is another one, the trainings are others still: when the terminal goes away,
they go on, and the same command again follows on where this one was cut off.
"""

from __future__ import annotations

import os
import shlex
import signal
import sys
from types import FrameType, TracebackType

from yolotui.cli.following import Following, View
from yolotui.cli.printing import Table, print_table
from yolotui.cli.taking import tell_what_was_taken
from yolotui.cli.words import attempts_text, best_text, epochs_text, run_time_text, state_cell
from yolotui.core.jobs import ACTIVE
from yolotui.errors import ExitCode
from yolotui.queue import Queue


def run_batch(file: str, *, again: bool, rerun_changed: bool, reason: str) -> int:
    """Run a file of jobs to its end; returns the exit code. Raises WrongFile before anything is taken."""
    with Queue() as queue, queue.watching():
        taken = queue.add_file(file, again=again, rerun_changed=rerun_changed, reason=reason)
        tell_what_was_taken(file, taken)
        following = Following(queue, taken.jobs)
        _follow(following, file)
        print_table(_final_table(following))
        return ExitCode.DONE if following.all_succeeded else ExitCode.JOB_FAILED


def _follow(following: Following, file: str) -> None:
    """Show the jobs until all have ended, or until the person has pressed Ctrl-C twice."""
    with _view() as view, Interrupts() as interrupts:
        for changed in following.looks():
            if interrupts.to_be_explained():
                view.say(_explanation(file, following))
            view.show(following, changed)


def _view() -> View:
    """A table that is redrawn on a terminal; elsewhere a line for each change."""
    if sys.stdout.isatty() and os.environ.get("TERM") != "dumb":
        from yolotui.cli.live import LiveView

        return LiveView()
    from yolotui.cli.lines import LineView

    return LineView()


def _final_table(following: Following) -> Table:
    """What each run reached, and how long it took."""
    table = Table(("id", "name", "state", "epochs", "best", "took", "notes"), right=frozenset({"id", "epochs", "took"}))
    for job in following.jobs:
        notes = "; ".join(text for text in (attempts_text(job), following.around.why(job)) if text)
        took = run_time_text(job, job.status.since)
        table.add(str(job.id), job.name, state_cell(job.state), epochs_text(job), best_text(job), took, notes)
    return table


def _explanation(file: str, following: Following) -> list[str]:
    """What Ctrl-C does not do, and what would."""
    sentences = [
        "The trainings go on, with this window or without. Ctrl-C once more leaves it.",
        f"  come back:  yolotui --batch {shlex.quote(file)}   or, for the dashboard:  yolotui",
    ]
    unfinished = [job for job in following.jobs if not job.ended]
    if running := [str(job.id) for job in unfinished if isinstance(job.status, ACTIVE)]:
        sentences.append(f"  stop them:  yolotui kill {' '.join(running)}")
    if waiting := [str(job.id) for job in unfinished if not isinstance(job.status, ACTIVE)]:
        sentences.append(f"  take out what waits:  yolotui cancel {' '.join(waiting)}")
    return sentences


class Interrupts:
    """While it is open a first Ctrl-C is only noted, a second one raises KeyboardInterrupt; SIGTERM leaves in order."""

    def __init__(self) -> None:
        self._count = 0
        self._explained = False

    def __enter__(self) -> Interrupts:
        self._before = {
            signal.SIGINT: signal.signal(signal.SIGINT, self._interrupt),
            signal.SIGTERM: signal.signal(signal.SIGTERM, self._leave),
        }
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def to_be_explained(self) -> bool:
        """True once after the first Ctrl-C: a signal handler itself must not print, it may have interrupted a print."""
        if not self._count or self._explained:
            return False
        self._explained = True
        return True

    def _interrupt(self, _number: int, _frame: FrameType | None) -> None:
        self._count += 1
        if self._count > 1:
            raise KeyboardInterrupt

    def _leave(self, number: int, _frame: FrameType | None) -> None:
        raise SystemExit(128 + number)
