"""`compare`: runs beside one another."""

from __future__ import annotations

import time
from collections.abc import Sequence

import click

from yolotui.cli.documents import comparison_document
from yolotui.cli.options import jobs_argument, json_option, open_queue
from yolotui.cli.printing import Table, print_document, print_table
from yolotui.cli.selecting import in_order
from yolotui.cli.words import HEADLINES, state_cell
from yolotui.core.comparing_runs import FEWEST, MOST, Compared, Comparison, Differing, compare
from yolotui.errors import WrongUse
from yolotui.harmless import clean
from yolotui.units import format_duration


@click.command("compare")
@jobs_argument()
@json_option
def compare_verb(jobs: Sequence[str], as_json: bool) -> None:
    """Show 2 to 16 runs beside one another: what each came to, what differs in how it was made, what misleads."""
    from yolotui.telemetry.facts import read_facts

    queue = open_queue()
    found = in_order(queue, queue.select(*jobs))
    if not FEWEST <= len(found) <= MOST:
        raise WrongUse(f"compare takes {FEWEST} to {MOST} jobs; these are {len(found)}.")
    comparison = compare([read_facts(job) for job in found], time.time())
    if as_json:
        print_document("comparison", comparison_document(comparison))
        return
    print_table(_runs(comparison))
    for title, differing in (("argument", comparison.differing), ("made with", comparison.made_otherwise)):
        if differing:
            click.echo()
            print_table(_differences(title, differing, comparison))
    if comparison.caveats:
        click.echo()
        click.echo("Before you conclude:")
        for caveat in comparison.caveats:
            click.echo(f"- {clean(caveat.sentence)}")


def _runs(comparison: Comparison) -> Table:
    metric = comparison.metric or ""
    best = HEADLINES.get(metric, metric.removeprefix("metrics/")) or "best"
    titles = ("id", "name", "state", "epochs", best, "at epoch", "after", "last", "trained", "gpu-hours")
    table = Table(titles, right=frozenset(titles) - {"name", "state"})
    for run in comparison.runs:
        table.add(
            str(run.job_id),
            run.name,
            state_cell(run.state),
            f"{run.epochs_done}/{run.epochs_total}" if run.epochs_total else str(run.epochs_done),
            *_reached(run),
            _duration(run.trained_s),
            f"{run.gpu_s / 3600:.2f}",
        )
    return table


def _reached(run: Compared) -> tuple[str, str, str, str]:
    """The best score, its epoch, when that was, and the last score."""
    if run.best is None or run.last is None:
        return ("", "", "", "")
    return f"{run.best:.4g}", str(run.best_epoch), _duration(run.best_after_s), f"{run.last:.4g}"


def _duration(seconds: float | None) -> str:
    return "" if seconds is None else format_duration(round(seconds))


def _differences(title: str, found: Sequence[Differing], comparison: Comparison) -> Table:
    ids = [str(run.job_id) for run in comparison.runs]
    table = Table((title, *ids))
    for differing in found:
        table.add(differing.argument, *("" if value is None else str(value) for value in differing.values))
    return table
