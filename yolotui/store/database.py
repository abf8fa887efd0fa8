"""The SQLite file itself: opening, refusing, migrating, and the one way to write."""

from __future__ import annotations

import json
import os
import socket
import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from yolotui.errors import QueueDamaged, QueueOutOfReach, QueueUnusable
from yolotui.locations import Home
from yolotui.users import login_name

BUSY_TIMEOUT_S = 10.0
CHECKPOINT_PATIENCE_S = 0.1  # nobody can write meanwhile
UNFINISHED = "state NOT IN ('succeeded', 'failed', 'cancelled', 'skipped')"
"""Of a row of `jobs`, in SQL: it has not ended."""


@dataclass(frozen=True)
class Actor:
    """Who acts, and why: what the audit log keeps. `uid` is the real one, whatever the name says."""

    name: str
    uid: int
    reason: str = ""

    @classmethod
    def current(cls, reason: str = "") -> Actor:
        """The person at the keyboard: `YOLOTUI_USER`, else the login name."""
        uid = os.getuid()
        name = os.environ.get("YOLOTUI_USER", "").encode(errors="replace").decode()
        return cls(name or login_name(uid), uid, reason)

    @classmethod
    def scheduler(cls, reason: str = "") -> Actor:
        """The leader, acting by itself."""
        return cls("scheduler", os.getuid(), reason)


@dataclass
class Transaction:
    """One write: all of it or nothing. `revision` is the queue's own after it, `now` its moment in UTC seconds."""

    connection: sqlite3.Connection
    actor: Actor
    now: float
    revision: int
    _audit: list[tuple[float, str, int, str, int | None, str, str]] = field(default_factory=list)

    def execute(self, sql: str, parameters: Sequence[Any] | dict[str, Any] = ()) -> sqlite3.Cursor:
        """Run one statement."""
        return self.connection.execute(sql, parameters)

    def audit(self, verb: str, job: int | None = None, /, **detail: Any) -> None:
        """Write down what is being done; it is committed with it."""
        text = json.dumps(detail, ensure_ascii=False, default=str)
        self._audit.append((self.now, self.actor.name, self.actor.uid, verb, job, text, self.actor.reason))

    def flush_audit(self) -> None:
        """Put the rows into the log, as the last thing before the commit."""
        self.connection.executemany(
            "INSERT INTO audit (at, actor, uid, verb, job, detail, reason) VALUES (?, ?, ?, ?, ?, ?, ?)", self._audit
        )


