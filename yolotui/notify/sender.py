"""The sender: derives from the audit log what is to be told, hands it to the network, and leaves when all is told."""

from __future__ import annotations

import logging
import socket
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

from yolotui.core.health import Severity
from yolotui.notify.channels import Channel, shown
from yolotui.notify.telling import VERBS, tell
from yolotui.store import AuditRow, Message, Store

ROWS_AT_ONCE = 500
FIRST_RETRY_S = 5.0
LONGEST_RETRY_S = 900.0
GIVE_UP_AFTER_S = 3 * 86400.0
HOUR_S = 3600.0
AT_ONCE = 5  # more than so many that wait for one address go out as one message

Deliver = Callable[[str, str, str, Severity], str]
log = logging.getLogger("yolotui.notify")


class Sender:
    """Empties the outbox of one queue. Whoever holds the lock of the home is the only one."""

    def __init__(
        self,
        store: Store,
        deliver: Deliver,
        *,
        first_retry_s: float = FIRST_RETRY_S,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`deliver` takes address, title, body and severity; it returns why it did not work, or nothing."""
        self._store = store
        self._outbox = store.outbox
        self._channels: dict[str, list[Channel]] = {}
        self._deliver = deliver
        self._first_retry_s = first_retry_s
        self._clock = clock

        self._outbox.take_over()

    def tell_to(self, channels: Sequence[Channel]) -> None:
        """These are to be told from now on."""
        self._channels = {}
        for channel in channels:
            self._channels.setdefault(channel.address, []).append(channel)
        self._outbox.know(self._channels)

    def step(self) -> float | None:
        """Derive and send what is due; returns when the next message is (UTC seconds), None when none waits."""
        for address, told_to in self._outbox.cursors().items():
            self._derive(address, told_to)
        batches = [batch for address in self._channels if (batch := self._next_batch(address))]
        for batch in batches:
            self._outbox.begin(batch)
        if batches:
            with ThreadPoolExecutor(min(8, len(batches))) as pool:
                for batch, trouble in zip(batches, pool.map(self._send, batches), strict=True):
                    self._note(batch, trouble)
        return self._outbox.next_due_at()

    def _derive(self, address: str, told_to: int) -> None:
        while rows := self._store.read.audit_after(told_to, ROWS_AT_ONCE):
            told_to = rows[-1].id
            self._outbox.put(address, told_to, self._messages(address, rows))

    def _messages(self, address: str, rows: Sequence[AuditRow]) -> list[Message]:
        messages = []
        for row in rows:
            told = tell(row, self._store.read) if row.verb in VERBS else None
            channel = told and next((each for each in self._channels.get(address, ()) if each.wants(told)), None)
            if told and channel:
                messages.append(
                    Message(
                        audit=row.id,
                        address=address,
                        event=told.event.value,
                        severity=told.severity.value,
                        title=told.title,
                        body=told.body,
                        made_at=row.at,
                        due_at=channel.due_at(told, row.at),
                    )
                )
        return messages

    def _next_batch(self, address: str) -> list[Message]:
        """What goes to an address next: one message, or all that were held back together; nothing beyond its limit."""
        now = self._clock()
        due = self._outbox.due(address, now)
        if not due:
            return []
        limit = min(channel.per_hour for channel in self._channels[address])
        sent = self._outbox.sent_since(address, now - HOUR_S)
        if len(sent) >= limit:
            self._outbox.postpone(due, sent[-limit] + HOUR_S, f"no more than {limit} an hour")
            return []
        held_back = any(not message.tries and message.due_at > message.made_at for message in due)
        return due if held_back or len(due) > AT_ONCE or len(sent) + len(due) > limit else due[:1]

    def _send(self, batch: Sequence[Message]) -> str:
        title, body = _worded(batch)
        severity = max((Severity(message.severity) for message in batch), key=list(Severity).index)
        return self._deliver(batch[0].address, title, body, severity)

    def _note(self, batch: Sequence[Message], trouble: str) -> None:
        now, address = self._clock(), shown(batch[0].address)
        if not trouble:
            self._outbox.arrived(batch, now)
            return
        log.warning("%s did not take %d: %s", address, len(batch), trouble)
        tries = 1 + max(message.tries for message in batch)
        lost = [message for message in batch if now - message.made_at > GIVE_UP_AFTER_S]
        if lost:
            self._outbox.give_up(lost, trouble, address)
        kept = [message for message in batch if message not in lost]
        if kept:
            wait_s = min(LONGEST_RETRY_S, self._first_retry_s * 2 ** min(tries - 1, 20))
            self._outbox.postpone(kept, now + wait_s, trouble)


def _worded(batch: Sequence[Message]) -> tuple[str, str]:
    """Title and body; with the number of the event in the audit log, by which a repeated message is known."""
    host = socket.gethostname()
    if len(batch) == 1:
        return batch[0].title, f"{batch[0].body}\n{host}, event {_number(batch[0])}"
    told = [f"{message.title}\n{message.body}\nevent {_number(message)}" for message in batch]
    return f"{len(batch)} events on {host}", "\n\n".join(told)


def _number(message: Message) -> str:
    return f"{message.audit}{' (perhaps told before)' if message.doubtful else ''}"
