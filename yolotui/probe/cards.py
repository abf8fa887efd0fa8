"""One NVIDIA card: its readings, and who holds it.

A reading that the card, the driver or this user's rights don't offer is None. Any other error of NVML leaves here as an
NVMLError: the card as a whole is in trouble.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from itertools import combinations
from typing import Any, NamedTuple, TypeVar

import pynvml
from pynvml import NVMLError

from yolotui.core.gpus import Availability, Foreign, Free, Gpu, Tenant
from yolotui.probe import processes

Answer = TypeVar("Answer")

_NOT_OFFERED = frozenset({
    pynvml.NVML_ERROR_NOT_SUPPORTED,
    pynvml.NVML_ERROR_NO_PERMISSION,
    pynvml.NVML_ERROR_FUNCTION_NOT_FOUND,
    pynvml.NVML_ERROR_NO_DATA,
    pynvml.NVML_ERROR_ARGUMENT_VERSION_MISMATCH,
    pynvml.NVML_ERROR_DEPRECATED,
})  # fmt: skip

_SLOWDOWNS = {
    "power": pynvml.nvmlClocksThrottleReasonSwPowerCap | pynvml.nvmlClocksThrottleReasonHwPowerBrakeSlowdown,
    "heat": pynvml.nvmlClocksThrottleReasonSwThermalSlowdown | pynvml.nvmlClocksThrottleReasonHwThermalSlowdown,
    "hardware": pynvml.nvmlClocksThrottleReasonHwSlowdown,
}


def first_offered(*queries: Callable[[], Answer]) -> Answer | None:
    """The first answer of several ways to ask the same, newest first; None where none of them is offered."""
    for query in queries:
        try:
            return query()
        except NVMLError as failure:
            if failure.value not in _NOT_OFFERED:
                raise
    return None


def read_card(handle: object, card: Gpu, whose: Callable[[int], str | None], ignore_below_bytes: int) -> Gpu:
    """`card` (uuid, index and links) with everything that NVML says about it now. Raises NVMLError for a lost one.

    `whose` names the attempt of ours that a pid belongs to, if there is one.
    """

    def ask(query: Callable[..., Any], **how: Any) -> Callable[[], Any]:
        return partial(query, handle, **how)

    memory = first_offered(
        # The second version counts what the driver keeps for itself apart from what is used.
        ask(pynvml.nvmlDeviceGetMemoryInfo, version=pynvml.nvmlMemory_v2),
        ask(pynvml.nvmlDeviceGetMemoryInfo),
    )
    utilization = first_offered(ask(pynvml.nvmlDeviceGetUtilizationRates))
    used_bytes = None if memory is None else int(memory.used)
    occupancy = _occupancy(handle, whose, ignore_below_bytes, used_bytes)
    return Gpu(
        uuid=card.uuid,
        index=card.index,
        name=_name(handle),
        memory_total_bytes=0 if memory is None else int(memory.total),
        memory_used_bytes=used_bytes,
        utilization_percent=None if utilization is None else int(utilization.gpu),
        temperature_c=first_offered(
            ask(pynvml.nvmlDeviceGetTemperatureV, sensor=pynvml.NVML_TEMPERATURE_GPU),
            ask(pynvml.nvmlDeviceGetTemperature, sensor=pynvml.NVML_TEMPERATURE_GPU),
        ),
        power_w=_watts(first_offered(ask(pynvml.nvmlDeviceGetPowerUsage))),
        power_limit_w=_watts(first_offered(ask(pynvml.nvmlDeviceGetEnforcedPowerLimit))),
        ecc_errors=first_offered(
            ask(
                pynvml.nvmlDeviceGetTotalEccErrors,
                errorType=pynvml.NVML_MEMORY_ERROR_TYPE_UNCORRECTED,
                counterType=pynvml.NVML_VOLATILE_ECC,
            )
        ),
        slowdowns=_slowdowns(handle),
        availability=occupancy.availability,
        links=card.links,
        foreign_bytes=occupancy.foreign_bytes,
        tenants=occupancy.tenants,
    )


def read_links() -> dict[str, tuple[str, ...]]:
    """Which cards NVLink joins, by UUID: wiring, so that asking once is enough. Raises NVMLError with the driver.

    A card that does not answer, or that does not know about links, has none.
    """
    handles: dict[str, object] = {}
    for index in range(pynvml.nvmlDeviceGetCount()):
        with suppress(NVMLError):
            handle = pynvml.nvmlDeviceGetHandleByIndex(index)
            handles[pynvml.nvmlDeviceGetUUID(handle)] = handle
    links: dict[str, list[str]] = {}
    for one, other in combinations(handles, 2):
        if _are_linked(handles[one], handles[other]):
            links.setdefault(one, []).append(other)
            links.setdefault(other, []).append(one)
    return {uuid: tuple(others) for uuid, others in links.items()}


def _are_linked(one: object, other: object) -> bool:
    with suppress(NVMLError):
        status = pynvml.nvmlDeviceGetP2PStatus(one, other, pynvml.NVML_P2P_CAPS_INDEX_NVLINK)
        return bool(status == pynvml.NVML_P2P_STATUS_OK)
    return False


def _name(handle: object) -> str:
    name = first_offered(lambda: pynvml.nvmlDeviceGetName(handle)) or "NVIDIA GPU"
    mig = first_offered(lambda: pynvml.nvmlDeviceGetMigMode(handle))
    return f"{name} (MIG)" if mig and mig[0] else name


def _slowdowns(handle: object) -> tuple[str, ...]:
    reasons = first_offered(
        lambda: pynvml.nvmlDeviceGetCurrentClocksEventReasons(handle),
        lambda: pynvml.nvmlDeviceGetCurrentClocksThrottleReasons(handle),
    )
    return tuple(name for name, bits in _SLOWDOWNS.items() if (reasons or 0) & bits)


def _watts(milliwatts: int | None) -> float | None:
    return None if milliwatts is None else milliwatts / 1000


class _Occupancy(NamedTuple):
    """Who is on a card, and how much of it is not ours."""

    availability: Availability
    foreign_bytes: int
    tenants: tuple[Tenant, ...] = ()


def _occupancy(
    handle: object, whose: Callable[[int], str | None], ignore_below_bytes: int, used_bytes: int | None
) -> _Occupancy:
    holders = _holders(handle)
    if holders and not all(processes.exists(pid) for pid in holders):
        # One ended between list and look, or lives in another pid namespace: the second list tells them apart.
        holders = _holders(handle)
    if holders is None:
        # The driver doesn't tell who is on the card: then all of its memory is a stranger's.
        blocked = used_bytes is None or used_bytes >= ignore_below_bytes
        return _Occupancy(Foreign((), used_bytes or 0) if blocked else Free(), used_bytes or 0)
    attempts = {pid: whose(pid) for pid in holders}
    strangers = {pid: held_bytes for pid, held_bytes in sorted(holders.items()) if attempts[pid] is None}
    return _Occupancy(
        _availability(strangers, ignore_below_bytes),
        _foreign_bytes(holders, strangers, used_bytes),
        _tenants(holders, attempts),
    )


def _availability(strangers: Mapping[int, int | None], ignore_below_bytes: int) -> Availability:
    """Free, unless a process that is not ours holds enough of it, or an unknown amount."""
    in_the_way = {pid: held for pid, held in strangers.items() if held is None or held >= ignore_below_bytes}
    if not in_the_way:
        return Free()
    owners = {owner for pid in in_the_way if (owner := processes.owner_of(pid))}
    return Foreign(tuple(in_the_way), sum(held or 0 for held in in_the_way.values()), tuple(sorted(owners)))


def _foreign_bytes(
    holders: Mapping[int, int | None], strangers: Mapping[int, int | None], used_bytes: int | None
) -> int:
    """What is not ours: what strangers hold, and what is used by nobody who is listed, where all of ours is known."""
    ours = [held for pid, held in holders.items() if pid not in strangers]
    told_bytes = sum(held or 0 for held in strangers.values())
    if used_bytes is None or None in ours:
        return told_bytes
    return max(told_bytes, used_bytes - sum(held or 0 for held in ours))


def _tenants(holders: Mapping[int, int | None], attempts: Mapping[int, str | None]) -> tuple[Tenant, ...]:
    held_bytes: dict[str, int] = {}
    for pid, held in holders.items():
        if held is not None and (attempt := attempts[pid]) is not None:
            held_bytes[attempt] = held_bytes.get(attempt, 0) + held
    return tuple(Tenant(attempt, held) for attempt, held in sorted(held_bytes.items()))


def _holders(handle: object) -> dict[int, int | None] | None:
    """Bytes by pid (None: the driver doesn't say); None where it doesn't even list who computes on the card."""
    computing = first_offered(
        lambda: pynvml.nvmlDeviceGetComputeRunningProcesses_v3(handle),
        lambda: pynvml.nvmlDeviceGetComputeRunningProcesses_v2(handle),
    )
    if computing is None:
        return None
    drawing = first_offered(
        lambda: pynvml.nvmlDeviceGetGraphicsRunningProcesses_v3(handle),
        lambda: pynvml.nvmlDeviceGetGraphicsRunningProcesses_v2(handle),
    )
    holders: dict[int, int | None] = {}
    for process in [*computing, *(drawing or [])]:
        holders[process.pid] = _more(holders.get(process.pid, 0), process.usedGpuMemory)
    return holders


def _more(one: int | None, other: Any) -> int | None:
    """The larger amount; a process on both lists is the same memory twice. Unknown is more than anything."""
    return None if one is None or other is None else max(one, int(other))