class Database:
    """The connection, opened and checked. Every write goes through `write`."""

    def __init__(
        self, home: Home, *, clock: Callable[[], float] = time.time, wakes_leader: bool = True, durable: bool = True
    ) -> None:
        """Without `durable` a power cut may take the newest commits: for what is made up anyway."""
        self.path = home.queue
        self._wakes_leader = wakes_leader
        self._clock = clock
        with as_sentences(self.path):
            home.create()
            _refuse_another_users(home)
            _make_private(self.path)
            self.connection = sqlite3.connect(self.path, timeout=BUSY_TIMEOUT_S, isolation_level=None)
            self.connection.row_factory = sqlite3.Row
            opened = self.path.stat()
            self._inode = (opened.st_dev, opened.st_ino)
            for pragma in (
                "journal_mode=WAL",
                f"synchronous={'FULL' if durable else 'OFF'}",
                "foreign_keys=ON",
                "wal_autocheckpoint=0",
            ):
                self.connection.execute(f"PRAGMA {pragma}")
            try:
                self._migrate()
                self._refuse_another_machine()
            except BaseException:
                self.connection.close()
                raise

    def _migrate(self) -> None:
        migrations = _migrations()
        newest = migrations[-1][0]
        version = self.connection.execute("PRAGMA user_version").fetchone()[0]
        if version > newest:
            raise QueueUnusable(
                f"{self.path} was written by a newer yolotui (schema {version}, this one knows {newest}). "
                "Use that version, or set YOLOTUI_HOME to another directory."
            )
        for number, sql in migrations:
            if number <= version:
                continue
            # The version is read again under the lock: another process may have migrated meanwhile.
            self.connection.execute("BEGIN IMMEDIATE")
            try:
                if self.connection.execute("PRAGMA user_version").fetchone()[0] < number:
                    for statement in _statements(sql):
                        self.connection.execute(statement)
                    if number == 1:
                        self.connection.execute(
                            "INSERT INTO queue (one, machine, created_at) VALUES (1, ?, ?)",
                            (machine_identity(), self._clock()),
                        )
                    self.connection.execute(f"PRAGMA user_version = {number}")
                self.connection.execute("COMMIT")
            except BaseException:
                self.connection.execute("ROLLBACK")
                raise

    def _refuse_another_machine(self) -> None:
        machine = self.connection.execute("SELECT machine FROM queue").fetchone()["machine"]
        if machine != machine_identity():
            raise QueueUnusable(
                f"{self.path} belongs to another machine ({machine}); this one is {machine_identity()}. Two machines "
                "on one file would tear it. If it was moved here: `yolotui doctor --claim-home`."
            )

    @contextmanager
    def write(self, actor: Actor) -> Iterator[Transaction]:
        """One transaction: committed and durable when the block ends, undone when it raises."""
        with as_sentences(self.path):
            self.connection.execute("BEGIN IMMEDIATE")
            try:
                bump = "UPDATE queue SET revision = revision + 1 RETURNING revision"
                revision = self.connection.execute(bump).fetchone()["revision"]
                transaction = Transaction(self.connection, actor, self._clock(), revision)
                yield transaction
                transaction.flush_audit()
                self.connection.execute("COMMIT")
            except BaseException:
                if self.connection.in_transaction:
                    self.connection.execute("ROLLBACK")
                raise
        if self._wakes_leader:
            # A leader watches the file for being touched; it looks every second anyway.
            with suppress(OSError):
                os.utime(self.path)

    @contextmanager
    def snapshot(self) -> Iterator[sqlite3.Connection]:
        """Several reads of one and the same moment."""
        with as_sentences(self.path):
            nested = self.connection.in_transaction
            if not nested:
                self.connection.execute("BEGIN")
            try:
                yield self.connection
            finally:
                if not nested:
                    self.connection.execute("COMMIT")

    def data_version(self) -> int:
        """A number that changes when another connection has committed."""
        with as_sentences(self.path):
            version: int = self.connection.execute("PRAGMA data_version").fetchone()[0]
            return version

    def is_intact(self) -> bool:
        """Whether the open file is still the one that has the name."""
        try:
            now = self.path.stat()
        except OSError:
            return False
        return (now.st_dev, now.st_ino) == self._inode

    def refuse_damage(self) -> None:
        """Raise QueueDamaged where the file is damaged. Reads all of it."""
        with as_sentences(self.path):
            refuse_damage(self.connection, self.path)

    def wal_bytes(self) -> int:
        """How long the write-ahead log is."""
        try:
            return self.path.with_name(f"{self.path.name}-wal").stat().st_size
        except OSError:
            return 0

    def checkpoint(self) -> None:
        """Move the write-ahead log into the file and empty it.

        What a reader still needs stays, after a short wait for it: then the log grows on, and the next time does it.
        """
        # Not PASSIVE: it never ends while somebody writes, so that a busy queue's log would grow without end; and
        # before SQLite 3.51.3 it can miss that a writer begins the log anew, which this keeps out by its lock.
        with as_sentences(self.path), self._patience(CHECKPOINT_PATIENCE_S):
            self.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    @contextmanager
    def _patience(self, patience_s: float) -> Iterator[None]:
        """Within the block locks of others are waited for so long."""
        self.connection.execute(f"PRAGMA busy_timeout={round(1000 * patience_s)}")
        try:
            yield
        finally:
            self.connection.execute(f"PRAGMA busy_timeout={round(1000 * BUSY_TIMEOUT_S)}")

    def close(self) -> None:
        """Close the connection."""
        self.connection.close()


