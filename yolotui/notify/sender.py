"""The sender: derives from the audit log what is to be told, hands it to the network, and leaves when all is told."""

from __future__ import annotations

import logging
import socket
import time
from bisect import bisect_right
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

from msgspec.structs import replace

from yolotui.core.health import Severity
from yolotui.notify.channels import Channel, quiet_until, shown
from yolotui.notify.delivering import ROOM_BYTES, Refusal
from yolotui.notify.notification import Notification, lines
from yolotui.notify.telling import VERBS, tell
from yolotui.store import AuditRow, Message, Store

ROWS_AT_ONCE = 500
FIRST_RETRY_S = 5.0
LONGEST_RETRY_S = 900.0
GIVE_UP_AFTER_TRIES = 300  # three days of trying; of trying, so that a clock or a machine that was off costs nothing
HOUR_S = 3600.0
AT_ONCE = 5  # more than so many that wait for one address go out as one message

Deliver = Callable[[str, str, str, Severity], Refusal | None]
log = logging.getLogger("yolotui.notify")


class Sender:
    """Empties the outbox of one queue. Whoever holds the lock of the home is the only one."""

    def __init__(
        self,
        store: Store,
        deliver: Deliver,
        *,
        room: Callable[[str], int] = lambda _: ROOM_BYTES,
        write_page: Callable[[int], str] = lambda _: "",
        first_retry_s: float = FIRST_RETRY_S,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`deliver` takes address, title, body and severity; it returns why it did not work, or nothing.

        `room` says how many bytes a message to an address may have, its title included. `write_page` writes the page of
        a job and returns its path, or nothing where there can be none.
        """
        self._store = store
        self._outbox = store.outbox
        self._channels: dict[str, list[Channel]] = {}
        self._deliver = deliver
        self._room = room
        self._write_page = write_page
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
                for batch, refusal in zip(batches, pool.map(self._send, batches), strict=True):
                    self._note(batch, refusal)
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
                told = self._with_page(told)
                at = min(row.at, self._clock())  # a clock that was ahead holds nothing back
                messages.append(
                    Message(
                        audit=row.id,
                        address=address,
                        event=told.event.value,
                        severity=told.severity.value,
                        title=told.title,
                        body=told.in_full if channel.details else told.body,
                        made_at=at,
                        due_at=channel.due_at(told, at),
                    )
                )
        return messages

    def _with_page(self, told: Notification) -> Notification:
        page = "" if told.page_of is None else self._write_page(told.page_of)
        return replace(told, body=lines(told.body, f"Report: {page}" if page else ""))

    def _next_batch(self, address: str) -> list[Message]:
        """What goes to an address next: one message, or all that were held back together, as far as there is room.

        In quiet hours, which may have begun since a message was due, and beyond its limit an hour only errors go.
        """
        now = self._clock()
        due = self._outbox.due(address, now)
        if quiet_ends := self._quiet_until(address, now):
            due = self._errors_of(due, quiet_ends, "quiet hours")
        limit = min(channel.per_hour for channel in self._channels[address])
        sent = self._outbox.sent_between(address, now - HOUR_S, now)
        if len(sent) >= limit:
            due = self._errors_of(due, sent[-limit] + HOUR_S, f"no more than {limit} an hour")
        held_back = any(not message.tries and message.due_at > message.made_at for message in due)
        together = held_back or len(due) > AT_ONCE or len(sent) + len(due) > limit
        return self._fitting(due) if together else due[:1]

    def _quiet_until(self, address: str, now: float) -> float | None:
        """When the first of an address' channels may disturb it again (UTC seconds); None if one may now."""
        ends = [quiet_until(channel.quiet, now) for channel in self._channels[address]]
        return min((end for end in ends if end), default=None) if all(ends) else None

    def _errors_of(self, due: Sequence[Message], until: float, why: str) -> list[Message]:
        """The errors among these; the others wait until then."""
        waits = [message for message in due if message.severity != Severity.ERROR]
        if waits:
            self._outbox.postpone(waits, until, why)
        return [message for message in due if message.severity == Severity.ERROR]

    def _fitting(self, due: Sequence[Message]) -> list[Message]:
        """The first of these that have room in one message; the others make one more."""
        if len(due) < 2:
            return list(due)
        room = self._room(due[0].address)
        count = bisect_right(range(1, len(due) + 1), room, key=lambda first: _size(due[:first]))
        return list(due[: max(1, count)])

    def _send(self, batch: Sequence[Message]) -> Refusal | None:
        title, body = _worded(batch)
        severity = max((Severity(message.severity) for message in batch), key=list(Severity).index)
        return self._deliver(batch[0].address, title, body, severity)

    def _note(self, batch: Sequence[Message], refusal: Refusal | None) -> None:
        now, address = self._clock(), shown(batch[0].address)
        if refusal is None:
            self._outbox.arrived(batch, now)
            return
        log.warning("%s did not take %d: %s", address, len(batch), refusal.why)
        lost = [message for message in batch if message.tries + 1 >= GIVE_UP_AFTER_TRIES]
        if lost:
            self._outbox.give_up(lost, refusal.why, address)
        kept = [message for message in batch if message not in lost]
        if kept:
            tries = max(message.tries for message in kept)
            wait_s = min(LONGEST_RETRY_S, self._first_retry_s * 2 ** min(tries, 20))
            self._outbox.postpone(kept, now + wait_s, refusal.why, doubtful=refusal.doubtful)


def _worded(batch: Sequence[Message]) -> tuple[str, str]:
    """Title and body; with the number of the event in the audit log, by which a repeated message is known."""
    host = socket.gethostname()
    if len(batch) == 1:
        return batch[0].title, f"{batch[0].body}\n{host}, event {_number(batch[0])}"
    told = [f"{message.title}\n{message.body}\nevent {_number(message)}" for message in batch]
    return f"{len(batch)} events on {host}", "\n\n".join(told)


def _size(batch: Sequence[Message]) -> int:
    """Bytes, with the line break that is put between title and body."""
    return len("\r\n".join(_worded(batch)).encode())


def _number(message: Message) -> str:
    return f"{message.audit}{' (perhaps told before)' if message.doubtful else ''}"
