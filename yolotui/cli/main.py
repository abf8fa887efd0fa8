"""`yolotui`: without a verb the dashboard, with `--batch` a file of jobs to its end, with a verb that verb."""

from __future__ import annotations

import os
import sys
from io import TextIOWrapper
from pathlib import Path

import click

from yolotui import __version__
from yolotui.cli.group import VerbGroup
from yolotui.cli.options import metrics_option, reason_option, serving_metrics
from yolotui.errors import ExitCode

# Verbs by what people want of them, each with the file that it lives in: looked up by name, so that `add` does not pay
# for what `wait` imports.
SECTIONS = {
    "The queue": {
        "add": "adding",
        "run": "adding",
        "list": "listing",
        "why": "timetable",
        "forecast": "timetable",
        "wait": "waiting",
        "edit": "editing",
        "priority": "steering",
        "deadline": "sharing",
        "hold": "steering",
        "release": "steering",
        "cancel": "ending",
        "undo": "steering",
    },
    "Runs": {
        "show": "listing",
        "logs": "logs",
        "compare": "compare",
        "pause": "steering",
        "resume": "steering",
        "checkpoint": "steering",
        "finish": "steering",
        "kill": "ending",
        "retry": "steering",
        "rerun": "repeating",
        "clone": "repeating",
        "check": "checking",
        "weights": "weights",
    },
    "GPUs": {
        "gpus": "gpus",
        "drain": "gpus",
        "undrain": "gpus",
        "evict": "sharing",
    },
    "Sharing": {
        "reserve": "reserving",
        "reservations": "reserving",
        "extend": "reserving",
        "rebook": "reserving",
        "transfer": "reserving",
        "unreserve": "reserving",
        "quotas": "sharing",
    },
    "Reports": {
        "report": "report",
        "audit": "audit",
        "simulate": "simulating",
        "notify": "notify",
        "metrics": "metrics",
    },
    "Care of the home": {
        "scheduler": "scheduler",
        "doctor": "doctor",
        "backup": "backup",
        "gc": "collecting",
        "locate": "locate",
        "config": "config",
        "completion": "completion",
        "demo": "demo",
    },
}


@click.group(
    cls=VerbGroup,
    sections=SECTIONS,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 120},
)
@click.option("--batch", type=click.Path(), metavar="FILE", help="Run a file of jobs to its end, in the foreground.")
@click.option("--again", is_flag=True, help="With --batch: a new round of jobs that were taken before.")
@click.option("--rerun-changed", is_flag=True, help="With --batch: train again what succeeded and has changed since.")
@reason_option
@metrics_option
@click.option("--readonly", is_flag=True, help="Dashboard: look, change nothing.")
@click.option("--ascii", "ascii_only", is_flag=True, help="Dashboard: no braille, no box drawing.")
@click.option("--no-mouse", is_flag=True, help="Dashboard: leave the mouse to the terminal.")
@click.option("--refresh", type=click.FloatRange(0.1, 60), metavar="SECONDS", help="Dashboard: how often it redraws.")
@click.version_option(__version__, prog_name="yolotui")
@click.pass_context
def cli(
    context: click.Context,
    *,
    batch: str | None,
    again: bool,
    rerun_changed: bool,
    reason: str,
    metrics: str | None,
    readonly: bool,
    ascii_only: bool,
    no_mouse: bool,
    refresh: float | None,
) -> int:
    """A queue, a scheduler and a dashboard for YOLO trainings on one workstation.

    Without a verb it opens the dashboard. JOB is an id, a range (12-20), a name, or @group.

    Exit codes: 0 done, 1 a job failed, 2 wrong use or a wrong file, 3 no such job, 4 not possible in that state,
    5 the queue can't be used, 130 interrupted.
    """
    if context.invoked_subcommand is not None:
        if batch is not None:
            raise click.UsageError(f"--batch runs a file by itself: leave out {context.invoked_subcommand!r}.")
        return 0
    if batch is not None:
        from yolotui.cli.batch import run_batch

        with serving_metrics(metrics):
            return run_batch(batch, again=again, rerun_changed=rerun_changed, reason=reason)
    if again or rerun_changed:
        raise click.UsageError("--again and --rerun-changed say how a file is taken: give it with --batch FILE.")
    from yolotui.cli.dashboard import open_dashboard

    with serving_metrics(metrics):
        return open_dashboard(readonly=readonly, ascii_only=ascii_only, mouse=not no_mouse, refresh_s=refresh)


def _open_what_is_closed() -> None:
    """Started with a stream closed (`>&-`), Python has None in its place, and the next file opened gets its number."""
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:
            mode = "r" if number == 0 else "w"
            setattr(sys, name, Path(os.devnull).open(mode, encoding="utf-8"))  # noqa: SIM115 — as long as the process


def main() -> None:
    """Run the command line and leave with its exit code."""
    _open_what_is_closed()
    if any("\udc80" <= letter <= "\udcff" for word in sys.argv for letter in word):
        sys.stderr.write("yolotui: an argument is not valid UTF-8: write it in UTF-8, or rename the file.\n")
        raise SystemExit(ExitCode.WRONG_USE)
    for stream in (sys.stdout, sys.stderr):
        # A name or a glyph that the terminal's encoding lacks is no reason to fail.
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")
    cli.main(prog_name="yolotui")
