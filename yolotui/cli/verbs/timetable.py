"""Verbs that tell when and why: why, forecast."""

from __future__ import annotations

import time
from collections.abc import Sequence

import click

from yolotui.cli.documents import entry_document
from yolotui.cli.options import jobs_argument, json_option, open_queue
from yolotui.cli.printing import Table, clean, narrate, print_document, print_table
from yolotui.cli.selecting import in_order
from yolotui.cli.surroundings import Surroundings
from yolotui.cli.words import finish_text, start_text, state_cell
from yolotui.core.jobs import Job
from yolotui.core.timetable import Entry, Published
from yolotui.units import format_duration

NOT_LOOKED_AT = "No scheduler has looked at it yet: `yolotui scheduler status` tells whether one runs."
NO_TIMETABLE = "No scheduler has made a timetable yet: `yolotui scheduler start` starts one."


@click.command("why")
@jobs_argument()
@json_option
def why_verb(jobs: Sequence[str], as_json: bool) -> None:
    """Tell why a job is not running, or why it ended as it did."""
    queue = open_queue()
    around = Surroundings.of(queue)
    found = in_order(queue, queue.select(*jobs))
    if as_json:
        reasons = [{"id": j.id, "name": j.name, "state": j.state, "why": around.why(j) or None} for j in found]
        print_document("why", reasons)
        return
    for job in found:
        click.echo(clean(f"{job.id}  {job.name} is {job.state}. {_reason(job, around)}".rstrip()))


def _reason(job: Job, around: Surroundings) -> str:
    if reason := around.why(job):
        return reason
    return NOT_LOOKED_AT if job.state == "waiting" and around.entry(job) is None else ""


@click.command("forecast")
@json_option
def forecast_verb(as_json: bool) -> None:
    """Show the timetable: when each job that has not ended is expected to start and finish."""
    queue = open_queue()
    around = Surroundings.of(queue)
    lines = _lines_in_order(queue.jobs(unfinished=True), around)
    if as_json:
        at = around.published.timetable.made_at if around.published else None
        entries = [entry_document(entry, job) for entry, job in lines]
        print_document("forecast", {"at": at, "entries": entries})
        return
    if around.published is None:
        narrate(NO_TIMETABLE)
        return
    now = time.time()
    table = Table(("id", "state", "name", "start", "finish", "gpus", "why"), right=frozenset({"id"}))
    for entry, job in lines:
        gpus = _gpu_numbers(entry, around.published)
        start, finish = start_text(job, entry, now), finish_text(job, entry, now)
        table.add(str(job.id), state_cell(job.state), job.name, start, finish, gpus, around.why(job))
    print_table(table)
    narrate(f"As planned {format_duration(max(round(now - around.published.timetable.made_at), 0))} ago.")


def _lines_in_order(jobs: Sequence[Job], around: Surroundings) -> list[tuple[Entry, Job]]:
    """The timetable's lines by expected start; what can't be foreseen stands last."""
    lines = [(entry, job) for job in jobs if (entry := around.entry(job)) is not None]
    return sorted(lines, key=lambda line: (line[0].start_at is None, line[0].start_at or 0.0, line[1].id))


def _gpu_numbers(entry: Entry, published: Published) -> str:
    index = {gpu.uuid: gpu.index for gpu in published.host.gpus}
    return " ".join(str(index.get(uuid, uuid)) for uuid in entry.gpus)
