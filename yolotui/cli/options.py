"""What several verbs have in common: options, the JOB argument, the open queue, the question before destroying."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Any, TypeVar

import click

from yolotui.locations import Home

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    from yolotui.queue import Queue

Command = TypeVar("Command", bound=Callable[..., Any])

json_option = click.option("--json", "as_json", is_flag=True, help='Print one JSON object with "schema": 1.')
reason_option = click.option("--reason", default="", metavar="TEXT", help="Why: kept in the audit log.")
metrics_option = click.option(
    "--metrics", metavar="ADDRESS", help="Answer Prometheus there (127.0.0.1:9877) as long as this runs."
)
yes_option = click.option("-y", "--yes", is_flag=True, help="Don't ask.")


def open_queue() -> Queue:
    """The queue of this home, closed when the command ends."""
    from yolotui.cli.printing import narrate
    from yolotui.queue import Queue

    return click.get_current_context().with_resource(Queue(warn=narrate))


def serving_metrics(address: str | None) -> AbstractContextManager[object]:
    """Answer Prometheus while a block runs, if a person asked for it."""
    if address is None:
        return nullcontext()
    from yolotui.cli.printing import narrate
    from yolotui.metrics.exporting import openness, serving

    if warning := openness(address):
        narrate(warning)
    return serving(Home.current(), address)


def jobs_argument(*, required: bool = True) -> Callable[[Command], Command]:
    """JOB…: ids, ranges, names, @groups."""
    return click.argument(
        "jobs", nargs=-1, required=required, metavar="JOB..." if required else "[JOB]...", shell_complete=complete_job
    )


def complete_job(_context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Ids, names and groups that begin like `incomplete`, for the shell."""
    from click.shell_completion import CompletionItem

    from yolotui.queue import Queue

    if not Home.current().queue.exists():
        return []
    with Queue(start_scheduler=False) as queue:
        jobs = queue.jobs()
    words = {str(job.id): f"{job.name} ({job.state})" for job in jobs}
    words |= {job.name: f"job {job.id} ({job.state})" for job in jobs}
    words |= {f"@{job.spec.group}": "group" for job in jobs}
    return [CompletionItem(word, help=text) for word, text in words.items() if word.startswith(incomplete)]


def confirm(question: Callable[[], str], *, yes: bool) -> None:
    """Ask a person before something is destroyed; No is the default. Raises Abort on anything but yes.

    Only a person can be asked: a script that has no terminal has said what it wants. `question` is called, and may
    narrate what is at stake, only if it is asked.
    """
    if yes or not sys.stdin.isatty():
        return
    if not click.confirm(question(), default=False, err=True):
        click.echo("Nothing was changed.", err=True)
        raise click.Abort
