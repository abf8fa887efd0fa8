"""A copy of the queue in one file, taken while everybody goes on writing: SQLite's online backup."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing, suppress
from datetime import UTC, datetime
from pathlib import Path

from yolotui.errors import NotPossible, WrongUse
from yolotui.locations import Home
from yolotui.runner.durable import replace_durably, temporary_beside
from yolotui.store.database import BUSY_TIMEOUT_S, as_sentences, refuse_damage

PAGES_A_STEP = 1000  # between two steps others get their turn to write


def default_target(home: Home, now: float) -> Path:
    """Where a backup goes that nobody gave a place."""
    return home.root / "backups" / f"queue-{datetime.fromtimestamp(now, UTC):%Y%m%d-%H%M%S}.db"


def back_up(home: Home, target: Path) -> int:
    """Copy the queue of `home` to `target`, whole and durable, or not at all; returns its size in bytes.

    The schema stays as it is, so that a backup can be taken before an upgrade. Raises NotPossible where there is no
    queue, WrongUse where `target` can't be made or is there already, QueueUnusable where the queue is damaged.
    """
    if not home.queue.is_file():
        raise NotPossible(f"There is no queue in {home.root}: nothing to back up.")
    if target.exists():
        raise WrongUse(f"{target} is there already: name another file.")
    temporary = Path(temporary_beside(str(target)))
    try:
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.close(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
        _copy(home.queue, temporary)
        replace_durably(str(temporary), str(target))
    except OSError as error:
        raise WrongUse(f"{target} can't be written: {error.strerror or error}.") from error
    finally:
        with suppress(OSError):
            temporary.unlink()
    return target.stat().st_size


def _copy(source: Path, temporary: Path) -> None:
    with as_sentences(source), closing(connect(source)) as queue, closing(sqlite3.connect(temporary)) as copy:
        try:
            queue.backup(copy, pages=PAGES_A_STEP)
        except sqlite3.OperationalError as error:
            if (
                error.sqlite_errorcode == sqlite3.SQLITE_FULL
            ):  # nothing else is written here: it is not the queue's disk
                raise WrongUse(f"{temporary.parent} has no room for a copy of the queue.") from error
            raise
        refuse_damage(copy, source)
        copy.execute("PRAGMA journal_mode=DELETE")  # one file, with nothing beside it


def connect(path: Path) -> sqlite3.Connection:
    """The queue as it is: neither made where it is missing nor brought up to date."""
    connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=rw", uri=True, timeout=BUSY_TIMEOUT_S)
    connection.execute("PRAGMA wal_autocheckpoint=0")
    return connection
