"""What is to be said about a card: who keeps it from whom, and what ails it; each with its sign and its word. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from rich.style import Style

from yolotui.core.bookings import Booking
from yolotui.core.gpus import Excluded, Foreign, Gpu, Lost
from yolotui.store.gpu_marks import GpuState
from yolotui.tui.glyphs import Glyphs
from yolotui.tui.palette import ORANGE, PINK, QUIET, RED, ink
from yolotui.tui.snapshot import Snapshot
from yolotui.tui.words import plain
from yolotui.units import GIB, format_clock

SOON_S = 24 * 3600.0
SOME_BYTES = GIB // 20
"""What is less is not worth a word: drivers hold some, and estimates are never exact."""


@dataclass(frozen=True)
class Memory:
    """A card's memory in bytes: what our jobs hold, what they were promised beyond that, what others hold."""

    ours: int
    promised: int
    foreign: int
    total: int

    @property
    def used(self) -> int:
        """What is allocated, by whomever."""
        return self.ours + self.foreign

    @classmethod
    def of(cls, gpu: Gpu, snapshot: Snapshot) -> Memory | None:
        """As last observed; None where the card doesn't tell."""
        if gpu.memory_used_bytes is None or not gpu.memory_total_bytes:
            return None
        held = gpu.availability.memory_bytes if isinstance(gpu.availability, Foreign) else 0
        foreign = min(gpu.memory_used_bytes, max(gpu.foreign_bytes, held))
        ours = gpu.memory_used_bytes - foreign
        asked = snapshot.asked_by_gpu.get(gpu.uuid, 0)
        room = gpu.memory_total_bytes - gpu.memory_used_bytes
        return cls(ours, min(room, max(0, asked - ours)), foreign, gpu.memory_total_bytes)


@dataclass(frozen=True)
class Remark:
    """Something that a person should know about a card. `word` alone has to do where there is little room."""

    sign: str
    word: str
    detail: str
    style: Style

    @property
    def short(self) -> str:
        """Without the details."""
        return f"{self.sign} {self.word}"

    def __str__(self) -> str:
        return f"{self.short}{self.detail}"


def remarks_on(gpu: Gpu, snapshot: Snapshot, now: float, glyphs: Glyphs) -> list[Remark]:
    """Everything that keeps a card from being used as usual, the gravest first."""
    return [
        *_standing(gpu, snapshot, glyphs),
        *_ailments(gpu, snapshot, glyphs),
        *_booked(gpu, snapshot, now, glyphs),
        *_closing(gpu, now, glyphs),
    ]


def _standing(gpu: Gpu, snapshot: Snapshot, glyphs: Glyphs) -> list[Remark]:
    mark = snapshot.gpu_marks.get(gpu.uuid)
    if isinstance(gpu.availability, Lost):
        return [Remark(glyphs.lost, "lost", f": {plain(gpu.availability.reason)}", ink(RED))]
    if mark is not None and mark.state is GpuState.QUARANTINED:
        return [Remark(glyphs.lost, "sick", f", in quarantine: {plain(mark.reason)}", ink(RED))]
    if mark is not None and mark.state is GpuState.DRAINED:
        why = f" ({plain(mark.reason)})" if mark.reason else ""
        return [Remark(glyphs.excluded, "drained", f" by {plain(mark.by)}{why}", ink(PINK))]
    match gpu.availability:
        case Foreign(pids=pids, memory_bytes=held, owners=owners):
            who = ", ".join(map(plain, owners)) or f"pid {', '.join(map(str, pids[:3]))}"
            return [Remark(glyphs.foreign, "foreign", f": {who} {held / GIB:.0f}G", ink(ORANGE))]
        case Excluded(reason=reason):
            return [Remark(glyphs.excluded, "excluded", f": {plain(reason)}", QUIET)]
    return []


def _ailments(gpu: Gpu, snapshot: Snapshot, glyphs: Glyphs) -> list[Remark]:
    remarks = []
    if snapshot.published and gpu.uuid in snapshot.published.timetable.resting:
        remarks.append(Remark(glyphs.attention, "hot", ": rests until it is cooler", ink(ORANGE)))
    elif "heat" in gpu.slowdowns:
        remarks.append(Remark(glyphs.attention, "hot", ": its clocks are held back", ink(ORANGE)))
    if gpu.ecc_errors:
        what = "error" if gpu.ecc_errors == 1 else "errors"
        remarks.append(Remark(glyphs.attention, "ECC", f": {gpu.ecc_errors} {what}", ink(RED)))
    return remarks


def _booked(gpu: Gpu, snapshot: Snapshot, now: float, glyphs: Glyphs) -> list[Remark]:
    """The booking whose window is now, else the next one of the day."""
    bookings = sorted(snapshot.bookings_by_gpu.get(gpu.uuid, ()), key=lambda booking: booking.starts_at)
    if not bookings or bookings[0].starts_at > now + SOON_S:
        return []
    return [Remark(glyphs.booked, "reserved", _window(bookings[0], now), ink(PINK))]


def _window(booking: Booking, now: float) -> str:
    who = plain(booking.owner.name)
    if booking.starts_at <= now:
        return f" for {who} until {format_clock(booking.ends_at, now)}"
    return f" {format_clock(booking.starts_at, now)} for {who}"


def _closing(gpu: Gpu, now: float, glyphs: Glyphs) -> list[Remark]:
    if gpu.closes_at is None:
        return []
    when = "is closed" if gpu.closes_at <= now else f"closes {format_clock(gpu.closes_at, now)}"
    return [Remark(glyphs.excluded, when, "", ink(PINK))]