def _refuse_another_users(home: Home) -> None:
    """Whoever owns a home can have anything run by whoever leads it."""
    owner = home.root.stat().st_uid
    if owner != os.getuid() and os.getuid() != 0:
        raise QueueUnusable(
            f"{home.root} belongs to uid {owner}, and you are uid {os.getuid()}: a queue is its owner's alone. "
            "Set YOLOTUI_HOME to a directory of yours."
        )


def claim_for_this_machine(home: Home) -> str:
    """Make this machine the queue's own after a move; returns the name of the one before."""
    with as_sentences(home.queue):
        connection = sqlite3.connect(f"{home.queue.as_uri()}?mode=rw", uri=True, timeout=BUSY_TIMEOUT_S)
        try:
            with connection:
                before: str = connection.execute("SELECT machine FROM queue").fetchone()[0]
                connection.execute("UPDATE queue SET machine = ?", (machine_identity(),))
            return before
        finally:
            connection.close()


def machine_identity() -> str:
    """What names this machine: its machine id where it has one, with the host name for people."""
    for path in (Path("/etc/machine-id"), Path("/var/lib/dbus/machine-id")):
        with suppress(OSError):
            if text := path.read_text(encoding="ascii").strip():
                return f"{socket.gethostname()}/{text[:12]}"
    return socket.gethostname()


def _make_private(path: Path) -> None:
    """Create the file with mode 0600 before SQLite does it with the umask's; its -wal and -shm copy the mode."""
    # Only where there is none: closing a descriptor of the file would drop every lock that SQLite holds on it in this
    # process, for another connection too (POSIX locks belong to the process, not to the descriptor).
    with suppress(FileExistsError):
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))


def _migrations() -> list[tuple[int, str]]:
    """The .sql files in order, each with its number: the `user_version` that it leads to."""
    folder = Path(__file__).parent / "schema"
    return sorted((int(file.name.split("_", 1)[0]), file.read_text(encoding="utf-8")) for file in folder.glob("*.sql"))


def _statements(sql: str) -> Iterator[str]:
    """The statements of a script, one by one: `executescript` would commit the transaction around it."""
    statement = ""
    for line in sql.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""


def refuse_damage(connection: sqlite3.Connection, path: Path) -> None:
    """Raise QueueDamaged where SQLite's own check finds the file damaged. Reads all of it."""
    found: str = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
    if found != "ok":
        raise damaged(path, " ".join(found.split()))


def damaged(path: Path, how: str) -> QueueDamaged:
    """The error for a file that is not what it should be, with the way out."""
    return QueueDamaged(
        f"{path} is damaged or no queue: {how}. Nothing was changed. `yolotui doctor --repair` rebuilds what it can."
    )


@contextmanager
def as_sentences(path: Path) -> Iterator[None]:
    """Turn what SQLite and the file system say into what a person can act on."""
    try:
        yield
    except sqlite3.OperationalError as error:
        if "locked" in str(error) or "busy" in str(error):
            raise QueueOutOfReach(
                f"{path} was busy for {BUSY_TIMEOUT_S:g} s: another process holds a lock on it. Nothing was changed."
            ) from error
        if "no such table" in str(error) or "no such column" in str(error):
            raise damaged(path, str(error)) from error
        raise QueueOutOfReach(
            f"{path} can't be used: {error}. Is the disk full, or the directory read-only? `yolotui doctor` looks."
        ) from error
    except sqlite3.IntegrityError:
        raise
    except (sqlite3.DatabaseError, msgspec.DecodeError) as error:
        raise damaged(path, str(error)) from error
    except OSError as error:
        raise QueueUnusable(f"{path} can't be used: {error.strerror or error}.") from error
