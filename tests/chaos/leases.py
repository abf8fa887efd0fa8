"""In whose hands each card was, as the audit log has it: alone, shared, booked for one job, within a group's quota."""

from __future__ import annotations

import tomllib
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import inf
from pathlib import Path
from typing import Any

from tests.probe.fake_nvml import Card

MEMORY_BYTES = Card("").total_bytes
OVER = {"end-booking", "unreserve"}


@dataclass(frozen=True)
class Rules:
    """Under which cards were given away: how many jobs may share one, and how many a group may have at once."""

    tenants: int = 2
    group_gpus: Mapping[str, int] = field(default_factory=dict)

    @staticmethod
    def of(config: Path) -> Rules:
        """Those of a configuration file, read without the program under test."""
        said = tomllib.loads(config.read_text())
        quotas = said.get("quotas", {}).get("groups", {})
        return Rules(
            tenants=said.get("scheduling", {}).get("tenants", Rules.tenants),
            group_gpus={group: quota["gpus"] for group, quota in quotas.items() if "gpus" in quota},
        )


class Leases:
    """Cards and their holders.

    `promised` is what an attempt (job, number) may take of a card in bytes, None: all of it. `groups`: by job. `begins`
    is when the window of each booking begins (UTC seconds). `met` counts how often it came to what the rules are for.
    """

    def __init__(
        self,
        promised: Mapping[tuple[int, int], int | None],
        groups: Mapping[int, str] | None = None,
        rules: Rules = Rules(),
        begins: Mapping[int, float] | None = None,
    ) -> None:
        self._promised = promised
        self._groups = groups or {}
        self._rules = rules
        self._begins = begins or {}
        self._holders: defaultdict[str, dict[int, int | None]] = defaultdict(dict)
        self._open: dict[int, tuple[int, set[str]]] = {}  # the job and the cards of a booking that is for one job
        self.met: Counter[str] = Counter()

    def take(self, job: int, attempt: int, cards: Sequence[str], at: float = inf) -> list[str]:
        """A job gets its cards at a moment (UTC seconds); what is wrong with that."""
        mine = self._promised.get((job, attempt))
        wrong = [why for card in cards for why in self._give(card, job, mine) + self._not_booked_for(job, card, at)]
        return wrong + self._beyond_quota(job)

    def _give(self, card: str, job: int, mine: int | None) -> list[str]:
        others = dict(self._holders[card])
        self._holders[card][job] = mine
        wrong = [
            f"{card} given to job {job}, and job {other} has it" for other, its in others.items() if not (mine and its)
        ]
        if not wrong and others:
            self.met["shared cards"] += 1
            together = sum(its or 0 for its in (mine, *others.values()))
            if together > MEMORY_BYTES or len(others) >= self._rules.tenants:
                wrong.append(f"{card} given to job {job} beside {sorted(others)}: {together} bytes promised")
        return wrong

    def _not_booked_for(self, job: int, card: str, at: float) -> list[str]:
        """A clock that was set back to before the window leaves the card to whoever will be done by then."""
        return [
            f"{card} given to job {job}, and booking {booking} has it for job {holder}"
            for booking, (holder, cards) in self._open.items()
            if card in cards and holder != job and self._begins.get(booking, 0.0) <= at
        ]

    def _beyond_quota(self, job: int) -> list[str]:
        """One card that jobs of the group share counts once."""
        group = self._groups.get(job, "")
        most = self._rules.group_gpus.get(group)
        cards = [c for c, holders in self._holders.items() if any(self._groups.get(each) == group for each in holders)]
        if most is None or len(cards) < most:
            return []
        self.met["quotas used up"] += 1
        return [f"group {group} has {cards} with job {job}, and may have {most}"] if len(cards) > most else []

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
