"""Verbs that steer jobs and destroy nothing: priority, hold, release, pause, resume, …, retry; and undo."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

import click

from yolotui.cli.options import jobs_argument, open_queue, reason_option
from yolotui.cli.printing import narrate
from yolotui.cli.selecting import UNFINISHED, fitting, told
from yolotui.core.jobs import Job, Priority
from yolotui.queue import Queue
from yolotui.units import format_clock


@click.command("priority")
@click.argument("priority", type=click.Choice([each.name for each in Priority], case_sensitive=False))
@jobs_argument()
@click.option("--dry-run", is_flag=True, help="Change nothing; tell who would start sooner, who later, by how much.")
@click.option("--json", "as_json", is_flag=True, help="With --dry-run: one JSON object.")
@reason_option
def priority_verb(priority: str, jobs: Sequence[str], dry_run: bool, as_json: bool, reason: str) -> None:
    """Put jobs into another class: P0 goes before everything, P2 is the usual one."""
    if as_json and not dry_run:
        raise click.UsageError("--json goes with --dry-run.")
    queue = open_queue()
    chosen = fitting(queue, jobs, "reprioritize", UNFINISHED)
    if dry_run:
        from yolotui.cli.moving import print_moves, tell_moves

        (print_moves if as_json else tell_moves)(
            queue, queue.what_if_priority(_ids(chosen), Priority[priority.upper()])
        )
        return
    wanted = Priority[priority.upper()]
    queue.set_priority(_ids(chosen), wanted, reason=reason)
    for changed, said in ((True, wanted.name), (False, f"Already {wanted.name}")):
        if jobs_of := [job for job in chosen if (job.priority is not wanted) == changed]:
            narrate(f"{said}: {told(jobs_of)}.")


@click.command("hold")
@jobs_argument()
@reason_option
def hold_verb(jobs: Sequence[str], reason: str) -> None:
    """Keep waiting jobs from starting. With @group: the group, and what will be added to it."""
    queue = open_queue()
    single = _jobs_not_groups(queue, jobs, "hold", {"waiting"})
    for group in _groups(queue, jobs):
        queue.hold_group(group, reason=reason)
        narrate(f"Held: group {group}.")
    if single:
        queue.hold(_ids(single), reason=reason)
        narrate(f"Held: {told(single)}.")


@click.command("release")
@jobs_argument()
@reason_option
def release_verb(jobs: Sequence[str], reason: str) -> None:
    """Let held jobs, or with @group a held group, wait for their turn again."""
    queue = open_queue()
    single = _jobs_not_groups(queue, jobs, "release", {"held"})
    for group in _groups(queue, jobs):
        queue.release_group(group, reason=reason)
        narrate(f"Released: group {group}.")
    if single:
        queue.release(_ids(single), reason=reason)
        narrate(f"Released: {told(single)}.")


@click.command("pause")
@jobs_argument()
@reason_option
def pause_verb(jobs: Sequence[str], reason: str) -> None:
    """Stop running trainings at the end of their epoch, at a checkpoint; others get their GPUs."""
    _steer(
        jobs, "pause", {"running", "starting"}, Queue.pause, done="Will pause at the end of the epoch", reason=reason
    )


@click.command("resume")
@jobs_argument()
@reason_option
def resume_verb(jobs: Sequence[str], reason: str) -> None:
    """Let paused trainings continue from their checkpoint."""
    _steer(jobs, "resume", {"paused"}, Queue.resume, done="Continue when their turn comes", reason=reason)


@click.command("checkpoint")
@jobs_argument()
@reason_option
def checkpoint_verb(jobs: Sequence[str], reason: str) -> None:
    """Have running trainings write a checkpoint now."""
    _steer(jobs, "checkpoint", {"running"}, Queue.checkpoint, done="Asked for a checkpoint", reason=reason)


@click.command("finish")
@jobs_argument()
@reason_option
def finish_verb(jobs: Sequence[str], reason: str) -> None:
    """Have running trainings end now with what they have: final validation, best weights, succeeded."""
    _steer(jobs, "finish", {"running"}, Queue.finish, done="Asked to finish", reason=reason)


@click.command("retry")
@jobs_argument()
@reason_option
def retry_verb(jobs: Sequence[str], reason: str) -> None:
    """Try failed, cancelled or skipped jobs again, from their newest checkpoint.

    With them what was skipped behind them, and what failed, was cancelled or skipped before them and keeps them back.
    """
    queue = open_queue()
    chosen = fitting(queue, jobs, "retry", frozenset({"failed", "cancelled", "skipped"}))
    retried = queue.retry(_ids(chosen), reason=reason)
    again = queue.jobs(ids=retried.jobs)
    narrate(f"Wait again: {told(again)}.")
    if retried.behind:
        narrate(f"And what was skipped behind: {told(queue.jobs(ids=retried.behind))}.")
    for group in sorted({job.spec.group for job in again} & queue.held_groups().keys()):
        narrate(f"But the group {group} is held, and nothing in it starts: `yolotui release @{group}` lets it go.")


@click.command("undo")
@click.option("--older", is_flag=True, help="Pass over newer acts that can't be taken back, such as add or kill.")
@reason_option
def undo_verb(older: bool, reason: str) -> None:
    """Take back your last priority, deadline, hold, release, cancel or change of a booking, if all is as it left it."""
    queue = open_queue()
    undone = queue.undo(older=older, reason=reason)
    when = format_clock(undone.at, time.time())
    to = [f"group {undone.group}"] if undone.group else []
    to += [f"booking {undone.booking}"] if undone.booking else []
    to += [told(queue.jobs(ids=undone.jobs))] if undone.jobs else []
    narrate(f"Taken back: {undone.verb} of {when}: {', '.join(to)}.")
    if undone.rearmed:
        narrate(f"And what was skipped behind waits again: {told(queue.jobs(ids=undone.rearmed))}.")


def _steer(
    selectors: Sequence[str], verb: str, states: set[str], act: Callable[..., Any], *, done: str, reason: str
) -> None:
    """Do a verb to those of the selected jobs that it fits, and say to which."""
    queue = open_queue()
    chosen = fitting(queue, selectors, verb, frozenset(states))
    act(queue, _ids(chosen), reason=reason)
    narrate(f"{done}: {told(chosen)}.")


def _groups(queue: Queue, selectors: Sequence[str]) -> list[str]:
    """The names of the groups that are meant as such. Raises NoSuchJob where there is none of that name."""
    groups = [each for each in dict.fromkeys(selectors) if each.startswith("@")]
    queue.select(*groups)
    return [group.removeprefix("@") for group in groups]


def _jobs_not_groups(queue: Queue, selectors: Sequence[str], verb: str, states: set[str]) -> list[Job]:
    single = [each for each in selectors if not each.startswith("@")]
    return fitting(queue, single, verb, frozenset(states)) if single else []


def _ids(jobs: Sequence[Job]) -> list[int]:
    return [job.id for job in jobs]
