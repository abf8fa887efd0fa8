"""What people and the leader have said about GPUs: drained, quarantined, or trusted again."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Mapping
from enum import StrEnum

from msgspec import Struct
from msgspec.structs import replace

from yolotui.core.gpus import Excluded, Foreign, Free, Gpu, Host
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
    """What was said about a GPU, when, why and by whom. `ecc_errors` are the uncorrected ones that were known then.

    One that is drained at a time takes until `closes_at` (UTC seconds) what will have ended by then.
    """

    uuid: str
    state: GpuState
    since: float
    reason: str
    by: str
    cause: MarkCause
    ecc_errors: int = 0
    closes_at: float | None = None

    def keeps_out(self, now: float) -> bool:
        """Whether nothing is to be started on it at this moment (UTC seconds)."""
        return self.state is not GpuState.TRUSTED and not self.will_close(now)

    def will_close(self, now: float) -> bool:
        """Whether it will be out of use, but is not yet."""
        return self.state is GpuState.DRAINED and self.closes_at is not None and now < self.closes_at


def put(write: Transaction, mark: GpuMark) -> None:
    """Write down what is said about a GPU, in place of what was."""
    write.execute(
        "INSERT OR REPLACE INTO gpus (uuid, state, since, reason, by, cause, ecc_errors, closes_at) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (mark.uuid, mark.state, mark.since, mark.reason, mark.by, mark.cause, mark.ecc_errors, mark.closes_at),
    )


def remove(write: Transaction, uuid: str) -> None:
    """Nothing is to be said about a GPU any more."""
    write.execute("DELETE FROM gpus WHERE uuid = ?", (uuid,))


def read(connection: sqlite3.Connection) -> dict[str, GpuMark]:
    """The marks by UUID."""
    rows = connection.execute("SELECT * FROM gpus").fetchall()
    return {row["uuid"]: _mark(row) for row in rows}


def keeps_out(connection: sqlite3.Connection, uuids: Iterable[str], until: float) -> bool:
    """Whether any of these is quarantined, or drained before `until` (UTC seconds)."""
    query = """
        SELECT 1 FROM gpus
        WHERE (state = 'quarantined' OR (state = 'drained' AND coalesce(closes_at, 0) < ?))
          AND uuid IN (SELECT value FROM json_each(?)) LIMIT 1
    """
    return connection.execute(query, (until, json.dumps(list(uuids)))).fetchone() is not None


def with_marks(host: Host, marks: Mapping[str, GpuMark]) -> Host:
    """The host with the GPUs `Excluded` that a person drained or that are quarantined; a lost one stays lost.

    One that will be drained has the moment from which on it is closed.
    """
    if all(mark.state is GpuState.TRUSTED for mark in marks.values()):
        return host
    return replace(host, gpus=tuple(_marked(gpu, marks.get(gpu.uuid), host.at) for gpu in host.gpus))


def _marked(gpu: Gpu, mark: GpuMark | None, now: float) -> Gpu:
    if mark is not None and mark.will_close(now):
        return replace(gpu, closes_at=mark.closes_at)
    if mark is None or not mark.keeps_out(now) or not isinstance(gpu.availability, Free | Foreign):
        return gpu
    back = f"`yolotui undrain {gpu.index}` brings it back"
    if mark.state is GpuState.DRAINED:
        why = f"drained by {mark.by}{f' ({mark.reason})' if mark.reason else ''}"
    else:
        why = f"quarantined: {mark.reason}"
    return replace(gpu, availability=Excluded(f"{why}; {back}"))


def _mark(row: sqlite3.Row) -> GpuMark:
    return GpuMark(
        uuid=row["uuid"],
        state=GpuState(row["state"]),
        since=row["since"],
        reason=row["reason"],
        by=row["by"],
        cause=MarkCause(row["cause"]),
        ecc_errors=row["ecc_errors"],
        closes_at=row["closes_at"],
    )
