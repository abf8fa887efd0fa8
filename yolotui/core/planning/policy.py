"""What can be chosen about how a plan is made."""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct


class Kind(StrEnum):
    """How the order comes about: by plan search, or by one of the well-known policies that it is measured against."""

    PLAN = "plan"
    FIFO = "fifo"
    FIFO_CONSERVATIVE = "fifo_conservative"
    FIFO_EASY = "fifo_easy"
    PRIO_EASY = "prio_easy"
    EDF_EASY = "edf_easy"


class Mode(StrEnum):
    """What the search is for: a short mean wait with the machine well filled, or the earliest end of everything."""

    BALANCED = "balanced"
    THROUGHPUT = "throughput"


class Preemption(StrEnum):
    """What a P0 may do: wait for idle GPUs like everybody, go first in the queue, or take the card of another job."""

    NEVER = "never"
    QUEUE = "queue"
    EVICT = "evict"


class Policy(Struct, frozen=True, kw_only=True):
    """How to plan.

    The first `careful` waiting jobs are placed with care, behind them roughly; the first `searched` of each class are
    tried in other orders, with up to `effort` trial placements in all: a count and not a time, so that the same world
    always gives the same timetable. A job goes before every class but P0 when it has waited `guard_factor` times as
    long as first-in-first-out would have needed to start all that waited with it, and `guard_slack_s` more. GPUs rest
    from `too_hot_c` on until they are `cooled_by_c` cooler.

    With `preemption` a job that is evicted is told `notice_s` before (a P0 does not wait for that); the wait for its
    checkpoint ends after `checkpoint_wait_s` when a P0 or a booking needs the room; it is left alone for
    `evict_again_s` after. At most `tenants` jobs share a card.
    """

    kind: Kind = Kind.PLAN
    mode: Mode = Mode.BALANCED
    ageing: bool = True
    careful: int = 200
    searched: int = 40
    effort: int = 20000
    guard_factor: float = 1.5
    guard_slack_s: float = 3600.0
    too_hot_c: int = 85
    cooled_by_c: int = 8
    preemption: Preemption = Preemption.QUEUE
    notice_s: float = 1800.0
    checkpoint_wait_s: float = 120.0
    evict_again_s: float = 3600.0
    tenants: int = 2
