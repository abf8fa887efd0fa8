"""What keeps a job from starting, or a card idle, in a few words: for sums over many of them. Pure."""

from __future__ import annotations

from enum import StrEnum


class Standstill(StrEnum):
    """The first are matters of the card, the next of nobody in particular, the rest of the job that comes next."""

    DRAINED = "out of use"
    LOST = "lost by the driver"
    FOREIGN = "used by others"
    HOT = "too hot"
    BOOKED = "booked"
    NOTHING_WAITED = "nothing waited"
    NO_SCHEDULER = "no scheduler"
    NOT_RECORDED = "not recorded"
    OTHER_JOBS = "waited for other jobs"
    CARDS = "waited for other cards"
    MEMORY = "waited for memory"
    RETRY = "between two tries"
    KEPT_BACK = "held back"
    QUOTA = "over a quota"
    WINDOW = "too long before a booking or closing"
    ROOM = "room was being made"
    CHECK = "checked before its start"
    NO_CARD_FITS = "no card here fits"
    IN_LINE = "stood in line"
