"""`locate`: where things are."""

from __future__ import annotations

import click

from yolotui.cli.options import complete_job, json_option, open_queue
from yolotui.cli.printing import print_document, print_facts
from yolotui.cli.selecting import in_order
from yolotui.locations import Home, user_config


@click.command("locate")
@click.argument("what", required=False, metavar="[WHAT|JOB]", shell_complete=complete_job)
@json_option
def locate_verb(what: str | None, as_json: bool) -> None:
    """Print where things are: all, one of them (home, queue, config, runs, …), or a JOB's run directory.

    For example: cd "$(yolotui locate night-n)"
    """
    places = _places(Home.current())
    if what is None:
        if as_json:
            print_document("locations", places)
        else:
            print_facts(list(places.items()))
        return
    found = [places[what]] if what in places else _run_dirs(what)
    if as_json:
        print_document("locations", {what: found[0]} if what in places else {what: found})
        return
    for path in found:
        click.echo(path)


def _places(home: Home) -> dict[str, str]:
    from yolotui.config import find

    config = find(home) or user_config()
    return {
        "home": str(home.root),
        "queue": str(home.queue),
        "samples": str(home.samples),
        "config": str(config),
        "runs": _runs(home),
        "weights": str(home.weights),
        "log": str(home.scheduler_log),
    }


def _runs(home: Home) -> str:
    from yolotui.config import Config

    return str(Config.load(home).paths.runs or home.runs)


def _run_dirs(selector: str) -> list[str]:
    queue = open_queue()
    return [job.run_dir for job in in_order(queue, queue.select(selector))]
