"""Verbs that destroy: kill and cancel. On a terminal they name what would be lost and ask; No is the default."""

from __future__ import annotations

import time
from collections.abc import Sequence
from functools import partial

import click

from yolotui.cli.options import confirm, jobs_argument, open_queue, reason_option, yes_option
from yolotui.cli.printing import narrate
from yolotui.cli.selecting import fitting, told
from yolotui.cli.words import epochs_text, run_time_text
from yolotui.config import is_to_ask
from yolotui.core.jobs import Job

NAMED_AT_MOST = 20


@click.command("kill")
@jobs_argument()
@yes_option
@reason_option
def kill_verb(jobs: Sequence[str], yes: bool, reason: str) -> None:
    """End running jobs: TERM, a wait, then KILL over the whole process tree. They end cancelled.

    Asks on a terminal. In a script, where nobody can be asked, it goes ahead.
    """
    queue = open_queue()
    chosen = fitting(queue, jobs, "kill", frozenset({"starting", "running", "pausing", "unknown"}))
    is_asked = is_to_ask(queue.config.queue.confirm, harmless=False)
    confirm(partial(_question, "Kill", chosen), yes=yes or not is_asked)
    queue.kill([job.id for job in chosen], reason=reason)
    narrate(f"Being stopped: {told(chosen)}.")


@click.command("cancel")
@jobs_argument()
@yes_option
@reason_option
def cancel_verb(jobs: Sequence[str], yes: bool, reason: str) -> None:
    """Take waiting, held or paused jobs out of the queue. `retry` brings them back.

    Asks on a terminal when there are several (`confirm` in the configuration). In a script it goes ahead.
    """
    queue = open_queue()
    chosen = fitting(queue, jobs, "cancel", frozenset({"waiting", "held", "paused"}))
    is_asked = is_to_ask(queue.config.queue.confirm, harmless=len(chosen) == 1)
    confirm(partial(_question, "Cancel", chosen), yes=yes or not is_asked)
    queue.cancel([job.id for job in chosen], reason=reason)
    narrate(f"Cancelled: {told(chosen)}.")


def _question(verb: str, jobs: Sequence[Job]) -> str:
    """Name each job with what it has reached, then ask."""
    for job in jobs[:NAMED_AT_MOST]:
        reached = [job.state]
        if epochs := epochs_text(job):
            reached.append(f"epoch {epochs}")
        if ran := run_time_text(job, time.time()):
            reached.append(f"ran {ran}")
        narrate(f"  {job.id}  {job.name}: {', '.join(reached)}")
    if len(jobs) > NAMED_AT_MOST:
        narrate(f"  and {len(jobs) - NAMED_AT_MOST} more")
    return f"{verb} {'this job' if len(jobs) == 1 else f'these {len(jobs)} jobs'}?"
