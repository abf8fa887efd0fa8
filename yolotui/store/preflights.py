"""What the check before the start of each training has found."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Mapping
from typing import NamedTuple

import msgspec

from yolotui.core.preflight import Footing, Preflight
from yolotui.store.database import UNFINISHED, Transaction


class Found(NamedTuple):
    """What a check has found of a job that `asked` for this then; with `holds` the job is held for errors."""

    job_id: int
    asked: str
    preflight: Preflight
    holds: bool


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


def put_footing(write: Transaction, job_id: int, footing: Footing) -> None:
    """Keep what a job rests on."""
    write.execute(
        "INSERT OR REPLACE INTO footings (job, asked, basis, since) VALUES (?, ?, ?, ?)",
        (job_id, footing.asked, json.dumps(footing.basis), footing.since),
    )


def footing(write: Transaction, job_id: int, asked: str, basis: Mapping[str, str]) -> Footing:
    """What a job that still asks for the same rested on first; `basis` has what was not known of that before."""
    query = "SELECT asked, basis, since FROM footings WHERE (job, asked) = (?, ?)"
    row = write.execute(query, (job_id, asked)).fetchone()
    known = (
        Footing(asked, json.loads(row["basis"]), row["since"]) if row else Footing(asked, {}, "it was checked first")
    )
    if basis.keys() <= known.basis.keys():
        return known
    whole = Footing(asked, {**basis, **known.basis}, known.since)
    put_footing(write, job_id, whole)
    return whole


def earlier(connection: sqlite3.Connection, job_id: int, asked: str) -> Preflight | None:
    """The check of a job before, if it asked for the same then."""
    row = connection.execute("SELECT content FROM preflights WHERE (job, asked) = (?, ?)", (job_id, asked)).fetchone()
    return _decode(row["content"]) if row else None


def checked_by_job(connection: sqlite3.Connection) -> dict[int, tuple[str, Preflight]]:
    """The newest check of each job that has not ended, with what it asked for then."""
    rows = connection.execute(
        f"SELECT job, asked, content FROM preflights JOIN jobs ON jobs.id = job WHERE {UNFINISHED}"  # noqa: S608 — a constant
    )
    return {row["job"]: (row["asked"], _decode(row["content"])) for row in rows}
