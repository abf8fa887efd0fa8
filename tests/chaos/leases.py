"""In whose hands each card was, as the audit log has it: alone, shared within its memory, or booked for one job."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from tests.chaos.house import MOST_TENANTS
from tests.probe.fake_nvml import Card

MEMORY_BYTES = Card("").total_bytes
OVER = {"end-booking", "unreserve"}


class Leases:
    """Cards and their holders. `promised` is what an attempt (job, number) may take of a card; None: all of it."""

    def __init__(self, promised: Mapping[tuple[int, int], int | None]) -> None:
        self._promised = promised
        self._holders: defaultdict[str, dict[int, int | None]] = defaultdict(dict)
        self._open: dict[int, tuple[int, set[str]]] = {}  # the job and the cards of a booking that is for one job

    def take(self, job: int, attempt: int, cards: Sequence[str]) -> list[str]:
        """A job gets its cards; what is wrong with that."""
        mine = self._promised.get((job, attempt))
        return [why for card in cards for why in self._give(card, job, mine)]

    def _give(self, card: str, job: int, mine: int | None) -> list[str]:
        others = dict(self._holders[card])
        self._holders[card][job] = mine
        wrong = [
            f"{card} given to job {job}, and job {other} has it" for other, its in others.items() if not (mine and its)
        ]
        if not wrong and others:
            together = sum(its or 0 for its in (mine, *others.values()))
            if together > MEMORY_BYTES or len(others) >= MOST_TENANTS:
                wrong.append(f"{card} given to job {job} beside {sorted(others)}: {together} bytes promised")
        wrong += [
            f"{card} given to job {job}, and booking {booking} has it for job {holder}"
            for booking, (holder, cards) in self._open.items()
            if card in cards and holder != job
        ]
        return wrong

    def give_back(self, job: int) -> None:
        """All that it holds."""
        for holders in self._holders.values():
            holders.pop(job, None)

    def follow_booking(self, verb: str, job: int | None, detail: Mapping[str, Any]) -> None:
        """A booking opens, is over, or something else that gives nobody a card."""
        if verb == "open-booking" and job is not None:
            self._open[detail["booking"]] = (job, set(detail["gpus"]))
        elif verb in OVER:
            self._open.pop(detail["booking"], None)

    def left(self) -> list[str]:
        """Who holds a card although nothing more comes."""
        return [
            f"{card} is still leased to job {job} in the log" for card, jobs in self._holders.items() for job in jobs
        ]
