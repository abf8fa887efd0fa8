"""`audit`: who did what, when and why."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from yolotui.cli.documents import audit_document
from yolotui.cli.options import jobs_argument, json_option, open_queue
from yolotui.cli.printing import Table, print_document, print_table

if TYPE_CHECKING:
    from yolotui.store import AuditRow

FOR_UNDO = frozenset({"status", "held", "owner_uid"})
"""What is kept so that it can be put back; other words say it to people."""


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
    table = Table(("at", "who", "verb", "job", "reason", "detail"), right=frozenset({"job"}))
    for row in rows:
        job = "" if row.job is None else str(row.job)
        table.add(_clock(row.at), row.actor, row.verb, job, row.reason, _detail(row))
    print_table(table)


def _detail(row: AuditRow) -> str:
    shown = {key: value for key, value in row.detail.items() if key not in FOR_UNDO and value not in (None, "", [], {})}
    return " ".join(f"{key}={_shown(key, value)}" for key, value in shown.items())


def _shown(key: str, value: object) -> object:
    """Moments as people read them, in tables within a row, too."""
    if key.endswith("_at") and isinstance(value, int | float):
        return _clock(value)
    if isinstance(value, dict):
        inner = (f"{name}: {_shown(name, each)}" for name, each in value.items() if name not in FOR_UNDO)
        return "{" + ", ".join(inner) + "}"
    return value


def _clock(at: float) -> str:
    return f"{datetime.fromtimestamp(at, UTC).astimezone():%Y-%m-%d %H:%M:%S}"
