"""Tells what ails a card, or the driver, as soon as it lasts: heat, a stranger's process, a driver that fails.

Cards that are taken out of use for it are told by their quarantine.
"""

from __future__ import annotations

import logging
from collections.abc import Collection
from enum import StrEnum

from yolotui.core.gpus import Foreign, Gpu, Host
from yolotui.store import Actor, Store
from yolotui.units import format_bytes

TROUBLE, WELL = "gpu-trouble", "gpu-well"
LASTS_S = 60.0  # what passes by itself is no news, neither way
DRIVER = ""  # in place of a card

log = logging.getLogger("yolotui.scheduler")


class Ailment(StrEnum):
    """What can ail a card that stays in use."""

    HOT = "too hot"
    SLOWED = "slowed down"
    FOREIGN = "used by others"
    DRIVER = "driver"


Case = tuple[str, Ailment]
"""A card's UUID, or `DRIVER`, and what ails it."""


class CardTroubles:
    """Tells each trouble once when it has lasted, and once when it is over, whoever leads."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._changed_at: dict[Case, float] = {}
        self._told: set[Case] = set()

    def remember(self) -> None:
        """Take over what earlier leaders have told."""
        settled: set[Case] = set()
        for row in self._store.read.deeds(Actor.scheduler(), {TROUBLE, WELL}):  # newest first
            case = (row.detail["gpu"], Ailment(row.detail["what"]))
            if case not in settled and row.verb == TROUBLE:
                self._told.add(case)
            settled.add(case)

    def look_at(self, host: Host, resting: Collection[str]) -> None:
        """Tell what has lasted, or has been over, for a minute. `resting` are the UUIDs of cards too hot to use."""
        ailing = ailments(host, resting)
        changed = ailing.keys() ^ self._told
        self._changed_at = {case: self._changed_at.get(case, host.at) for case in changed}
        for case, since in list(self._changed_at.items()):
            if host.at - since >= LASTS_S:
                self._tell(case, ailing.get(case))
                del self._changed_at[case]

    def _tell(self, case: Case, why: str | None) -> None:
        gpu, what = case
        if why is None:
            self._told.discard(case)
            self._store.ledger.tell(WELL, None, gpu=gpu, what=what.value)
            return
        self._told.add(case)
        log.warning("%s: %s", gpu or "driver", why)
        self._store.ledger.tell(TROUBLE, None, gpu=gpu, what=what.value, why=why)


def ailments(host: Host, resting: Collection[str]) -> dict[Case, str]:
    """Everything that ails the cards of a host at this moment, each with a sentence."""
    found = {(DRIVER, Ailment.DRIVER): host.trouble} if host.trouble else {}
    for gpu in host.gpus:
        found |= {(gpu.uuid, what): why for what, why in _of_card(gpu, is_resting=gpu.uuid in resting).items()}
    return found


def _of_card(gpu: Gpu, *, is_resting: bool) -> dict[Ailment, str]:
    found: dict[Ailment, str] = {}
    if is_resting:
        found[Ailment.HOT] = f"At {gpu.temperature_c} °C it is too hot: nothing is started on it until it has cooled."
    if causes := [each for each in gpu.slowdowns if each in {"heat", "hardware"}]:
        found[Ailment.SLOWED] = (
            f"The card holds its clocks back ({' and '.join(causes)}): what runs there takes longer."
        )
    if isinstance(gpu.availability, Foreign):
        who, size = ", ".join(gpu.availability.owners) or "somebody", format_bytes(gpu.availability.memory_bytes)
        found[Ailment.FOREIGN] = f"Processes of {who} that are not in the queue hold {size} of its memory."
    return found
