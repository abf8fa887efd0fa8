"""What can still be read of a damaged queue, row by row, as far as it makes sense."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import msgspec

from yolotui.core.bookings import BookingStatus
from yolotui.core.jobs import Attempt, JobSpec, Status

Row = dict[str, Any]

# Each table with its key, in the order in which rows refer to earlier ones. Leases and what was published are not
# here: the leader makes them anew from what is.
TABLES: dict[str, tuple[str, ...]] = {
    "environments": ("digest",),
    "jobs": ("id",),
    "bookings": ("id",),
    "dependencies": ("job", "needs"),
    "attempts": ("job", "number"),
    "held_groups": ("name",),
    "gpus": ("uuid",),
    "forecasts": ("job", "attempt"),
    "idling": ("gpu", "since"),
    "preflights": ("job",),
    "footings": ("job",),
    "audit": ("id",),
    "channels": ("address",),
    "outbox": ("audit", "address"),
}
SEQUENCES = "sqlite_sequence"  # the newest id that was ever given

MOST_LOST_IN_A_ROW = 100_000  # numbers between two readable rows that are looked up one by one


def salvage(path: Path) -> dict[str, list[Row]]:
    """The readable rows of every table, in the order of their keys. Changes nothing that others rely on: give a copy.

    A file that is no database at all gives nothing.
    """
    found: dict[str, list[Row]] = {table: [] for table in (*TABLES, SEQUENCES)}
    if not path.is_file():
        return found
    with closing(sqlite3.connect(path)) as connection:
        connection.row_factory = sqlite3.Row
        connection.text_factory = lambda raw: raw.decode("utf-8", errors="replace")
        for table, key in (*TABLES.items(), (SEQUENCES, ("name",))):
            with suppress(sqlite3.DatabaseError, OverflowError):
                found[table] = [row for row in _rows(connection, table, key) if makes_sense(table, row)]
    return found


def _rows(connection: sqlite3.Connection, table: str, key: tuple[str, ...]) -> list[Row]:
    """From the front up to the damage, from the back down to it, and what can be looked up in between."""
    rows: dict[tuple[Any, ...], Row] = {}

    def take(order: str) -> tuple[Any, ...] | None:
        last = None
        # The names are those of TABLES.
        for row in _until_damage(connection, f"SELECT * FROM {table} ORDER BY {order}"):  # noqa: S608
            last = tuple(row[each] for each in key)
            rows[last] = row
        return last

    front = take(", ".join(key))
    back = take(", ".join(f"{each} DESC" for each in key))
    if len(key) == 1 and front and back and isinstance(front[0], int) and isinstance(back[0], int):
        for number in range(front[0] + 1, min(back[0], front[0] + MOST_LOST_IN_A_ROW)):
            for row in _until_damage(connection, f"SELECT * FROM {table} WHERE {key[0]} = {number}"):  # noqa: S608
                rows[number,] = row
    return [rows[each] for each in sorted(rows, key=lambda values: tuple(map(_sortable, values)))]


def _until_damage(connection: sqlite3.Connection, query: str) -> Iterator[Row]:
    with suppress(sqlite3.DatabaseError):
        for row in connection.execute(query):
            yield dict(row)


def _sortable(value: object) -> tuple[str, Any]:
    return type(value).__name__, value


def makes_sense(table: str, row: Row) -> bool:
    """Whether what a row says can be understood; flipped bits often leave a row that can be read and means nothing."""
    checks: dict[str, Callable[[], object]] = {
        "jobs": lambda: (
            msgspec.json.decode(row["spec"], type=JobSpec),
            msgspec.json.decode(row["status"], type=Status),
            int(row["id"]),
        ),
        "attempts": lambda: msgspec.json.decode(row["record"], type=Attempt),
        "environments": lambda: msgspec.json.decode(row["variables"], type=dict[str, str]),
        "bookings": lambda: (
            msgspec.json.decode(row["status"], type=BookingStatus),
            msgspec.json.decode(row["gpus"], type=tuple[str, ...]),
        ),
        SEQUENCES: lambda: int(row["seq"]),
        "audit": lambda: msgspec.json.decode(row["detail"], type=dict[str, Any]),
    }
    try:
        checks.get(table, lambda: None)()
    except (msgspec.DecodeError, ValueError, TypeError, RecursionError):
        return False
    return True
