"""Verbs that put a job into the queue once more: rerun as it was, clone with changes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import click

from yolotui.cli.options import complete_job, open_queue, reason_option
from yolotui.cli.printing import narrate
from yolotui.cli.selecting import the_one
from yolotui.cli.verbs.adding import key_value_pairs
from yolotui.core.jobs import Job
from yolotui.errors import WrongUse
from yolotui.jobfile import one_job
from yolotui.queue import Queue


@click.command("rerun")
@click.argument("job", metavar="JOB", shell_complete=complete_job)
@reason_option
def rerun_verb(job: str, reason: str) -> None:
    """Run a job once more as it was asked for: model, data, arguments, variables. Prints the new job's id.

    What can't be restored, and how you may do that, is said: commit, changes, versions of libraries, weights.
    """
    queue = open_queue()
    _repeat(queue, the_one(queue, job, "rerun one at a time"), {}, reason)


@click.command("clone")
@click.argument("job", metavar="JOB", shell_complete=complete_job)
@click.argument("changes", nargs=-1, required=True, metavar="KEY=VALUE...")
@reason_option
def clone_verb(job: str, changes: Sequence[str], reason: str) -> None:
    """Run a job once more with other arguments of Ultralytics. KEY= takes one away. Prints the new job's id."""
    queue = open_queue()
    _repeat(queue, the_one(queue, job, "clone one at a time"), key_value_pairs(changes), reason)


def _repeat(queue: Queue, job: Job, changes: dict[str, str], reason: str) -> None:
    given = {key: value for key, value in changes.items() if value}
    read = {}
    if given:
        spec = job.spec
        kept = {"source": str(source)} if (source := spec.arguments.get("source")) and "source" not in given else {}
        options: dict[str, Any] = {"name": spec.name, "kind": spec.kind.value, "python": spec.python}
        parsed, _ = one_job(spec.model, spec.data, kept | given, weights_dir=queue.home.weights, **options)
        if unknown := given.keys() - parsed.arguments.keys():
            raise WrongUse(f"{', '.join(sorted(unknown))}: only arguments of Ultralytics can be changed.")
        read = {key: parsed.arguments[key] for key in given}
    new = queue.repeat(job.id, {**read, **dict.fromkeys(changes.keys() - given.keys())}, reason=reason)
    click.echo(str(new))
    narrate(
        f"Job {new} repeats job {job.id}{' with changes' if changes else ''}: model, data, arguments and variables are "
        "those of then; what it came after, and its deadline, are not asked for again.",
        *queue.changed_since(job.id),
    )
