"""Bookings: windows of time in which GPUs are somebody's, and what becomes of them."""

from __future__ import annotations

from enum import StrEnum
from typing import TypeAlias

from msgspec import Struct

from yolotui.core.jobs import Owner

OVERRUN = 0.1
"""The part of a window's length for which its cards stay its holder's after its end, if something still runs."""


class Ending(StrEnum):
    """How a booking came to its end: its time was up, its job was done before, nobody used it, a person took it back,
    or its cards could not be had."""

    ENDED = "ended"
    GIVEN_BACK = "given_back"
    EXPIRED = "expired"
    CANCELLED = "cancelled"
    MISSED = "missed"


class Waitlisted(Struct, frozen=True, tag_field="state", tag="waitlisted"):
    """Wanted, but others hold the window: it moves up when they let go."""

    since: float


class Booked(Struct, frozen=True, tag_field="state", tag="booked"):
    """The cards are its own from `starts_at` on. `warned_at` is when those who run on them were told to make room."""

    since: float
    warned_at: float | None = None


class Open(Struct, frozen=True, tag_field="state", tag="open"):
    """Its window is now. `used_at` is when its holder was last seen using a card of it; None: not yet."""

    since: float
    used_at: float | None = None


class Over(Struct, frozen=True, tag_field="state", tag="over"):
    """Nothing more will come of it."""

    since: float
    ending: Ending


BookingStatus: TypeAlias = Waitlisted | Booked | Open | Over


class Booking(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A window on GPUs, from `starts_at` to `ends_at` (UTC seconds), for whatever its owner runs or for one job.

    `gpus` are the UUIDs of its cards, chosen when it was made; none while it is waitlisted. `pinned` ones were named by
    a person; others may be exchanged for like ones until the window opens. `count` and `gpu_model` are what was asked.
    """

    id: int
    owner: Owner
    starts_at: float
    ends_at: float
    count: int
    gpus: tuple[str, ...] = ()
    gpu_model: str = ""
    pinned: bool = False
    job_id: int | None = None
    note: str = ""
    made_at: float
    status: BookingStatus
    revision: int = 0

    @property
    def state(self) -> str:
        """The word for its state."""
        tag = self.status.__struct_config__.tag
        assert isinstance(tag, str)
        return tag

    @property
    def holds(self) -> bool:
        """Whether its window is its own, now or when it opens."""
        return isinstance(self.status, Booked | Open)

    @property
    def kept_until(self) -> float:
        """Until when its cards stay its holder's if something overruns: no other booking may begin before."""
        return self.ends_at + OVERRUN * (self.ends_at - self.starts_at)
