"""Cards that several jobs share: each is one interval of the count profile, a room, with its tenants in it.

A room has a slot and memory for another tenant or it has not; who comes in may prolong it, where nobody else has been
promised the card. What was promised to a tenant counts as used, whether it has been allocated or not.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

SLOWDOWN = 1.25
"""How much longer a job takes beside another one: of Lucid's measured pairs those that fill the card run at 0.79."""


class Tenant(NamedTuple):
    """A job in a room, with the memory that is promised to it."""

    job_id: int
    start: float
    finish: float
    promised_bytes: int


class Room(NamedTuple):
    """A card, from when on until when somebody has it, and who. `card` is its UUID where that is known already."""

    pool: int
    start: float
    finish: float
    memory_bytes: int
    tenants: tuple[Tenant, ...]
    card: str = ""

    def left_bytes(self, start: float, finish: float) -> int:
        """The memory that nobody has been promised between two moments."""
        return self.memory_bytes - sum(tenant.promised_bytes for tenant in self.present(start, finish))

    def present(self, start: float, finish: float) -> list[Tenant]:
        """Those who are there at any time between two moments."""
        return [tenant for tenant in self.tenants if tenant.start < finish and tenant.finish > start]

    def joined(self, newcomer: Tenant) -> Room:
        """The room with one more, who slows the others down as long as it stays."""
        slowed = (
            tenant._replace(finish=tenant.finish + _overlap(tenant, newcomer) * (SLOWDOWN - 1))
            for tenant in self.tenants
        )
        tenants = (*slowed, newcomer)
        return self._replace(tenants=tenants, finish=max(self.finish, *(tenant.finish for tenant in tenants)))

    def delay_s(self, before: Room) -> float:
        """By how much longer those take who were there before, all in all."""
        return sum(after.finish - tenant.finish for tenant, after in zip(before.tenants, self.tenants, strict=False))

    def lets_in(self, moment: float, asked_bytes: int, most_tenants: int) -> bool:
        """Whether there are a slot and memory at a moment."""
        there = [tenant.promised_bytes for tenant in self.tenants if tenant.start <= moment < tenant.finish]
        return len(there) < most_tenants and sum(there) + asked_bytes <= self.memory_bytes

    def holds(self, most_tenants: int) -> bool:
        """Whether there are never too many, nor more memory promised than the card has."""
        for moment in {tenant.start for tenant in self.tenants}:
            there = [tenant for tenant in self.tenants if tenant.start <= moment < tenant.finish]
            if len(there) > most_tenants or sum(tenant.promised_bytes for tenant in there) > self.memory_bytes:
                return False
        return True

    def candidates(self, release: float) -> Iterator[float]:
        """When another one might come in: at once, or when somebody leaves."""
        earliest = max(release, self.start)
        yield earliest
        yield from sorted({tenant.finish for tenant in self.tenants if earliest < tenant.finish < self.finish})

    def stay_s(self, start: float, alone_s: float) -> float:
        """How long a job takes that comes in at `start` and would take `alone_s` alone."""
        company_until = max((tenant.finish for tenant in self.present(start, float("inf"))), default=start)
        together_s = min(alone_s * SLOWDOWN, max(0.0, company_until - start))
        return together_s + alone_s - together_s / SLOWDOWN


class Rooms:
    """The rooms of one profile. `memory_bytes` is what the smallest card of each pool has for tenants."""

    def __init__(self, memory_bytes: Sequence[int], tenants: int, rooms: Iterable[Room] = ()) -> None:
        self.memory_bytes = memory_bytes
        self.most_tenants = tenants
        self.all = list(rooms)

    def copy(self) -> Rooms:
        """One that can be changed without changing this one."""
        return Rooms(self.memory_bytes, self.most_tenants, self.all)

    def open(self, pool: int, tenant: Tenant) -> int:
        """A new room with its first tenant; returns its number."""
        self.all.append(Room(pool, tenant.start, tenant.finish, self.memory_bytes[pool], (tenant,)))
        return len(self.all) - 1

    def vacate(self, card: str, at: float) -> None:
        """All tenants of a card leave by then."""
        for number, room in enumerate(self.all):
            if room.card == card:
                gone = tuple(tenant._replace(finish=min(tenant.finish, at)) for tenant in room.tenants)
                self.all[number] = room._replace(tenants=gone, finish=min(room.finish, at))

    def finishes(self) -> Mapping[int, float]:
        """By job: when each tenant is done, company included."""
        return {tenant.job_id: tenant.finish for room in self.all for tenant in room.tenants}


def _overlap(tenant: Tenant, newcomer: Tenant) -> float:
    return max(0.0, min(tenant.finish, newcomer.finish) - max(tenant.start, newcomer.start))
