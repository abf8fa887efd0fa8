"""`gc`: make room by removing what ended long ago and nobody needs."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from typing import Any

import click

from yolotui.cli.options import complete_job, confirm, json_option, open_queue, reason_option, yes_option
from yolotui.cli.printing import Table, narrate, print_document, print_table
from yolotui.errors import WrongUse
from yolotui.store import Rest, What
from yolotui.units import duration, format_bytes, format_duration


@click.command("gc")
@click.argument("jobs", nargs=-1, metavar="[JOB...]", shell_complete=complete_job)
@click.option("--older-than", metavar="TIME", help="Jobs that ended longer ago than that (30d).")
@click.option("--checkpoints", is_flag=True, help="Only checkpoints of succeeded trainings, and not the best one.")
@click.option("--dry-run", is_flag=True, help="Remove nothing; tell what would be.")
@yes_option
@reason_option
@json_option
def gc_verb(
    *,
    jobs: Sequence[str],
    older_than: str | None,
    checkpoints: bool,
    dry_run: bool,
    yes: bool,
    reason: str,
    as_json: bool,
) -> None:
    """Remove run directories of ended jobs. What is at work, or needed by a job that waits, is never touched.

    The queue remembers what the jobs were and what they reached.
    """
    if not jobs and older_than is None:
        raise click.UsageError("Say which: JOB..., or --older-than 30d.")
    if as_json and not dry_run:
        raise click.UsageError("--json goes with --dry-run.")
    queue = open_queue()
    what = What.CHECKPOINTS if checkpoints else What.RUNS
    now = time.time()
    ids = queue.select(*jobs) if jobs else None
    found = queue.left_over(what, ended_before=now - _age_s(older_than), ids=ids)
    if older_than is not None:
        found = [rest for rest in found if not rest.job.ended or rest.job.status.since < now - _age_s(older_than)]
    if as_json:
        print_document("rests", [_document(rest) for rest in found])
        return
    _tell(found, now)
    doomed = [rest for rest in found if not rest.why_kept]
    if dry_run or not doomed:
        narrate(f"{_total(doomed)} could be freed." if doomed else "There is nothing to remove.")
        return
    if not yes and not sys.stdin.isatty():
        raise WrongUse(f"{_total(doomed)} would be removed for good: say --yes, or look first with --dry-run.")
    confirm(lambda: f"Remove {_total(doomed)} for good?", yes=yes)
    freed = queue.collect([rest.job.id for rest in doomed], what, reason=reason)
    narrate(f"{format_bytes(freed)} freed.")


def _age_s(older_than: str | None) -> float:
    try:
        return 0.0 if older_than is None else duration(older_than)
    except ValueError as error:
        raise WrongUse(f"--older-than: {error}") from None


def _tell(found: Sequence[Rest], now: float) -> None:
    table = Table(("id", "name", "state", "ended", "size", "kept because"), right=frozenset({"id", "size"}))
    for rest in found:
        job = rest.job
        ago = f"{format_duration(max(0.0, now - job.status.since), parts=1)} ago" if job.ended else ""
        size = "" if rest.why_kept else format_bytes(rest.size_bytes)
        table.add(str(job.id), job.name, job.state, ago, size, rest.why_kept)
    if table.rows:
        print_table(table)


def _total(rests: Sequence[Rest]) -> str:
    count = len(rests)
    return f"{format_bytes(sum(rest.size_bytes for rest in rests))} of {count} job{'' if count == 1 else 's'}"


def _document(rest: Rest) -> dict[str, Any]:
    job = rest.job
    return {
        "id": job.id,
        "name": job.name,
        "state": job.state,
        "ended_at": job.status.since if job.ended else None,
        "run_dir": job.run_dir,
        "size_bytes": rest.size_bytes,
        "kept_because": rest.why_kept or None,
    }
