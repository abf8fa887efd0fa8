"""One thing to tell, and what may be in it: figures and names, no folders of anybody's data."""

from __future__ import annotations

import re
from typing import Protocol

from msgspec import Struct

from yolotui.config import NotifyEvent
from yolotui.core.bookings import Booking
from yolotui.core.failures import without_quoted
from yolotui.core.gpus import Gpu
from yolotui.core.health import Severity
from yolotui.core.jobs import Job, Owner
from yolotui.harmless import without_passwords
from yolotui.store import Actor, AuditRow

SCHEDULER = Actor.scheduler().name
_PATH = re.compile(r"""(?<=')/[^']+(?=')|(?<=")/[^"]+(?=")|(?<![\w.…])/[^\s'":,]+""")


class Notification(Struct, frozen=True, kw_only=True):
    """One thing to tell. `owner` is whose job or booking it is about; None: the machine.

    `details` are words that yolotui did not choose, told only to who wants them: of a log, of a path. `page_of` is the
    job whose page belongs to it.
    """

    event: NotifyEvent
    severity: Severity
    title: str
    body: str = ""
    details: str = ""
    page_of: int | None = None
    owner: Owner | None = None

    @property
    def in_full(self) -> str:
        """The body with the details."""
        return lines(self.body, self.details)


class Records(Protocol):
    """Where jobs, bookings and cards are looked up."""

    def job(self, job_id: int) -> Job:
        """Raises NoSuchJob."""

    def booking(self, booking_id: int) -> Booking:
        """Raises NoSuchBooking."""

    def cards(self) -> tuple[Gpu, ...]:
        """The GPUs, as far as anybody has looked."""


def without_folders(text: str) -> str:
    """A text without the folders of the paths in it: where somebody's data lies is nobody else's business."""
    return _PATH.sub(lambda path: _name_of_file(path[0]), text)


def _name_of_file(path: str) -> str:
    """What is left of a path: the name of a file, which has a dot in it, and nothing of a folder."""
    name = path.rpartition("/")[2]
    end = "." if name.endswith(".") else ""
    return f"…/{name}" if "." in name.removesuffix(".") else f"…{end}"


def lines(*told: str) -> str:
    """Lines of a message, without those that say nothing."""
    return "\n".join(line for line in told if line)


def why_of(row: AuditRow) -> str:
    """The reason that the audit log gives, without what a program said of it."""
    return stated(_written_reason(row))


def stated(explanation: str) -> str:
    """What yolotui itself says of a failure."""
    return without_folders(without_quoted(explanation))


def words_of(row: AuditRow) -> str:
    """The reason in full where a program's words are in it: a detail."""
    return in_words(_written_reason(row))


def in_words(explanation: str) -> str:
    """An explanation in full where it says more than is told to everybody; never a password in it."""
    full = without_passwords(explanation)
    return f"In full: {full}" if full != stated(explanation) else ""


def _written_reason(row: AuditRow) -> str:
    return str(row.detail.get("why") or "")
