"""`wait`: for pipelines."""

from __future__ import annotations

from collections.abc import Sequence

import click

from yolotui.cli.following import Following
from yolotui.cli.options import jobs_argument, open_queue
from yolotui.cli.printing import narrate
from yolotui.errors import ExitCode


@click.command("wait")
@jobs_argument()
def wait_verb(jobs: Sequence[str]) -> int:
    """Wait until jobs have ended. Exit code 0: all succeeded; 1: some failed, or were cancelled or skipped."""
    queue = open_queue()
    ids = queue.select(*jobs)
    with queue.watching():
        following = Following(queue, ids)
        for changed in following.looks():
            for job in changed:
                if job.ended:
                    why = following.around.why(job)
                    narrate(f"{job.id} {job.name} {job.state}{f': {why}' if why else ''}")
    return ExitCode.DONE if following.all_succeeded else ExitCode.JOB_FAILED
