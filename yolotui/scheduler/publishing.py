"""Telling everybody what was decided: when it has changed, and every two seconds all the same."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping

from msgspec.structs import replace

from yolotui.core.gpus import Host
from yolotui.core.preflight import Checking
from yolotui.core.timetable import Published, Timetable
from yolotui.scheduler.deciding import Decision
from yolotui.store import Store

PUBLISH_EVERY_S = 2.0
LEAST_PAUSE = 10.0  # times as long as it took: a long queue is a long row to write


class Publisher:
    """Publishes decisions, news sooner than none, and never so often that it does nothing else."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._shape: object = None
        self._has_news = False
        self._published_at = 0.0
        self._took_s = 0.0

    @property
    def due_at(self) -> float:
        """When to publish again."""
        pause_s = LEAST_PAUSE * self._took_s
        return self._published_at + (pause_s if self._has_news else max(PUBLISH_EVERY_S, pause_s))

    def publish(self, decision: Decision, host: Host, checking: Mapping[int, Checking], now: float) -> bool:
        """Publish if it is time; whether it was. `checking` says by job how far the checks are that go on."""
        shape = [(entry.job_id, entry.starts_now, entry.gpus) for entry in decision.timetable.entries]
        self._has_news = shape != self._shape
        if self._published_at <= now < self.due_at:
            return False
        self._shape, self._has_news = shape, False
        began_at = time.monotonic()
        self._store.ledger.publish(
            Published(
                revision=0,
                at=now,
                leader_pid=os.getpid(),
                host=host,
                world=replace(decision.world, previous=None),  # it would be what was published before
                timetable=_with_checks(decision.timetable, checking),
            )
        )
        self._took_s = time.monotonic() - began_at
        self._published_at = now
        return True


def _with_checks(timetable: Timetable, checking: Mapping[int, Checking]) -> Timetable:
    if not checking:
        return timetable
    entries = (
        replace(entry, checking=checking[entry.job_id]) if entry.job_id in checking else entry
        for entry in timetable.entries
    )
    return replace(timetable, entries=tuple(entries))
