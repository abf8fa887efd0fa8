"""Bookings as rows, who stands in whose way, and how the waitlist moves up."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec
from msgspec.structs import replace

from yolotui.core.bookings import Booked, Booking, BookingStatus, Ending, Over, Waitlisted
from yolotui.core.free_windows import Placement, place
from yolotui.core.gpus import Gpu
from yolotui.core.jobs import Owner
from yolotui.errors import NoSuchBooking
from yolotui.store.database import Transaction

_decode_status = msgspec.json.Decoder(BookingStatus).decode


def read(connection: sqlite3.Connection, *, ids: Iterable[int] | None = None, over: bool = False) -> list[Booking]:
    """Bookings by the beginning of their window: those that are not over, with `over` all; or some."""
    where, parameters = "TRUE" if over or ids is not None else "state <> 'over'", []
    if ids is not None:
        where, parameters = "id IN (SELECT value FROM json_each(?))", [json.dumps(list(ids))]
    rows = connection.execute(f"SELECT * FROM bookings WHERE {where} ORDER BY starts_at, id", parameters).fetchall()  # noqa: S608
    return [_booking(row) for row in rows]


def read_one(connection: sqlite3.Connection, booking_id: int) -> Booking:
    """One booking, over or not. Raises NoSuchBooking."""
    if found := read(connection, ids=[booking_id]):
        return found[0]
    raise NoSuchBooking(f"There is no booking {booking_id}. `yolotui reservations` shows all.")


def insert(write: Transaction, booking: Booking) -> Booking:
    """Write down a new booking; returns it with its id."""
    values = _values(write, booking)
    del values["id"]
    names, marks = ", ".join(values), ", ".join(f":{name}" for name in values)
    cursor = write.execute(f"INSERT INTO bookings ({names}) VALUES ({marks}) RETURNING id", values)  # noqa: S608
    return replace(booking, id=cursor.fetchone()["id"], revision=write.revision)


def update(write: Transaction, booking: Booking) -> None:
    """Write down what has become of a booking."""
    values = _values(write, booking)
    changes = ", ".join(f"{name} = :{name}" for name in values)
    write.execute(f"UPDATE bookings SET {changes} WHERE id = :id", values)  # noqa: S608 — names of fields


def settle(write: Transaction, placement: Placement) -> None:
    """Give other bookings the cards that they get so that a new one fits."""
    for booking in read(write.connection, ids=placement.moved):
        rebind(write, booking, placement.moved[booking.id])


def rebind(write: Transaction, booking: Booking, gpus: Sequence[str]) -> None:
    """Give a booking other cards."""
    update(write, replace(booking, gpus=tuple(gpus)))
    write.audit("rebind", booking.job_id, booking=booking.id, before=booking.gpus, after=gpus)


def end(write: Transaction, booking: Booking, ending: Ending, why: str = "") -> None:
    """Nothing more will come of a booking."""
    update(write, replace(booking, status=Over(write.now, ending)))
    write.audit("end-booking", booking.job_id, booking=booking.id, ending=ending.value, why=why)


def move_up(write: Transaction, cards: Sequence[Gpu]) -> list[Booking]:
    """Give their windows to those on the waitlist for whom there is room now, the oldest first; returns them.

    A window that has begun is had for the rest of it, while at least half of it is left; then it is missed.
    """
    moved_up = []
    waiting = [each for each in read(write.connection) if isinstance(each.status, Waitlisted)]
    for booking in sorted(waiting, key=lambda each: (each.status.since, each.id)):
        if write.now > (booking.starts_at + booking.ends_at) / 2:
            end(write, booking, Ending.MISSED, "those before it on the list, or in its window, did not let go in time")
            continue
        window = replace(booking.request, starts_at=max(booking.starts_at, write.now))
        placement = place(window, cards, read(write.connection))
        if placement is None:
            continue
        settle(write, placement)
        booked = replace(
            booking, starts_at=window.starts_at, gpus=placement.gpus, status=Booked(write.now), revision=write.revision
        )
        update(write, booked)
        write.audit("move-up", booked.job_id, booking=booked.id, gpus=booked.gpus, starts_at=booked.starts_at)
        moved_up.append(booked)
    return moved_up


def _values(write: Transaction, booking: Booking) -> dict[str, Any]:
    return {
        "id": booking.id,
        "owner": booking.owner.name,
        "owner_uid": booking.owner.uid,
        "starts_at": booking.starts_at,
        "ends_at": booking.ends_at,
        "count": booking.count,
        "gpus": json.dumps(booking.gpus),
        "gpu_model": booking.gpu_model,
        "pinned": booking.pinned,
        "job": booking.job_id,
        "note": booking.note,
        "made_at": booking.made_at,
        "status": msgspec.json.encode(booking.status).decode(),
        "revision": write.revision,
    }


def _booking(row: Mapping[str, Any]) -> Booking:
    return Booking(
        id=row["id"],
        owner=Owner(row["owner"], row["owner_uid"]),
        starts_at=row["starts_at"],
        ends_at=row["ends_at"],
        count=row["count"],
        gpus=tuple(json.loads(row["gpus"])),
        gpu_model=row["gpu_model"],
        pinned=bool(row["pinned"]),
        job_id=row["job"],
        note=row["note"],
        made_at=row["made_at"],
        status=_decode_status(row["status"]),
        revision=row["revision"],
    )
