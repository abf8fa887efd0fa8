"""The outbox: what is to be told to whom, from the moment it is derived from the audit log until it has arrived."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Collection, Iterable, Sequence
from enum import StrEnum

from msgspec import Struct

from yolotui.store.database import Actor, Database

_FIELDS = "audit, address, event, severity, title, body, made_at, due_at, state, tries, doubtful, sent_at, trouble"


class MessageState(StrEnum):
    """Where a message is. One that is being sent when its sender dies may or may not have arrived."""

    WAITING = "waiting"
    SENDING = "sending"
    SENT = "sent"
    GIVEN_UP = "given_up"


class Message(Struct, frozen=True, kw_only=True):
    """One row of the audit log, told to one address. It is not sent before `due_at` (UTC seconds)."""

    audit: int
    address: str
    event: str
    severity: str
    title: str
    body: str
    made_at: float
    due_at: float
    state: MessageState = MessageState.WAITING
    tries: int = 0
    doubtful: bool = False
    sent_at: float | None = None
    trouble: str = ""


class Outbox:
    """Reads and writes the outbox. Each write is durable when it returns."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._actor = Actor("notifier", os.getuid())

    def know(self, addresses: Collection[str]) -> None:
        """These are the addresses now. A new one is told what happens from here on; one that is gone, nothing more."""
        known = self.cursors().keys()
        if known == set(addresses):
            return
        with self._database.write(self._actor) as write:
            write.connection.executemany(
                "INSERT OR IGNORE INTO channels SELECT ?, coalesce(max(id), 0) FROM audit",
                [(address,) for address in addresses],
            )
            for address in known - set(addresses):
                write.execute("DELETE FROM channels WHERE address = ?", (address,))
                write.execute(
                    "UPDATE outbox SET state = 'given_up', trouble = 'its address was taken out of the configuration' "
                    "WHERE address = ? AND state = 'waiting'",
                    (address,),
                )

    def cursors(self) -> dict[str, int]:
        """The last row of the audit log that was looked at, by address."""
        with self._database.snapshot() as connection:
            return {row["address"]: row["told_to"] for row in connection.execute("SELECT * FROM channels")}

    def is_due(self, verbs: Collection[str], now: float) -> bool:
        """Whether there is something to send, or something of these verbs happened that was not looked at yet."""
        with self._database.snapshot() as connection:
            found = connection.execute(
                """
                SELECT EXISTS (SELECT 1 FROM outbox WHERE state IN ('waiting', 'sending') AND due_at <= :now)
                    OR EXISTS (SELECT 1 FROM audit WHERE id > (SELECT min(told_to) FROM channels)
                               AND verb IN (SELECT value FROM json_each(:verbs)))
                """,
                {"now": now, "verbs": json.dumps(sorted(verbs))},
            ).fetchone()[0]
        return bool(found)

    def put(self, address: str, told_to: int, messages: Iterable[Message]) -> None:
        """Take what is to be told to an address, up to a row of the audit log: all of it or nothing."""
        with self._database.write(self._actor) as write:
            for message in messages:
                values = (*(getattr(message, name) for name in Message.__struct_fields__),)
                write.execute(
                    f"INSERT OR IGNORE INTO outbox ({_FIELDS}) VALUES ({', '.join('?' * len(values))})",  # noqa: S608
                    values,
                )
            write.execute("UPDATE channels SET told_to = max(told_to, ?) WHERE address = ?", (told_to, address))

    def take_over(self) -> None:
        """Another sender died: what it was sending is sent again, and marked, because it may have arrived."""
        with self._database.write(self._actor) as write:
            write.execute("UPDATE outbox SET state = 'waiting', doubtful = 1 WHERE state = 'sending'")

    def due(self, address: str, now: float) -> list[Message]:
        """What may be sent to an address, the oldest first."""
        return self._messages("address = ? AND state = 'waiting' AND due_at <= ? ORDER BY audit", (address, now))

    def next_due_at(self) -> float | None:
        """When the next message may be sent; None when none waits."""
        with self._database.snapshot() as connection:
            row = connection.execute("SELECT min(due_at) AS at FROM outbox WHERE state = 'waiting'").fetchone()
        at: float | None = row["at"]
        return at

    def count_waiting(self) -> int:
        """How many messages have not arrived yet."""
        with self._database.snapshot() as connection:
            query = "SELECT count(*) FROM outbox WHERE state IN ('waiting', 'sending')"
            return int(connection.execute(query).fetchone()[0])

    def newest(self, limit: int) -> list[Message]:
        """The newest messages, the oldest of them first."""
        return self._messages("TRUE ORDER BY audit DESC, address LIMIT ?", (limit,))[::-1]

    def sent_between(self, address: str, since: float, until: float) -> list[float]:
        """When something was sent to an address: what went together counts once. UTC seconds, in order."""
        with self._database.snapshot() as connection:
            rows = connection.execute(
                "SELECT DISTINCT sent_at FROM outbox "
                "WHERE address = ? AND state = 'sent' AND sent_at > ? AND sent_at <= ? ORDER BY 1",
                (address, since, until),
            ).fetchall()
        return [row["sent_at"] for row in rows]

    def begin(self, messages: Sequence[Message]) -> None:
        """These go out now, together."""
        self._update(messages, "state = 'sending', tries = tries + 1", ())

    def arrived(self, messages: Sequence[Message], at: float) -> None:
        """The other side has taken them."""
        self._update(messages, "state = 'sent', sent_at = ?, trouble = ''", (at,))

    def postpone(self, messages: Sequence[Message], until: float, trouble: str, *, doubtful: bool = False) -> None:
        """They wait until then: the other side did not take them (`doubtful`: as far as is known), or has enough."""
        self._update(
            messages,
            "state = 'waiting', due_at = ?, trouble = ?, doubtful = max(doubtful, ?)",
            (until, trouble, doubtful),
        )

    def give_up(self, messages: Sequence[Message], trouble: str, shown_address: str) -> None:
        """They could not be told. That is audited: it is not lost in silence."""
        self._update(messages, "state = 'given_up', trouble = ?", (trouble,))
        with self._database.write(self._actor) as write:
            told = [message.audit for message in messages]
            write.audit("give-up-telling", None, of=told, address=shown_address, why=trouble)

    def _update(self, messages: Sequence[Message], change: str, values: tuple[object, ...]) -> None:
        with self._database.write(self._actor) as write:
            write.connection.executemany(
                f"UPDATE outbox SET {change} WHERE audit = ? AND address = ?",  # noqa: S608 — constants of this class
                [(*values, message.audit, message.address) for message in messages],
            )

    def _messages(self, where: str, parameters: tuple[object, ...]) -> list[Message]:
        with self._database.snapshot() as connection:
            rows = connection.execute(f"SELECT {_FIELDS} FROM outbox WHERE {where}", parameters).fetchall()  # noqa: S608
        return [_message(row) for row in rows]


def _message(row: sqlite3.Row) -> Message:
    return Message(**{**dict(row), "state": MessageState(row["state"]), "doubtful": bool(row["doubtful"])})
