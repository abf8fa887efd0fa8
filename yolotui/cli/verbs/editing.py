"""`edit`: change what a job that has not started yet is to run with, or what it asks of its GPUs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import click

from yolotui.cli.options import complete_job, open_queue, reason_option
from yolotui.cli.printing import narrate
from yolotui.cli.selecting import the_one
from yolotui.cli.verbs.adding import key_value_pairs
from yolotui.core.jobs import AFTER_FIELDS, Argument, Job, Kind
from yolotui.errors import WrongUse
from yolotui.jobfile import ASKED, asked, one_job
from yolotui.jobfile.fields import READERS
from yolotui.queue import Queue


@click.command("edit")
@click.argument("job", metavar="JOB", shell_complete=complete_job)
@click.argument("changes", nargs=-1, required=True, metavar="KEY=VALUE...")
@reason_option
def edit_verb(job: str, changes: Sequence[str], reason: str) -> None:
    """Change a job that has not started: arguments, or gpus, vram, gpu, avoid, prefer, estimate. KEY= takes it away."""
    queue = open_queue()
    edited = the_one(queue, job, "edit one at a time")
    pairs = key_value_pairs(changes)
    if own := [key for key in pairs if key in READERS and key not in ASKED]:
        raise WrongUse(
            f"{', '.join(own)}: only arguments of Ultralytics and {', '.join(ASKED)} can be edited; "
            "`priority` has its own verb."
        )
    asks = asked(edited.spec, {key: value for key, value in pairs.items() if key in ASKED})
    rest = {key: value for key, value in pairs.items() if key not in ASKED}
    arguments = _checked_arguments(queue, edited, rest) if rest else {}
    queue.edit(edited.id, arguments, asks=asks, reason=reason)
    narrate(f"Changed: {edited.id} ({edited.name}): {', '.join(f'{key}={value}' for key, value in pairs.items())}.")


def _checked_arguments(queue: Queue, job: Job, pairs: Mapping[str, str]) -> dict[str, Argument]:
    """The changes with their values read and checked as at submit; None for what is taken away. Raises WrongUse."""
    spec = job.spec
    if spec.kind is Kind.COMMAND:
        raise WrongUse(f"job {job.id} ({job.name}) runs a command, which has no arguments to edit.")
    removed = {key for key, value in pairs.items() if not value}
    if unknown := removed - spec.arguments.keys():
        raise WrongUse(f"job {job.id} ({job.name}) has no {', '.join(sorted(unknown))} to take away.")
    # What stays is checked along: a source that a prediction needs may have been given before.
    staying = {key: value for key, value in spec.arguments.items() if key not in pairs}
    given = {key: value for key, value in pairs.items() if value}
    options: dict[str, Any] = {
        "name": spec.name,
        "kind": spec.kind.value,
        "existing": [name for name, _ in spec.needs],
        "after": {mode: list(getattr(spec, key)) for mode, key in AFTER_FIELDS.items()},
        "python": spec.python,
    }
    if source := staying.get("source"):
        given = {"source": str(source), **given}
    checked, _ = one_job(spec.model, spec.data, given, weights_dir=queue.home.weights, **options)
    return {key: None if key in removed else checked.arguments[key] for key in pairs}
