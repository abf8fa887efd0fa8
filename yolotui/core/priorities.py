"""How urgent a job is: its class, its score, and how both change while it waits.

A score starts at its class's base and falls by 5 % an hour; lower goes first. A job counts for the highest class whose
base its score has come down to: a P3 stands with P2 after 45 hours and with P1 after 90, and nothing ever reaches P0.
"""

from __future__ import annotations

from math import log

from msgspec import Struct

from yolotui.core.jobs import Priority
from yolotui.units import HOUR_S

BASES = {Priority.P0: 0.0, Priority.P1: 10.0, Priority.P2: 100.0, Priority.P3: 1000.0}
KEPT_PER_HOUR: float = 0.95


class Score(Struct, frozen=True):
    """A score and its parts: `value` is `base` times 0.95 to the power of `waited_h`; `counts_as` is its class."""

    value: float
    base: float
    waited_h: float
    counts_as: Priority

    def __str__(self) -> str:
        parts = f"{self.base:g} * {KEPT_PER_HOUR}^{self.waited_h:.1f}"
        return f"{self.value:.4g} = {parts} (hours waited), counts as {self.counts_as.name}"


def value_of(priority: Priority, waited_s: float) -> float:
    """The score alone: the base of its class, 5 % less for every hour waited; never more than the base."""
    return BASES[priority] * float(KEPT_PER_HOUR ** (max(waited_s, 0.0) / HOUR_S))


def score(priority: Priority, waited_s: float) -> Score:
    """The score after waiting for so long, with its parts."""
    waited_h = max(waited_s, 0.0) / HOUR_S
    return Score(value_of(priority, waited_s), BASES[priority], waited_h, class_after(priority, waited_s))


def class_after(priority: Priority, waited_s: float) -> Priority:
    """The class that a job counts for after waiting for so long."""
    for after_s, counts_as in _RISES[priority]:
        if waited_s >= after_s:
            return counts_as
    return priority


def hours_to_reach(priority: Priority, urgent: Priority) -> float:
    """How many hours of waiting bring a score down to the base of a more urgent class; infinite for P0."""
    if urgent is Priority.P0:
        return float("inf")
    return log(BASES[urgent] / BASES[priority]) / log(KEPT_PER_HOUR)


_RISES = {
    priority: [
        (hours_to_reach(priority, urgent) * HOUR_S, urgent)
        for urgent in (Priority.P1, Priority.P2)
        if urgent < priority
    ]
    for priority in Priority
}
