"""The record of idle cards: what kept each from being used, from when on."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable

from yolotui.core.idling import Idleness, Recorded
from yolotui.core.standstill import Standstill
from yolotui.store.database import Transaction


def put(write: Transaction, records: Iterable[Recorded]) -> None:
    """Keep what is known of cards from some moment on."""
    write.connection.executemany(
        "INSERT OR REPLACE INTO idling (gpu, since, cause, job, why) VALUES (?, ?, ?, ?, ?)", map(_row, records)
    )


def read(connection: sqlite3.Connection, since: float, until: float) -> list[Recorded]:
    """What was known of each card from `since` to `until` (UTC seconds), the oldest first."""
    rows = connection.execute(
        """
        SELECT * FROM idling i WHERE since < :until
          AND since >= coalesce((SELECT max(since) FROM idling WHERE gpu = i.gpu AND since <= :since), 0)
        ORDER BY since
        """,
        {"since": since, "until": until},
    )
    return [_recorded(row) for row in rows]


def _row(record: Recorded) -> tuple[object, ...]:
    idle = record.idleness
    return (record.gpu, record.since, *((idle.cause, idle.job, idle.why) if idle else (None, None, "")))


def _recorded(row: sqlite3.Row) -> Recorded:
    idle = Idleness(Standstill(row["cause"]), row["job"], row["why"]) if row["cause"] else None
    return Recorded(row["gpu"], row["since"], idle)
