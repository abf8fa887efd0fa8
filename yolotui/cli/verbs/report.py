"""`report`: what became of a night, a week, or one run."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click
import msgspec

from yolotui.cli.moments import read_past_moment
from yolotui.cli.options import complete_job, json_option, open_queue
from yolotui.cli.printing import Table, narrate, print_document, print_table
from yolotui.errors import NotPossible, WrongUse
from yolotui.harmless import clean
from yolotui.locations import Home

if TYPE_CHECKING:
    from yolotui.core.jobs import Job
    from yolotui.report.sections import Section


@click.command("report")
@click.argument("job", required=False, shell_complete=complete_job)
@click.option(
    "--since",
    default=None,
    metavar="TIME",
    help='"yesterday 18:00", "Mon 18:00", 18:00, 8h, 2026-11-30, yesterday, today, night, week.  [default: night]',
)
@click.option("--until", default=None, metavar="TIME", help="Until when; now if left out.")
@click.option("--markdown", "as_markdown", is_flag=True, help="Print Markdown.")
@click.option(
    "--html", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE", help="Write a page with charts."
)
@click.option("--pictures", is_flag=True, help="With --html: put in the pictures that Ultralytics drew of the data.")
@json_option
def report_verb(  # noqa: PLR0917 — an option each
    job: str | None,
    since: str | None,
    until: str | None,
    as_markdown: bool,
    html: Path | None,
    pictures: bool,
    as_json: bool,
) -> None:
    """Tell what became of a night: runs and results, GPU-hours, energy and cost, idle gaps, crashes, forecasts.

    With JOB what became of one run: curves, attempts with what ended and what mended them, findings of the health
    rules, and what it was made from.

    [costs] in the configuration says what a kWh and a GPU-hour cost. A job belongs to the project in whose folder its
    file of jobs is, or it was submitted. Of idle cards is told what the planner said at the time.
    """
    if as_markdown and as_json:
        raise click.UsageError("--markdown or --json: one of both.")
    if pictures and html is None:
        raise click.UsageError("--pictures go into a page: give --html FILE.")
    if job is not None and (since or until):
        raise click.UsageError("A run has its own time: give a JOB, or --since and --until.")
    found = _of_run(job) if job is not None else _of_period(since or "night", until)
    if html is not None:
        from yolotui.report.page import page
        from yolotui.report.pictures import pictures as pictures_of

        _write(html, page(found.sections, pictures_of(found.ran) if pictures else None))
    if as_json:
        print_document(found.subject, found.document)
    elif as_markdown:
        from yolotui.report.sections import markdown

        click.echo(markdown(found.sections), nl=False)
    elif html is None:
        _print(found.sections)


class _Found(NamedTuple):
    """A report: what it is called in JSON, as a document, as sections, and the jobs that it tells of."""

    subject: str
    document: dict[str, Any]
    sections: Sequence[Section]
    ran: Sequence[Job]


def _of_period(since: str, until: str | None) -> _Found:
    from yolotui.config import Config
    from yolotui.probe import Samples
    from yolotui.report.gathering import gather
    from yolotui.report.night_sections import sections
    from yolotui.store import Store

    home, now = Home.current(), time.time()
    begins = read_past_moment(since, "--since", now)
    ends = now if until is None else read_past_moment(until, "--until", now)
    if ends <= begins:
        raise WrongUse("The report would end before it begins: --until must be later than --since.")
    costs = Config.load(home).costs
    with Store(home) as store:
        night = gather(store, Samples(home.samples), costs, begins, ends)
        ran = store.read.jobs(ids=[run.job_id for run in night.usage.runs])
    document = {**msgspec.to_builtins(night), "costs": costs}
    return _Found("report", document, sections(night, costs, now), ran)


def _of_run(selector: str) -> _Found:
    from yolotui.cli.documents import run_document
    from yolotui.cli.selecting import the_one
    from yolotui.probe import Samples
    from yolotui.report.run import gather_run
    from yolotui.report.run_sections import sections
    from yolotui.store import Store

    queue = open_queue()
    job = the_one(queue, selector, "a report tells of one run, or of a time (--since)")
    home, costs = queue.home, queue.config.costs
    with Store(home) as store:
        run = gather_run(store, Samples(home.samples), costs, job.id, time.time())
    return _Found("run", {**run_document(run), "costs": costs}, sections(run, costs), [run.job])


def _write(file: Path, text: str) -> None:
    try:
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise NotPossible(f"{file} can't be written: {error.strerror or error}.") from error
    narrate(f"Written: {file}")


def _printable(drawing: str) -> str:
    """A line of blocks, in ASCII where the terminal knows no others."""
    from yolotui.report.heat import IN_ASCII

    try:
        drawing.encode(sys.stdout.encoding or "ascii")
    except UnicodeEncodeError:
        return drawing.translate(IN_ASCII)
    return drawing


def _print(told: Sequence[Section]) -> None:
    for number, section in enumerate(told):
        click.echo(("\n" if number else "") + clean(section.title))
        for line in (*map(clean, section.sentences), *map(_printable, section.drawing)):
            click.echo(f"  {line}")
        if section.rows:
            table = Table(section.columns, right=section.right)
            for row in section.rows:
                table.add(*row)
            print_table(table)
