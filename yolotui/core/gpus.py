"""GPUs as the plan sees them: which there are, and what keeps each from being given to a job."""

from __future__ import annotations

from typing import TypeAlias

from msgspec import Struct


class Free(Struct, frozen=True, tag_field="state", tag="free"):
    """Nobody uses it."""


class Foreign(Struct, frozen=True, tag_field="state", tag="foreign"):
    """Processes that are not ours hold memory on it; they are never touched."""

    pids: tuple[int, ...]
    memory_bytes: int
    owners: tuple[str, ...] = ()


class Lost(Struct, frozen=True, tag_field="state", tag="lost"):
    """The driver no longer answers for it."""

    reason: str


class Excluded(Struct, frozen=True, tag_field="state", tag="excluded"):
    """Kept out by the configuration or by a person (drained)."""

    reason: str


Availability: TypeAlias = Free | Foreign | Lost | Excluded
"""What stands in the way of giving the GPU to a job, apart from our own leases."""


class Tenant(Struct, frozen=True):
    """What the processes of one of our attempts hold of a card, as its driver sees it. `attempt` is the uuid."""

    attempt: str
    held_bytes: int


class Gpu(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One device as last observed. `uuid` is its identity everywhere; `index` is only for people.

    Readings that the card does not offer are None. A CPU slot is a device of kind "cpu", a simulated card one of kind
    "sim": everything runs on them, too. `ecc_errors` counts the uncorrected ones since the driver was loaded;
    `slowdowns` says why the card holds its clocks back ("power", "heat"…). `links` are the UUIDs of the cards that
    NVLink joins it to. `foreign_bytes` are held by processes that are not ours, also by those too small to make it
    `Foreign`; `tenants` are those of ours of which the driver says how much they hold. From `closes_at` on (UTC
    seconds, for maintenance) nothing may run on it that is started from now on.
    """

    uuid: str
    index: int
    name: str
    kind: str = "cuda"
    memory_total_bytes: int = 0
    memory_used_bytes: int | None = None
    utilization_percent: int | None = None
    temperature_c: int | None = None
    power_w: float | None = None
    power_limit_w: float | None = None
    ecc_errors: int | None = None
    slowdowns: tuple[str, ...] = ()
    availability: Availability = Free()
    links: tuple[str, ...] = ()
    foreign_bytes: int = 0
    tenants: tuple[Tenant, ...] = ()
    closes_at: float | None = None


class Host(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What the machine looked like at `at` (UTC seconds). `trouble` says why no GPU could be read, if so."""

    at: float
    gpus: tuple[Gpu, ...] = ()
    trouble: str = ""
    driver_version: str = ""
    cpu_percent: float = 0.0
    memory_total_bytes: int = 0
    memory_available_bytes: int = 0
