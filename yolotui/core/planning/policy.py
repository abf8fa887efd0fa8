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


class Mode(StrEnum):
    """What the search is for: a short mean wait with the machine well filled, or the earliest end of everything."""

    BALANCED = "balanced"
    THROUGHPUT = "throughput"


class Policy(Struct, frozen=True, kw_only=True):
    """How to plan.

    The first `careful` waiting jobs are placed with care, behind them roughly; the first `searched` of each class are
    tried in other orders, with up to `effort` trial placements in all: a count and not a time, so that the same world
    always gives the same timetable. A job goes before every class but P0 when it has waited `guard_factor` times as
    long as first-in-first-out would have needed to start all that waited with it, and `guard_slack_s` more. GPUs rest
    from `too_hot_c` on until they are `cooled_by_c` cooler.
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
