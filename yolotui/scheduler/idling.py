"""Keeps on record why cards are idle, so that a report tells causes and guesses none."""

from __future__ import annotations

from typing import NamedTuple

from yolotui.core.idling import Idleness, Recorded, idle_cards
from yolotui.scheduler.deciding import Decision
from yolotui.store import Store

WORTH_A_ROW_S = 10.0  # what lasts shorter is the time between two jobs


class _Seen(NamedTuple):
    """What was seen of a card, since when, and whether that is on record."""

    idleness: Idleness | None
    since: float
    is_recorded: bool = False

    def is_like(self, idleness: Idleness | None) -> bool:
        """Whether it has the same cause; sentences tell of time, and change with it."""
        if self.idleness is None or idleness is None:
            return self.idleness is idleness
        return (self.idleness.cause, self.idleness.job) == (idleness.cause, idleness.job)


class IdleWatch:
    """Follows the decisions of one leader."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._seen: dict[str, _Seen] = {}

    def look_at(self, decision: Decision) -> None:
        """Take note of a decision; write down what has lasted."""
        idle, now = idle_cards(decision.world, decision.timetable), decision.at
        records: list[Recorded] = []
        for gpu in (gpu.uuid for gpu in decision.world.gpus):
            before, idleness = self._seen.get(gpu), idle.get(gpu)
            is_worth_a_row = before and not before.is_recorded and now - before.since >= WORTH_A_ROW_S
            if before and before.is_like(idleness):
                self._seen[gpu] = _Seen(idleness, before.since, before.is_recorded or bool(is_worth_a_row))
            else:
                self._seen[gpu] = _Seen(idleness, now)
            if before and is_worth_a_row:
                records.append(Recorded(gpu, before.since, before.idleness))
        if records:
            self._store.ledger.record_idleness(records)
