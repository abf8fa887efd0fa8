"""Host and GPU readings over time, in a file of their own that nobody has to keep.

`samples.db` may be deleted at any time, also while it is open, and is made anew. What can't be written is dropped: a
full disk costs samples, not the scheduler. One process writes; any number reads.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from yolotui.core.gpus import Gpu, Host
from yolotui.units import DAY_S

MINUTE_S = 60.0
KEEP_S = 7 * DAY_S
KEEP_EVERY_ONE_S = DAY_S
TIDY_EVERY_S = 10 * MINUTE_S
BUSY_TIMEOUT_S = 1.0

# `leads` marks the first observation of its minute: all that is kept of it after a day.
_SCHEMA = """
CREATE TABLE IF NOT EXISTS host_samples (
    at                      REAL PRIMARY KEY,
    leads                   INTEGER NOT NULL,
    cpu_percent             REAL NOT NULL,
    memory_total_bytes      INTEGER NOT NULL,
    memory_available_bytes  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS gpu_samples (
    at                   REAL NOT NULL,
    gpu                  TEXT NOT NULL,
    leads                INTEGER NOT NULL,
    memory_used_bytes    INTEGER,
    utilization_percent  INTEGER,
    temperature_c        INTEGER,
    power_w              REAL,
    PRIMARY KEY (at, gpu)
) STRICT, WITHOUT ROWID;
"""


@dataclass(frozen=True)
class GpuSample:
    """One card at `at` (UTC seconds). None is a reading that the card did not offer, or that it was lost."""

    at: float
    memory_used_bytes: int | None
    utilization_percent: int | None
    temperature_c: int | None
    power_w: float | None


@dataclass(frozen=True)
class HostSample:
    """The machine at `at` (UTC seconds)."""

    at: float
    cpu_percent: float
    memory_total_bytes: int
    memory_available_bytes: int


class Samples:
    """The file at `path`. Nothing is opened before it is needed; `trouble` says why the last record was dropped."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.trouble = ""
        self._connection: sqlite3.Connection | None = None
        self._files: tuple[object, ...] = ()
        self._minute = -1
        self._tidied_at = float("-inf")

    def record(self, host: Host) -> None:
        """Keep what was observed. Never raises for what the file or the disk does: see `trouble`."""
        try:
            self._write(host)
        except (sqlite3.Error, OSError) as error:
            self.trouble = f"{self.path.name}: {error}"
            self.close()
            if type(error) is sqlite3.DatabaseError:
                # Damaged (the subclasses say that it is busy, full, read-only…): nothing in it is worth a repair.
                self._delete()

    def read(self, gpu_uuid: str, since_at: float) -> list[GpuSample]:
        """The card's samples from `since_at` (UTC seconds) on, oldest first; none where there is no readable file."""
        return [
            GpuSample(*row)
            for row in self._rows(
                "SELECT at, memory_used_bytes, utilization_percent, temperature_c, power_w FROM gpu_samples "
                "WHERE at >= ? AND gpu = ? ORDER BY at",
                (since_at, gpu_uuid),
            )
        ]

    def read_host(self, since_at: float) -> list[HostSample]:
        """The machine's samples from `since_at` (UTC seconds) on, oldest first."""
        return [
            HostSample(*row)
            for row in self._rows(
                "SELECT at, cpu_percent, memory_total_bytes, memory_available_bytes FROM host_samples "
                "WHERE at >= ? ORDER BY at",
                (since_at,),
            )
        ]

    def close(self) -> None:
        """Close the file; the next record opens it again."""
        if self._connection is not None:
            with suppress(sqlite3.Error):
                self._connection.close()
        self._connection = None

    def _write(self, host: Host) -> None:
        minute = int(host.at // MINUTE_S)
        leads = minute != self._minute
        with self._transaction() as connection:
            connection.execute(
                "INSERT OR REPLACE INTO host_samples VALUES (?, ?, ?, ?, ?)",
                (host.at, leads, host.cpu_percent, host.memory_total_bytes, host.memory_available_bytes),
            )
            connection.executemany(
                "INSERT OR REPLACE INTO gpu_samples VALUES (?, ?, ?, ?, ?, ?, ?)",
                [(host.at, gpu.uuid, leads, *_readings(gpu)) for gpu in host.gpus],
            )
            if abs(host.at - self._tidied_at) >= TIDY_EVERY_S:
                _tidy(connection, host.at)
                self._tidied_at = host.at
        self._minute = minute
        self.trouble = ""

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        connection = self._open()
        connection.execute("BEGIN IMMEDIATE")
        try:
            yield connection
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise

    def _open(self) -> sqlite3.Connection:
        """The open file. One that was deleted is let go of first: closing it would delete the new one's log."""
        if self._connection is not None and self._files_now() == self._files:
            return self._connection
        self.close()
        os.close(os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
        connection = sqlite3.connect(self.path, timeout=BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False)
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("PRAGMA synchronous=NORMAL")
            connection.executescript(_SCHEMA)
        except sqlite3.Error:
            connection.close()
            raise
        self._connection, self._files = connection, self._files_now()
        return connection

    def _rows(self, sql: str, parameters: tuple[object, ...]) -> list[tuple[Any, ...]]:
        """A reader opens the file for itself and can't change it."""
        if not self.path.exists():
            return []
        try:
            address = f"{self.path.absolute().as_uri()}?mode=ro"
            with closing(sqlite3.connect(address, uri=True, timeout=BUSY_TIMEOUT_S)) as connection:
                return connection.execute(sql, parameters).fetchall()
        except sqlite3.Error:
            return []

    def _files_now(self) -> tuple[object, ...]:
        """Which files carry the names just now: one that was deleted takes what is written with it."""
        return tuple(_inode(self.path.with_name(self.path.name + suffix)) for suffix in ("", "-wal"))

    def _delete(self) -> None:
        for suffix in ("", "-wal", "-shm"):
            with suppress(OSError):
                self.path.with_name(self.path.name + suffix).unlink(missing_ok=True)


def _readings(gpu: Gpu) -> tuple[int | None, int | None, int | None, float | None]:
    return gpu.memory_used_bytes, gpu.utilization_percent, gpu.temperature_c, gpu.power_w


def _tidy(connection: sqlite3.Connection, now: float) -> None:
    """After a day one observation a minute is kept, after a week none."""
    for table in ("host_samples", "gpu_samples"):
        connection.execute(f"DELETE FROM {table} WHERE at < ?", (now - KEEP_S,))  # noqa: S608  names of ours
        connection.execute(f"DELETE FROM {table} WHERE at < ? AND NOT leads", (now - KEEP_EVERY_ONE_S,))  # noqa: S608


def _inode(path: Path) -> tuple[int, int] | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino
