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


class BookingRequest(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The window that somebody wants: `count` cards from `starts_at` to `ends_at` (UTC seconds).

    `gpus` are the UUIDs of cards that a person named; else any will do that are called `gpu_model` (an index, a UUID or
    a part of the model's name; empty: any). With `job_id` it is for that job alone.
    """

    starts_at: float
    ends_at: float
    count: int
    gpus: tuple[str, ...] = ()
    gpu_model: str = ""
    job_id: int | None = None
    note: str = ""

    @property
    def kept_until(self) -> float:
        """Until when its cards would stay its holder's."""
        return kept_until(self.starts_at, self.ends_at)


class Booking(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A window on GPUs, from `starts_at` to `ends_at` (UTC seconds), for whatever its owner runs or for one job.

    `gpus` are the UUIDs of its cards, chosen when it was made. `pinned` ones were named by a person; others may be
    exchanged for like ones until the window opens, and there are none while it is waitlisted. `count` and `gpu_model`
    are what was asked.
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
        return kept_until(self.starts_at, self.ends_at)

    @property
    def request(self) -> BookingRequest:
        """What was asked for."""
        return BookingRequest(
            starts_at=self.starts_at,
            ends_at=self.ends_at,
            count=self.count,
            gpus=self.gpus if self.pinned else (),
            gpu_model=self.gpu_model,
            job_id=self.job_id,
            note=self.note,
        )

    def meets(self, other: Booking | BookingRequest) -> bool:
        """Whether the two windows, each with its buffer, have a moment in common."""
        return self.starts_at < other.kept_until and other.starts_at < self.kept_until

    def is_for(self, job_id: int, owner: str) -> bool:
        """Whether a job may run in its window: the job that it is for, else whatever its owner runs."""
        return self.job_id == job_id if self.job_id is not None else self.owner.name == owner


def kept_until(starts_at: float, ends_at: float) -> float:
    """The end of a window with its buffer for what overruns."""
    return ends_at + OVERRUN * (ends_at - starts_at)
