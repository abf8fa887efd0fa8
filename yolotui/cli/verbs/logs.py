"""`logs`: what a job's processes wrote, attempt by attempt."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterable

import click

from yolotui.cli.console_log import ConsoleLog
from yolotui.cli.options import complete_job, json_option, open_queue
from yolotui.cli.printing import narrate, print_document
from yolotui.cli.selecting import the_one
from yolotui.core.jobs import Job
from yolotui.errors import NotPossible
from yolotui.locations import console_log, earlier_log
from yolotui.queue import Queue

LOOK_EVERY_S = 0.2
LONG_LINE_BYTES = 16_384
"""A log may be of gigabytes: for its last lines only so much of it is read, for each."""


@click.command("logs")
@click.argument("job", metavar="JOB", shell_complete=complete_job)
@click.option("-f", "--follow", is_flag=True, help="Go on as it grows, across attempts, until the job has ended.")
@click.option("-n", "--lines", type=click.IntRange(0), metavar="N", help="Only the last N lines of what is there.")
@click.option("--attempt", type=click.IntRange(1), metavar="N", help="Of this attempt; the newest if left out.")
@json_option
def logs_verb(job: str, follow: bool, lines: int | None, attempt: int | None, as_json: bool) -> None:
    """Print what a job wrote to its console."""
    queue = open_queue()
    found = the_one(queue, job, "a log is shown of one at a time")
    if follow and (as_json or attempt is not None):
        raise click.UsageError(
            "--follow goes on with the newest attempt and prints lines: leave out --json and --attempt."
        )
    if not follow:
        _print_log(found, attempt, lines, as_json=as_json)
        return
    with queue.watching():
        _follow(queue, found, lines)


def _print_log(job: Job, attempt: int | None, lines: int | None, *, as_json: bool) -> None:
    number = len(job.attempts) if attempt is None else attempt
    if not 1 <= number <= len(job.attempts):
        raise NotPossible(
            f"job {job.id} ({job.name}) is {job.state} and has {_attempts(job)}: there is no log to show."
        )
    enough = None if lines is None else (lines + 1) * LONG_LINE_BYTES
    file = console_log(job.run_dir, number)
    if (earlier := earlier_log(file)).exists():
        narrate(f"It was cut because it grew so long: what came before is in {earlier}.")
    text = _last(ConsoleLog(file, last_bytes=enough).all_lines(), lines)
    if as_json:
        print_document("log", {"id": job.id, "attempt": number, "lines": list(text)})
        return
    _print(text)


def _follow(queue: Queue, job: Job, lines: int | None) -> None:
    """Print what is there, then what comes; from the end of one attempt on to the next."""
    if not job.attempts:
        narrate(f"job {job.id} ({job.name}) is {job.state}: its log begins when it starts.")
    number = max(len(job.attempts), 1)
    log = ConsoleLog(console_log(job.run_dir, number))
    _print(_last(log.new_lines(), lines))
    while True:
        # The job is read before the log: what it wrote before it ended is then certainly there.
        job = queue.job(job.id)
        if len(job.attempts) > number:
            _print(log.all_lines())
            number += 1
            narrate(f"--- attempt {number} ---")
            log = ConsoleLog(console_log(job.run_dir, number))
        elif job.ended:
            _print(log.all_lines())
            narrate(f"job {job.id} ({job.name}): {job.state}.")
            return
        else:
            _print(log.new_lines())
            time.sleep(LOOK_EVERY_S)


def _print(lines: Iterable[str]) -> None:
    for line in lines:
        click.echo(line)


def _last(lines: Iterable[str], count: int | None) -> Iterable[str]:
    """The last `count` lines; all of them for None."""
    return lines if count is None else deque(lines, maxlen=count)


def _attempts(job: Job) -> str:
    return f"{len(job.attempts) or 'no'} {'attempt' if len(job.attempts) == 1 else 'attempts'}"
