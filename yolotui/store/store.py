"""The store: one open queue, with what can be read, what people do, and what the leader writes down."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from types import TracebackType

from yolotui.locations import Home
from yolotui.store.collecting import Rest, What, collect, survey
from yolotui.store.database import Actor, Database
from yolotui.store.ledger import Ledger
from yolotui.store.outbox import Outbox
from yolotui.store.queries import Queries
from yolotui.store.verbs import Verbs


class Store:
    """An open queue. One connection: use it from one thread."""

    def __init__(
        self,
        home: Home,
        *,
        runs_root: str | None = None,
        smallest_booking_s: float = 0.0,
        clock: Callable[[], float] = time.time,
        wakes_leader: bool = True,
        durable: bool = True,
    ) -> None:
        """Open the queue of `home`, or make it. Raises QueueUnusable with a sentence."""
        self.home = home
        self._database = Database(home, clock=clock, wakes_leader=wakes_leader, durable=durable)
        self.read = Queries(self._database)
        self.verbs = Verbs(
            self._database, self.read, runs_root=runs_root or str(home.runs), smallest_booking_s=smallest_booking_s
        )
        self.ledger = Ledger(self._database, self.read)
        self.outbox = Outbox(self._database)

    def data_version(self) -> int:
        """A number that changes when another connection has committed."""
        return self._database.data_version()

    def is_intact(self) -> bool:
        """Whether the open file is still the one that has the name: another may have been put in its place."""
        return self._database.is_intact()

    def refuse_damage(self) -> None:
        """Raise QueueDamaged where the file is damaged. Reads all of it."""
        self._database.refuse_damage()

    def wal_bytes(self) -> int:
        """How long the write-ahead log is."""
        return self._database.wal_bytes()

    def checkpoint(self) -> None:
        """Move the write-ahead log into the file. For the leader alone: it is the only checkpointer."""
        self._database.checkpoint()

    def survey(self, what: What, *, ended_before: float, ids: Sequence[int] | None = None) -> list[Rest]:
        """What ended jobs, all or some, have left on the disk, and why some stays. `ended_before`: UTC seconds."""
        return survey(self.read, what, ended_before=ended_before, ids=ids)

    def collect(self, job_ids: Iterable[int], what: What, actor: Actor) -> int:
        """Remove what a survey found and nobody needs meanwhile; returns the bytes that were freed."""
        return collect(self._database, self.read, job_ids, what, actor)

    def close(self) -> None:
        """Close the connection."""
        self._database.close()

    def __enter__(self) -> Store:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()
