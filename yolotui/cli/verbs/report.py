"""`report`: what became of a night or a week."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click
import msgspec

from yolotui.cli.moments import read_past_moment
from yolotui.cli.options import json_option
from yolotui.cli.printing import Table, narrate, print_document, print_table
from yolotui.errors import NotPossible, WrongUse
from yolotui.locations import Home

if TYPE_CHECKING:
    from yolotui.report.sections import Section


@click.command("report")
@click.option(
    "--since",
    default="night",
    show_default=True,
    metavar="TIME",
    help='"yesterday 18:00", "Mon 18:00", 18:00, 8h, 2026-11-30, yesterday, today, night, week.',
)
@click.option("--until", default=None, metavar="TIME", help="Until when; now if left out.")
@click.option("--markdown", "as_markdown", is_flag=True, help="Print Markdown.")
@click.option(
    "--html", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE", help="Write a page with charts."
)
@click.option("--pictures", is_flag=True, help="With --html: put in the pictures that Ultralytics drew of the data.")
@json_option
def report_verb(  # noqa: PLR0917 — an option each
    since: str, until: str | None, as_markdown: bool, html: Path | None, pictures: bool, as_json: bool
) -> None:
    """Tell what became of a night: runs and results, GPU-hours, energy and cost, idle gaps, crashes, forecasts.

    [costs] in the configuration says what a kWh and a GPU-hour cost. A job belongs to the project in whose folder its
    file of jobs is, or it was submitted. Of idle cards is told what the planner said at the time.
    """
    from yolotui.config import Config
    from yolotui.probe import Samples
    from yolotui.report.gathering import gather
    from yolotui.report.night_sections import sections
    from yolotui.report.sections import markdown
    from yolotui.store import Store

    if as_markdown and as_json:
        raise click.UsageError("--markdown or --json: one of both.")
    if pictures and html is None:
        raise click.UsageError("--pictures go into a page: give --html FILE.")
    home, now = Home.current(), time.time()
    begins = read_past_moment(since, "--since", now)
    ends = now if until is None else read_past_moment(until, "--until", now)
    if ends <= begins:
        raise WrongUse("The report would end before it begins: --until must be later than --since.")
    costs = Config.load(home).costs
    with Store(home) as store:
        night = gather(store, Samples(home.samples), costs, begins, ends)
        ran = store.read.jobs(ids=[run.job_id for run in night.usage.runs])
    told = sections(night, costs, now)
    if html is not None:
        from yolotui.report.page import page
        from yolotui.report.pictures import pictures as pictures_of

        _write(html, page(told, pictures_of(ran) if pictures else None))
    if as_json:
        print_document("report", {**msgspec.to_builtins(night), "costs": costs})
    elif as_markdown:
        click.echo(markdown(told), nl=False)
    elif html is None:
        _print(told)


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
        click.echo(("\n" if number else "") + section.title)
        for line in (*section.sentences, *map(_printable, section.drawing)):
            click.echo(f"  {line}")
        if section.rows:
            table = Table(section.columns, right=section.right)
            for row in section.rows:
                table.add(*row)
            print_table(table)
