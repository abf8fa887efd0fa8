"""Which cards a booking gets in the end: those on which nobody, or nobody who can't, would have to make room."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import IntEnum
from typing import NamedTuple

from msgspec.structs import replace

from yolotui.core.bookings import Booked, Booking
from yolotui.core.gpus import Excluded, Gpu, Lost
from yolotui.core.planning.pools import is_called
from yolotui.core.planning.windows import run_into
from yolotui.core.timetable import Binding, Demand, Hindrance, World
from yolotui.units import format_weekday

SETTLED_BEFORE_S = 3600.0
"""Who runs on which card is not known long before; what is lost or closed is."""

LEAVING = frozenset({"pausing", "stopping"})


class Trouble(IntEnum):
    """What giving a card to a booking means for those who run on it."""

    NONE = 0
    PAUSED = 1
    IN_THE_WAY = 2
    UNUSABLE = 3


class Bound(NamedTuple):
    """The bookings with the cards that they get, what changed, and what can't be helped."""

    bookings: tuple[Booking, ...]
    bindings: tuple[Binding, ...]
    hindrances: tuple[Hindrance, ...]


def bind(world: World, now: float) -> Bound:
    """Exchange the cards of bookings that have not opened, and that nobody has pinned, where that is better."""
    running = [demand for demand in world.demands if demand.holding]
    current = sorted(
        (booking for booking in world.bookings if booking.holds and booking.gpus and booking.ends_at > now),
        key=lambda booking: (booking.starts_at, booking.id),
    )
    bindings: list[Binding] = []
    hindrances: list[Hindrance] = []
    for position, booking in enumerate(current):
        others = [other for other in current if other is not booking]
        troubles = {gpu.uuid: _trouble(gpu, booking, running, now) for gpu in world.gpus}
        if isinstance(booking.status, Booked) and not booking.pinned:
            gpus = _best(world.gpus, booking, others, troubles, now)
            if gpus != booking.gpus:
                bindings.append(Binding(booking.id, gpus))
                booking = current[position] = replace(booking, gpus=gpus)  # noqa: PLW2901
        hindrances += _hindrances(world.gpus, booking, running, troubles, now)
    return Bound(tuple(current), tuple(bindings), tuple(hindrances))


def _trouble(gpu: Gpu, booking: Booking, running: Iterable[Demand], now: float) -> Trouble:
    closes = gpu.closes_at is not None and gpu.closes_at < booking.ends_at
    if closes or isinstance(gpu.availability, Lost | Excluded):
        return Trouble.UNUSABLE
    worst = Trouble.NONE
    for demand in running:
        if gpu.uuid in demand.holding and _runs_into(demand, replace(booking, gpus=(gpu.uuid,)), now):
            worst = max(worst, Trouble.PAUSED if _makes_way(demand) else Trouble.IN_THE_WAY)
    return worst


def _makes_way(demand: Demand) -> bool:
    """Whether it is, or can be, on its way before it ends by itself."""
    return demand.state in LEAVING or (
        demand.resumable and demand.preemptible and demand.state in {"starting", "running"}
    )


def _runs_into(demand: Demand, booking: Booking, now: float) -> bool:
    return any(run_into(demand, now + demand.estimate.remaining_s, (booking,), now))


def _best(
    gpus: Sequence[Gpu], booking: Booking, others: Sequence[Booking], troubles: dict[str, Trouble], now: float
) -> tuple[str, ...]:
    """The cards that give least trouble of those that are like its own; its own where none are better."""
    is_near = booking.starts_at - now <= SETTLED_BEFORE_S
    own = {gpu.uuid: gpu for gpu in gpus if gpu.uuid in booking.gpus}
    if not is_near and all(uuid in own and troubles[uuid] < Trouble.UNUSABLE for uuid in booking.gpus):
        return booking.gpus
    likes = {(gpu.name, gpu.memory_total_bytes) for gpu in own.values()}
    taken = {uuid for other in others if other.meets(booking) for uuid in other.gpus}
    eligible = [
        gpu
        for gpu in gpus
        if gpu.uuid in own
        or (
            gpu.uuid not in taken
            and ((gpu.name, gpu.memory_total_bytes) in likes if likes else _is_asked_for(gpu, booking))
        )
    ]
    eligible.sort(key=lambda gpu: (troubles[gpu.uuid], gpu.uuid not in own, gpu.index))
    best = [gpu.uuid for gpu in eligible[: len(booking.gpus)]]
    if len(best) < len(booking.gpus):
        return booking.gpus
    gained = sum(troubles.get(uuid, Trouble.UNUSABLE) for uuid in booking.gpus) - sum(troubles[uuid] for uuid in best)
    return tuple(best) if gained > 0 else booking.gpus


def _is_asked_for(gpu: Gpu, booking: Booking) -> bool:
    return not booking.gpu_model or is_called(gpu, booking.gpu_model)


def _hindrances(
    gpus: Iterable[Gpu], booking: Booking, running: Iterable[Demand], troubles: dict[str, Trouble], now: float
) -> Iterable[Hindrance]:
    """What keeps its cards from it that nobody can change by pausing somebody."""
    index_of = {gpu.uuid: gpu.index for gpu in gpus}
    for uuid in booking.gpus:
        name = f"GPU {index_of[uuid]}" if uuid in index_of else uuid
        match troubles.get(uuid, Trouble.UNUSABLE):
            case Trouble.UNUSABLE:
                yield Hindrance(
                    booking.id, f"{name} of it can't be used, and no card like it is free to take its place."
                )
            case Trouble.IN_THE_WAY:
                for demand in running:
                    one = replace(booking, gpus=(uuid,))
                    if uuid in demand.holding and not _makes_way(demand) and _runs_into(demand, one, now):
                        until = format_weekday(now + demand.estimate.remaining_s)
                        yield Hindrance(
                            booking.id,
                            f"Job {demand.job_id} ({demand.name}) can't be paused, and is expected to use {name} "
                            f"until {until}.",
                        )
            case _:
                pass
