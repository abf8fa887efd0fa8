"""Verbs that put jobs into the queue, or change what waits in it: add, run, edit."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import click

from yolotui.cli.options import complete_job, open_queue, reason_option
from yolotui.cli.printing import narrate
from yolotui.cli.selecting import is_bulk
from yolotui.cli.taking import tell_what_was_taken
from yolotui.core.jobs import Argument, Job, Kind, Priority
from yolotui.errors import WrongUse
from yolotui.jobfile import one_job
from yolotui.queue import Queue

PAIR = re.compile(r"[A-Za-z_]\w*=")
PRIORITIES = [priority.name for priority in Priority]
KINDS = [kind.value for kind in Kind if kind is not Kind.COMMAND]


def job_options(command: Any) -> Any:
    """The options that `add` and `run` share: the keys of a job in a file, under the same names."""
    options = (
        click.option("--name", metavar="NAME", help="What to call it; made up if left out."),
        click.option("--priority", type=click.Choice(PRIORITIES, case_sensitive=False), help="P2 is usual."),
        click.option("--gpus", type=click.IntRange(min=0), metavar="N", help="Whole GPUs, 1 if left out; 0: the CPU."),
        click.option("--vram", metavar="SIZE", help="Instead of --gpus: share one GPU, using so much of it (10GiB)."),
        click.option("--after", multiple=True, metavar="JOB", shell_complete=complete_job, help="Start after it."),
        click.option("--group", metavar="NAME", help="For bulk verbs: @NAME."),
        click.option("--retries", type=click.IntRange(min=0), metavar="N", help="How often to try again."),
        click.option("--retry-delay", metavar="TIME", help="How long to wait before the first retry (5m)."),
        click.option("--hold", is_flag=True, help="Don't start it before it is released."),
        click.option("--env", multiple=True, metavar="K=V", help="A variable of its environment; repeat it."),
        reason_option,
    )  # fmt: skip
    for option in reversed(options):
        command = option(command)
    return command


@click.command("add")
@click.argument("words", nargs=-1, metavar="[MODEL DATA] [KEY=VALUE...]")
@click.option("--file", type=click.Path(), metavar="FILE", help="Take a file of jobs, whole or not at all.")
@click.option("--again", is_flag=True, help="With --file: a new round of jobs that were taken before.")
@click.option("--rerun-changed", is_flag=True, help="With --file: train again what succeeded and has changed since.")
@click.option("--kind", type=click.Choice(KINDS), help="train if left out.")
@click.option("--python", metavar="PATH", help="The interpreter that runs it, if not this one.")
@job_options
def add_verb(
    *, words: Sequence[str], file: str | None, again: bool, rerun_changed: bool, hold: bool, reason: str, **options: Any
) -> None:
    """Put a job into the queue and print its id; or a file of jobs, and print the ids of all of them.

    KEY=VALUE is any argument of Ultralytics' train(): yolotui add yolo11n.yaml shapes.yaml epochs=100 imgsz=640
    """
    if file is not None:
        given = [f"--{key.replace('_', '-')}" for key, value in options.items() if value not in (None, ())]
        if words or given or hold:
            raise click.UsageError("--file says everything about its jobs: write it into the file.")
        _add_file(file, again=again, rerun_changed=rerun_changed, reason=reason)
        return
    if again or rerun_changed:
        raise click.UsageError("--again and --rerun-changed say how a file is taken: give it with --file FILE.")
    if not words:
        raise click.UsageError("Name a model and its data, or a file of jobs with --file.")
    model, rest = words[0], list(words[1:])
    data = rest.pop(0) if rest and not PAIR.match(rest[0]) else None
    _add_one(model, data, _pairs(rest), options, hold=hold, reason=reason)


@click.command("run", context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED, metavar="[--] COMMAND...")
@job_options
def run_verb(command: Sequence[str], hold: bool, reason: str, **options: Any) -> None:
    """Put any command into the queue and print its id. It will run in this directory, without a shell."""
    _add_one(None, None, {}, {**options, "run": list(command)}, hold=hold, reason=reason)


@click.command("edit")
@click.argument("job", metavar="JOB", shell_complete=complete_job)
@click.argument("changes", nargs=-1, required=True, metavar="KEY=VALUE...")
@reason_option
def edit_verb(job: str, changes: Sequence[str], reason: str) -> None:
    """Change arguments of a job that has not started. KEY= takes the argument away."""
    queue = open_queue()
    ids = queue.select(job)
    if len(ids) != 1:
        raise WrongUse(f"{job!r} means {len(ids)} jobs: edit one at a time.")
    edited = queue.job(ids[0])
    arguments = _checked_arguments(queue, edited, _pairs(changes))
    queue.edit(edited.id, arguments, reason=reason)
    narrate(f"Changed: {edited.id} ({edited.name}): {', '.join(f'{key}={value}' for key, value in arguments.items())}.")


def _add_one(
    model: str | None,
    data: str | None,
    pairs: Mapping[str, str],
    options: Mapping[str, Any],
    *,
    hold: bool,
    reason: str,
) -> None:
    queue = open_queue()
    given = {key: value for key, value in options.items() if value not in (None, ())}
    if "after" in given:
        given["after"] = _after(queue, given["after"])
    if "env" in given:
        given["env"] = _variables(given["env"])
    spec, priority = one_job(model, data, pairs, weights_dir=queue.home.weights, **given)
    (job_id,) = queue.add(spec, priority=priority, hold=hold, reason=reason)
    click.echo(job_id)


def _add_file(file: str, *, again: bool, rerun_changed: bool, reason: str) -> None:
    queue = open_queue()
    taken = queue.add_file(file, again=again, rerun_changed=rerun_changed, reason=reason)
    tell_what_was_taken(file, taken)
    for job_id in taken.jobs:
        click.echo(job_id)


def _after(queue: Queue, selectors: Sequence[str]) -> list[str]:
    """Ids for what ranges and groups mean now; a name stays, for placeholders speak of it. Raises NoSuchJob."""
    named: list[str] = []
    for selector in selectors:
        ids = queue.select(selector)
        named += map(str, ids) if is_bulk(selector) else [selector]
    return named


def _pairs(words: Sequence[str]) -> dict[str, str]:
    pairs: dict[str, str] = {}
    for word in words:
        if not PAIR.match(word):
            raise WrongUse(f"{word!r} is not KEY=VALUE: arguments are written like epochs=100.")
        key, _, value = word.partition("=")
        if key in pairs:
            raise WrongUse(f"{key} is given twice.")
        pairs[key] = value
    return pairs


def _variables(words: Sequence[str]) -> dict[str, str]:
    variables = {}
    for word in words:
        name, equals, value = word.partition("=")
        if not (name and equals):
            raise WrongUse(f"--env {word!r} is not K=V.")
        variables[name] = value
    return variables


def _checked_arguments(queue: Queue, job: Job, pairs: Mapping[str, str]) -> dict[str, Argument]:
    """The changes with their values read and checked as at submit; None for what is taken away. Raises WrongUse."""
    spec = job.spec
    if spec.kind is Kind.COMMAND:
        raise WrongUse(f"job {job.id} ({job.name}) runs a command, which has no arguments to edit.")
    removed = {key for key, value in pairs.items() if not value}
    if unknown := removed - spec.arguments.keys():
        raise WrongUse(f"job {job.id} ({job.name}) has no {', '.join(sorted(unknown))} to take away.")
    if own := pairs.keys() & JOB_KEYS:
        raise WrongUse(
            f"{', '.join(sorted(own))}: only arguments of Ultralytics can be edited; `priority` has its own verb."
        )
    # What stays is checked along: a source that a prediction needs may have been given before.
    staying = {key: value for key, value in spec.arguments.items() if key not in pairs}
    given = {key: value for key, value in pairs.items() if value}
    options: dict[str, Any] = {
        "name": spec.name,
        "kind": spec.kind.value,
        "after": list(spec.after),
        "python": spec.python,
    }
    if source := staying.get("source"):
        given = {"source": str(source), **given}
    checked, _ = one_job(spec.model, spec.data, given, weights_dir=queue.home.weights, **options)
    return {key: None if key in removed else checked.arguments[key] for key in pairs}


JOB_KEYS = frozenset(
    {"name", "kind", "group", "model", "data", "run", "priority", "gpus", "vram", "after", "when", "retries"}
    | {"retry_delay", "preemptible", "deadline", "hold", "python", "cwd", "env"}
)
"""Keys of a job itself, which `edit` does not change."""
