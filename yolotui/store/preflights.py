"""What the check before the start of each training has found."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable

import msgspec

from yolotui.core.preflight import Preflight
from yolotui.store.database import Transaction

_decode = msgspec.json.Decoder(Preflight).decode


def put(write: Transaction, job_id: int, asked: str, preflight: Preflight) -> None:
    """Keep the newest check of a job. `asked` stands for what the job asked for then."""
    write.execute(
        "INSERT OR REPLACE INTO preflights (job, asked, content) VALUES (?, ?, ?)",
        (job_id, asked, msgspec.json.encode(preflight).decode()),
    )


def read(connection: sqlite3.Connection, ids: Iterable[int]) -> dict[int, Preflight]:
    """The newest check of each of these jobs that was checked."""
    rows = connection.execute(
        "SELECT job, content FROM preflights WHERE job IN (SELECT value FROM json_each(?))", (json.dumps(list(ids)),)
    )
    return {row["job"]: _decode(row["content"]) for row in rows}


def asked_by_job(connection: sqlite3.Connection) -> dict[int, str]:
    """What was asked for when each job that has not ended was checked."""
    rows = connection.execute(
        "SELECT job, asked FROM preflights JOIN jobs ON jobs.id = job "
        "WHERE state NOT IN ('succeeded', 'failed', 'cancelled', 'skipped')"
    )
    return {row["job"]: row["asked"] for row in rows}
