"""`audit`: who did what, when and why."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import click

from yolotui.audit_text import clock_text, detail_text
from yolotui.cli.documents import audit_document
from yolotui.cli.options import jobs_argument, json_option, open_queue
from yolotui.cli.printing import Table, print_document, print_table
from yolotui.store import AuditRow
from yolotui.users import login_name

_login_name = cache(login_name)  # it asks the machine's directory, for every row


@click.command("audit")
@jobs_argument(required=False)
@click.option("-n", "--lines", type=click.IntRange(1), default=100, show_default=True, help="How many of the newest.")
@json_option
def audit_verb(jobs: Sequence[str], lines: int, as_json: bool) -> None:
    """Show who did what, when and why: for everything, or for some jobs."""
    queue = open_queue()
    rows = queue.audit(jobs=queue.select(*jobs) if jobs else None, limit=lines)
    if as_json:
        print_document("audit", [audit_document(row) for row in rows])
        return
    cards = queue.cards()
    table = Table(("at", "who", "verb", "job", "reason", "detail"), right=frozenset({"job"}))
    for row in rows:
        job = "" if row.job is None else str(row.job)
        table.add(clock_text(row.at), _who(row), row.verb, job, row.reason, detail_text(row, cards))
    print_table(table)


def _who(row: AuditRow) -> str:
    """The name that people see, with the uid where the name claims to be somebody else's: the uid can't be chosen."""
    return row.actor if row.actor in (_login_name(row.uid), "scheduler") else f"{row.actor} (uid {row.uid})"
