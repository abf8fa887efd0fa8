"""Running jobs that leave their GPUs before they have ended: when they can, what it loses, what is left of them."""

from __future__ import annotations

from math import ceil

from msgspec import Struct

from yolotui.core.jobs import Notice
from yolotui.core.planning.saying import span
from yolotui.core.timetable import Demand

RESTART_S = 60.0
"""What a pause costs beside the work since the checkpoint: to load, to fill the caches, to warm up once more."""
UNKNOWN_EPOCH_S = 300.0
"""The longest that one waits for the end of an epoch, as far as one can say while none has ended yet."""
SOON_S = 1.0
"""Whoever still holds its GPUs has not left them yet, however late it is."""


class Departure(Struct, frozen=True):
    """A job leaves its GPUs at `leaves_at` (UTC seconds), and does `loses_s` of its work once more.

    It has a `notice` until it is on its way: a job that is pausing already can't be told to stay.
    """

    demand: Demand
    leaves_at: float
    loses_s: float
    notice: Notice | None = None

    @property
    def costs_s(self) -> float:
        """The time for which its GPUs do nothing new."""
        return self.loses_s + RESTART_S

    def left_s(self, now: float) -> float:
        """How long it will hold GPUs again, after it has come back."""
        return max(0.0, self.demand.estimate.remaining_s - (self.leaves_at - now)) + self.costs_s


def is_pausable(demand: Demand) -> bool:
    """Whether the scheduler may ask it to make room: it runs, goes on from a checkpoint, and nobody forbids it."""
    return demand.state == "running" and demand.resumable and demand.preemptible and bool(demand.holding)


def leave(demand: Demand, now: float, notice: Notice) -> Departure:
    """How it leaves when it is told so: at the first checkpoint after the notice is due, if it has the patience."""
    begins_at = max(now + SOON_S, notice.due_at)
    epoch_ends_at = next_checkpoint(demand, begins_at, now)
    if notice.patience_s is None or epoch_ends_at <= (stopped_at := max(begins_at, notice.due_at + notice.patience_s)):
        return Departure(demand, epoch_ends_at, 0.0, notice)
    return Departure(demand, stopped_at, _since_checkpoint(demand, stopped_at), notice)


def loses(loses_s: float) -> str:
    """What a departure costs the one that leaves, as a sentence."""
    if loses_s < 1.0:
        return "It is paused at a checkpoint, loses no epoch, and continues later by itself."
    return f"It loses about {span(loses_s)} of its work, and continues later by itself from its last checkpoint."


def next_checkpoint(demand: Demand, moment: float, now: float) -> float:
    """The end of the epoch that it is in at a moment."""
    if demand.epoch_s is None or demand.epoch_s <= 0:
        return moment + UNKNOWN_EPOCH_S
    last_at = now if demand.checkpoint_at is None else demand.checkpoint_at
    return max(moment, last_at + ceil((moment - last_at) / demand.epoch_s) * demand.epoch_s)


def _since_checkpoint(demand: Demand, moment: float) -> float:
    """What is lost of its work when it is stopped between two checkpoints; before its first one, an epoch or so."""
    epoch_s = demand.epoch_s or UNKNOWN_EPOCH_S
    if demand.checkpoint_at is None:
        return epoch_s
    passed_s = max(0.0, moment - demand.checkpoint_at)
    return passed_s % epoch_s if demand.epoch_s else passed_s
