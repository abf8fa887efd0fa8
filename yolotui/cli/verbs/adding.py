"""Verbs that put jobs into the queue: add, run."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import click

from yolotui.cli.options import complete_job, open_queue, reason_option
from yolotui.cli.secrets import tell_what_stays_behind
from yolotui.cli.selecting import is_bulk
from yolotui.cli.taking import tell_what_was_taken
from yolotui.core.jobs import AFTER_FIELDS, Kind, Priority
from yolotui.errors import WrongUse
from yolotui.jobfile import one_job
from yolotui.queue import Queue

PAIR = re.compile(r"[A-Za-z_]\w*=")
PRIORITIES = [priority.name for priority in Priority]
KINDS = [kind.value for kind in Kind if kind is not Kind.COMMAND]


def _after_option(name: str, text: str) -> Any:
    return click.option(name, multiple=True, metavar="JOB", shell_complete=complete_job, help=text)


def job_options(command: Any) -> Any:
    """The options that `add` and `run` share: the keys of a job in a file, under the same names."""
    options = (
        click.option("--name", metavar="NAME", help="What to call it; made up if left out."),
        click.option("--priority", type=click.Choice(PRIORITIES, case_sensitive=False), help="P2 is usual."),
        click.option("--gpus", type=click.IntRange(min=0), metavar="N", help="Whole GPUs, 1 if left out; 0: the CPU."),
        click.option("--vram", metavar="SIZE", help="Share one GPU with other such jobs: the memory it needs (10GiB)."),
        click.option("--gpu", metavar="MODEL", help="Only on GPUs with that in their name (A100)."),
        click.option("--avoid", multiple=True, metavar="GPU", help="Not on this one: index, UUID or model; repeat it."),
        click.option("--prefer", multiple=True, metavar="GPU", help="Rather on this one; repeat it."),
        click.option("--estimate", metavar="TIME", help="How long you think it takes (2h); runs like it know better."),
        click.option("--deadline", metavar="TIME", help='When it must be done: "08:00", "Wed 18:00".'),
        click.option("--preemptible/--not-preemptible", default=None, help="Whether it may be paused to make room."),
        click.option("--time-limit", metavar="TIME", help="Ended when it has run so long, over all attempts (8h)."),
        _after_option("--after", "Start after its success; repeat it."),
        _after_option("--after-any", "Start after the first success of these."),
        _after_option("--after-finished", "Start when it has ended, however."),
        _after_option("--after-failed", "Start only if it fails."),
        click.option("--group", metavar="NAME", help="For bulk verbs: @NAME."),
        click.option("--retries", type=click.IntRange(min=0), metavar="N", help="How often to try again."),
        click.option("--retry-delay", metavar="TIME", help="How long to wait before the first retry (5m)."),
        click.option("--hold", is_flag=True, help="Don't start it before it is released."),
        click.option("--env", multiple=True, metavar="K=V", help="A variable of its environment; repeat it."),
        click.option("--keep-env", multiple=True, metavar="NAME", help="A variable to store though it looks secret."),
        click.option("--dry-run", is_flag=True, help="Add nothing; tell what would move, and when it would start."),
        click.option("--json", "as_json", is_flag=True, help="With --dry-run: one JSON object."),
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
@click.option("--keep", type=click.IntRange(min=1), metavar="N", help="Keep the checkpoint of every N-th epoch.")
@click.option("--python", metavar="PATH", help="The interpreter that runs it, if not this one.")
@job_options
def add_verb(
    *, words: Sequence[str], file: str | None, again: bool, rerun_changed: bool, hold: bool, reason: str, **options: Any
) -> None:
    """Put a job into the queue and print its id; or a file of jobs, and print the ids of all of them.

    KEY=VALUE is any argument of Ultralytics' train(): yolotui add yolo11n.yaml shapes.yaml epochs=100 imgsz=640
    """
    if file is not None:
        if options["dry_run"]:
            raise click.UsageError("--dry-run tells of one job: it can't be asked about a file of jobs.")
        given = [f"--{key.replace('_', '-')}" for key, value in options.items() if value not in (None, (), False)]
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
    _add_one(model, data, key_value_pairs(rest), options, hold=hold, reason=reason)


@click.command("run", context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED, metavar="[--] COMMAND...")
@job_options
def run_verb(command: Sequence[str], hold: bool, reason: str, **options: Any) -> None:
    """Put any command into the queue and print its id. It will run in this directory, without a shell."""
    _add_one(None, None, {}, {**options, "run": list(command)}, hold=hold, reason=reason)


def _add_one(
    model: str | None,
    data: str | None,
    pairs: Mapping[str, str],
    options: dict[str, Any],
    *,
    hold: bool,
    reason: str,
) -> None:
    dry_run, as_json = options.pop("dry_run"), options.pop("as_json")
    if as_json and not dry_run:
        raise click.UsageError("--json goes with --dry-run: what add itself prints is the job's id.")
    if hold and dry_run:
        raise click.UsageError("--dry-run tells nothing about a held job: it moves nobody.")
    queue = open_queue()
    given = {key: value for key, value in options.items() if value not in (None, ())}
    if after := {mode: _after(queue, given.pop(option)) for mode, option in AFTER_FIELDS.items() if option in given}:
        given["after"] = after
    if "env" in given:
        given["env"] = _variables(given["env"])
    spec, priority = one_job(model, data, pairs, weights_dir=queue.home.weights, existing=queue.names(), **given)
    if dry_run:
        from yolotui.cli.moving import NewJob, print_moves, tell_moves

        would_be = queue.what_if_added(spec, priority)
        new = NewJob(spec.name, queue.expected(spec))
        (print_moves if as_json else tell_moves)(queue, would_be, new)
        return
    (job_id,) = queue.add(spec, priority=priority, hold=hold, reason=reason)
    click.echo(job_id)
    tell_what_stays_behind(spec.keep_env)


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


def key_value_pairs(words: Sequence[str]) -> dict[str, str]:
    """`epochs=100` and its like. Raises WrongUse for anything else, and for a key that is given twice."""
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
