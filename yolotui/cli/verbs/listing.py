"""Verbs that show jobs: list, show."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

import click

from yolotui.cli.documents import batch_document, estimate_document, history_document, job_document
from yolotui.cli.options import jobs_argument, json_option, open_queue
from yolotui.cli.preflight_words import echo_remarks, preflight_document
from yolotui.cli.printing import Cell, Table, is_narrow, narrate, print_document, print_facts, print_table
from yolotui.cli.selecting import in_order
from yolotui.cli.surroundings import Surroundings
from yolotui.cli.words import (
    best_text,
    epochs_text,
    estimate_text,
    findings_text,
    finish_text,
    health_text,
    metrics_text,
    run_time_text,
    start_text,
    state_cell,
)
from yolotui.core.jobs import STATES, Job
from yolotui.core.preflight import Preflight
from yolotui.job_words import asked_for, ending_text
from yolotui.units import format_clock, format_duration

NUMBERS = frozenset({"id", "epochs", "ran"})
LEFT_OUT_ON_A_NARROW_TERMINAL = frozenset({"group", "best", "start", "ran"})
"""The sentence that says why a job waits needs the room more."""


@click.command("list")
@jobs_argument(required=False)
@click.option("--state", "states", type=click.Choice(STATES), multiple=True, help="Only jobs in this state; repeat it.")
@click.option("--group", metavar="NAME", help="Only jobs of this group.")
@json_option
def list_verb(jobs: Sequence[str], states: Sequence[str], group: str | None, as_json: bool) -> None:
    """Show all jobs, or some."""
    queue = open_queue()
    found = in_order(queue, queue.select(*jobs)) if jobs else queue.jobs()
    shown = [j for j in found if (not states or j.state in states) and (group is None or j.spec.group == group)]
    around = Surroundings.of(queue)
    if as_json:
        print_document("jobs", [job_document(job, around.entry(job), around.why(job)) for job in shown])
        return
    if shown:
        print_table(_job_table(shown, around, time.time()))
    elif found:
        narrate("No job matches.")
    else:
        narrate(
            f"The queue in {queue.home.root} is empty. "
            "`yolotui add MODEL DATA` or `yolotui add --file jobs.toml` fills it."
        )


def _job_table(jobs: Sequence[Job], around: Surroundings, now: float) -> Table:
    left_out = set(LEFT_OUT_ON_A_NARROW_TERMINAL if is_narrow() else ())
    if len({job.owner for job in jobs}) == 1:
        left_out.add("owner")
    rows = [_row(job, around, now) for job in jobs]
    table = Table(tuple(title for title in rows[0] if title not in left_out), right=NUMBERS)
    for row in rows:
        table.add(*(cell for title, cell in row.items() if title not in left_out))
    return table


def _row(job: Job, around: Surroundings, now: float) -> dict[str, str | Cell]:
    entry = around.entry(job)
    return {
        "id": str(job.id),
        "state": state_cell(job.state),
        "prio": job.priority.name,
        "name": job.name,
        "group": job.spec.group,
        "owner": job.owner.name,
        "epochs": epochs_text(job),
        "best": best_text(job, at_most=1),
        "start": start_text(job, entry, now),
        "finish": finish_text(job, entry, now),
        "ran": run_time_text(job, now),
        "why": around.why(job) or health_text(job),
    }


@click.command("show")
@jobs_argument()
@json_option
def show_verb(jobs: Sequence[str], as_json: bool) -> None:
    """Show one job in full: what was asked for, its attempts, what it has reached. --json adds every epoch."""
    queue = open_queue()
    found = in_order(queue, queue.select(*jobs))
    around = Surroundings.of(queue)
    preflights = queue.preflights([job.id for job in found])
    if as_json:
        if len(found) != 1:
            raise click.UsageError(f"--json shows one job; these are {len(found)}. `yolotui list --json` shows many.")
        print_document("job", _whole_document(found[0], around, preflights.get(found[0].id)))
        return
    for position, job in enumerate(found):
        if position:
            click.echo()
        _show(job, around, preflights.get(job.id), time.time())


def _whole_document(job: Job, around: Surroundings, preflight: Preflight | None) -> dict[str, object]:
    from yolotui.telemetry import RunReader
    from yolotui.telemetry.provenance import read_provenance

    reader = RunReader(Path(job.run_dir))
    reader.poll()
    document = job_document(job, around.entry(job), around.why(job))
    estimate = estimate_document(around.estimate(job))
    checked = preflight_document(preflight)
    return {
        **document,
        "deadline_at": job.deadline_at,
        "estimate": estimate,
        "preflight": checked,
        "provenance": read_provenance(job) or None,
        "batch": batch_document(reader.series),
        "history": history_document(reader.series),
    }


def _show(job: Job, around: Surroundings, preflight: Preflight | None, now: float) -> None:
    entry = around.entry(job)
    facts = [
        ("job", f"{job.id}  {job.name}"),
        ("state", job.state),
        ("why", around.why(job)),
        ("priority", job.priority.name),
        ("group", job.spec.group),
        ("owner", job.owner.name),
        ("submitted", format_clock(job.submitted_at, now)),
        ("deadline", format_clock(job.deadline_at, now) if job.deadline_at is not None else ""),
        ("start", start_text(job, entry, now)),
        ("finish", finish_text(job, entry, now)),
        ("ran", run_time_text(job, now)),
        ("estimate", estimate_text(job, around.estimate(job))),
        *asked_for(job),
        ("epochs", epochs_text(job)),
        ("best", metrics_text(job.progress.best, at_most=8)),
        ("last", metrics_text(job.progress.last, at_most=8)),
        ("pre-flight", preflight.summary if preflight else ""),
        ("made from", _made_from(job)),
        *(("health" if not at else "", text) for at, text in enumerate(findings_text(job))),
        ("run dir", job.run_dir),
    ]
    print_facts([(name, value) for name, value in facts if value])
    if preflight and preflight.remarks:
        click.echo()
        echo_remarks(preflight)
    if job.attempts:
        click.echo()
        print_table(_attempt_table(job, now))


def _made_from(job: Job) -> str:
    from yolotui.telemetry.provenance import made_from

    return ", ".join(f"{name} {said}" for name, said in made_from(job).items() if name != "system")


def _attempt_table(job: Job, now: float) -> Table:
    table = Table(("attempt", "ended", "started", "ran", "from epoch", "pid", "gpus", "explanation"))
    for attempt in job.attempts:
        ran = (attempt.ended_at or now) - attempt.started_at if attempt.started_at is not None else None
        table.add(
            str(attempt.number),
            ending_text(attempt),
            format_clock(attempt.started_at, now) if attempt.started_at is not None else "",
            format_duration(round(ran)) if ran is not None else "",
            str(attempt.resumed_from_epoch or ""),
            str(attempt.process.pid) if attempt.process else "",
            " ".join(attempt.gpus),
            attempt.explanation,
        )
    return table
