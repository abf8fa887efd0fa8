"""What people and the leader have said about GPUs: drained, quarantined, or trusted again."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable
from enum import StrEnum

from msgspec import Struct

from yolotui.store.database import Transaction


class GpuState(StrEnum):
    """Drained by a person, quarantined by the leader; trusted since a person brought it back."""

    DRAINED = "drained"
    QUARANTINED = "quarantined"
    TRUSTED = "trusted"


class MarkCause(StrEnum):
    """Why: a person said so, jobs failed on it, its memory failed, the driver lost it."""

    PERSON = "person"
    ERRORS = "errors"
    ECC = "ecc"
    LOST = "lost"


class GpuMark(Struct, frozen=True, kw_only=True):
    """What was said about a GPU, when, why and by whom. `ecc_errors` are the uncorrected ones that were known then."""

    uuid: str
    state: GpuState
    since: float
    reason: str
    by: str
    cause: MarkCause
    ecc_errors: int = 0

    @property
    def keeps_out(self) -> bool:
        """Whether nothing is to be started on it."""
        return self.state is not GpuState.TRUSTED


def put(write: Transaction, mark: GpuMark) -> None:
    """Write down what is said about a GPU, in place of what was."""
    write.execute(
        "INSERT OR REPLACE INTO gpus (uuid, state, since, reason, by, cause, ecc_errors) VALUES (?, ?, ?, ?, ?, ?, ?)",
        (mark.uuid, mark.state, mark.since, mark.reason, mark.by, mark.cause, mark.ecc_errors),
    )


def remove(write: Transaction, uuid: str) -> None:
    """Nothing is to be said about a GPU any more."""
    write.execute("DELETE FROM gpus WHERE uuid = ?", (uuid,))


def read(connection: sqlite3.Connection) -> dict[str, GpuMark]:
    """The marks by UUID."""
    rows = connection.execute("SELECT uuid, state, since, reason, by, cause, ecc_errors FROM gpus").fetchall()
    return {row["uuid"]: _mark(row) for row in rows}


def keeps_out(connection: sqlite3.Connection, uuids: Iterable[str]) -> bool:
    """Whether any of these is drained or quarantined."""
    query = "SELECT 1 FROM gpus WHERE state <> 'trusted' AND uuid IN (SELECT value FROM json_each(?)) LIMIT 1"
    return connection.execute(query, (json.dumps(list(uuids)),)).fetchone() is not None


def _mark(row: sqlite3.Row) -> GpuMark:
    return GpuMark(
        uuid=row["uuid"],
        state=GpuState(row["state"]),
        since=row["since"],
        reason=row["reason"],
        by=row["by"],
        cause=MarkCause(row["cause"]),
        ecc_errors=row["ecc_errors"],
    )
