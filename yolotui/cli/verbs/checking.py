"""`check`: look at a training, or a data set, as the scheduler does before the start."""

from __future__ import annotations

import sys
import time
from contextlib import suppress
from pathlib import Path

import click

from yolotui.cli.options import json_option, open_queue
from yolotui.cli.preflight_words import echo_data, echo_remarks, preflight_document
from yolotui.cli.printing import narrate, print_document
from yolotui.cli.selecting import the_one
from yolotui.core.jobs import JobSpec, Kind
from yolotui.core.preflight import Preflight
from yolotui.errors import ExitCode, NoSuchJob, WrongUse
from yolotui.locations import Home

TOLD_EVERY_S = 0.2


@click.command("check")
@click.argument("what", metavar="JOB|DATA")
@click.option(
    "--task", type=click.Choice(["detect", "segment", "pose", "obb", "classify"]), help="With DATA: for what."
)
@json_option
def check_verb(what: str, task: str | None, as_json: bool) -> int:
    """Look at what a training has: data set, weights, arguments, machine. Or at a data set alone (DATA.yaml, a folder).

    Changes nothing. Exit code 2: there are errors, for which the scheduler would hold the job.
    """
    from yolotui.preflight.checking import Checker

    spec, progress = _spec(what), _Progress()
    checker = Checker(cache=Home.current().checks, progress=progress)
    result = checker.check_data(Path(what).absolute(), task) if spec is None else checker.check(spec)
    progress.end()
    _tell(result, as_json=as_json)
    return ExitCode.WRONG_USE if result.errors else ExitCode.DONE


def _spec(what: str) -> JobSpec | None:
    """The training that is meant; None where it is a file or a folder."""
    if ("/" in what or what.endswith((".yaml", ".yml"))) and Path(what).exists():
        return None
    queue = open_queue()
    with suppress(NoSuchJob):
        job = the_one(queue, what, "check one at a time")
        if job.spec.kind is not Kind.TRAIN:
            raise WrongUse(f"job {job.id} ({job.name}) runs {job.spec.kind.value}: only trainings are checked.")
        return job.spec
    if Path(what).exists():
        return None
    raise NoSuchJob(f"{what!r} is neither a job nor a data set that exists.")


def _tell(result: Preflight, *, as_json: bool) -> None:
    if as_json:
        print_document("check", preflight_document(result))
        return
    if result.data:
        echo_data(result.data)
    echo_remarks(result, examples=True)
    narrate(f"Checked in {result.took_s:.1f} s: {result.summary}.")


class _Progress:
    """How far a check is, on a terminal only."""

    def __init__(self) -> None:
        self._told_at = time.monotonic()
        self._told = False

    def __call__(self, done: int, of: int) -> None:
        if sys.stderr.isatty() and time.monotonic() - self._told_at >= TOLD_EVERY_S:
            click.echo(f"\r{done:,} of {of:,} images", nl=False, err=True)
            self._told_at, self._told = time.monotonic(), True

    def end(self) -> None:
        if self._told:
            click.echo("\r\x1b[K", nl=False, err=True)
