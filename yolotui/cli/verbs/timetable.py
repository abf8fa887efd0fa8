"""Verbs that tell when and why: why, forecast."""

from __future__ import annotations

import time
from collections.abc import Sequence

import click

from yolotui.cli.documents import deadline_document, entry_document, why_document
from yolotui.cli.lateness import lateness
from yolotui.cli.options import jobs_argument, json_option, open_queue
from yolotui.cli.preflight_words import echo_remarks, preflight_document
from yolotui.cli.printing import Table, narrate, print_document, print_table
from yolotui.cli.selecting import in_order
from yolotui.cli.surroundings import Surroundings
from yolotui.cli.words import estimate_text, findings_text, foreseen_text, start_text, state_cell
from yolotui.core.deadlines import Miss, misses
from yolotui.core.jobs import Job
from yolotui.core.priorities import score
from yolotui.core.timetable import Entry, Published
from yolotui.harmless import clean
from yolotui.units import format_duration

NOT_LOOKED_AT = "No scheduler has looked at it yet: `yolotui scheduler status` tells whether one runs."
NO_TIMETABLE = "No scheduler has made a timetable yet: `yolotui scheduler start` starts one."


@click.command("why")
@jobs_argument()
@click.option("-v", "--verbose", is_flag=True, help="Its estimate, too; and how urgent a waiting job is.")
@json_option
def why_verb(jobs: Sequence[str], verbose: bool, as_json: bool) -> None:
    """Tell why a job is not running and what would start it, or why it ended as it did."""
    queue = open_queue()
    around = Surroundings.of(queue)
    found = in_order(queue, queue.select(*jobs))
    preflights = queue.preflights([job.id for job in found if not job.ended])
    now = time.time()
    if as_json:
        missed = _missed(around)
        told = (
            why_document(job, around.why(job), around.remedy(job), around.estimate(job), now)
            | {
                "deadline": deadline_document(job, missed.get(job.id)),
                "preflight": preflight_document(preflights.get(job.id)),
            }
            for job in found
        )
        print_document("why", list(told))
        return
    for job in found:
        click.echo(clean(f"{job.id}  {job.name} is {job.state}. {_reason(job, around)}".rstrip()))
        if (preflight := preflights.get(job.id)) and not job.attempts:
            echo_remarks(preflight, indent="    ")
        if job.deadline_at is not None and not job.ended:
            for sentence in lateness(queue, [job], job.deadline_at, now):
                click.echo(clean(f"    {sentence}"))
        for finding in findings_text(job) if job.complaint else ():
            click.echo(clean(f"    {finding}"))
        if verbose and job.state == "waiting":
            click.echo(f"    score {score(job.priority, now - job.submitted_at)}; the lowest goes first")
        if verbose and (estimate := estimate_text(job, around.estimate(job))):
            click.echo(clean(f"    estimate {estimate}"))


def _reason(job: Job, around: Surroundings) -> str:
    if reason := around.why(job):
        return f"{reason} {around.remedy(job)}" if job.ended else reason
    return NOT_LOOKED_AT if job.state == "waiting" and around.entry(job) is None else ""


@click.command("forecast")
@click.option("--record", is_flag=True, help="Instead: what was foreseen of past starts, and what came true.")
@json_option
def forecast_verb(record: bool, as_json: bool) -> None:
    """Show the timetable: when each job that has not ended is expected to start and finish."""
    queue = open_queue()
    if record:
        from yolotui.cli.record import print_record, tell_record

        (print_record if as_json else tell_record)(queue)
        return
    around = Surroundings.of(queue)
    lines = _lines_in_order(queue.jobs(unfinished=True), around)
    missed = _missed(around)
    if as_json:
        at = around.published.timetable.made_at if around.published else None
        entries = [entry_document(entry, job, around.estimate(job), missed.get(job.id)) for entry, job in lines]
        print_document("forecast", {"at": at, "entries": entries})
        return
    if around.published is None:
        narrate(NO_TIMETABLE)
        return
    now = time.time()
    table = Table(("id", "state", "name", "start", "finish", "gpus", "why"), right=frozenset({"id"}))
    for entry, job in lines:
        gpus = _gpu_numbers(entry, around.published)
        start = _start(job, entry, now)
        finish = foreseen_text(entry.finish_at, (entry.finish_low_at, entry.finish_high_at), now, rough=entry.rough)
        table.add(str(job.id), state_cell(job.state), job.name, start, finish, gpus, around.why(job))
    print_table(table)
    narrate(*(miss.sentence(now) for miss in missed.values()))
    narrate(f"As planned {format_duration(max(round(now - around.published.timetable.made_at), 0))} ago.")


def _missed(around: Surroundings) -> dict[int, Miss]:
    """By job: the deadlines that the published timetable will miss, the most pressing first."""
    published = around.published
    return {miss.job_id: miss for miss in misses(published.world, published.timetable)} if published else {}


def _start(job: Job, entry: Entry, now: float) -> str:
    """When it first started; else when it is expected to."""
    if job.first_started_at is not None:
        return start_text(job, entry, now)
    return foreseen_text(entry.start_at, (entry.start_low_at, entry.start_high_at), now, rough=entry.rough)


def _lines_in_order(jobs: Sequence[Job], around: Surroundings) -> list[tuple[Entry, Job]]:
    """The timetable's lines by expected start; what can't be foreseen stands last."""
    lines = [(entry, job) for job in jobs if (entry := around.entry(job)) is not None]
    return sorted(lines, key=lambda line: (line[0].start_at is None, line[0].start_at or 0.0, line[1].id))


def _gpu_numbers(entry: Entry, published: Published) -> str:
    index = {gpu.uuid: gpu.index for gpu in published.host.gpus}
    return " ".join(str(index.get(uuid, uuid)) for uuid in entry.gpus)
