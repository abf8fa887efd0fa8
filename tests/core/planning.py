"""Small worlds to plan, and what must hold of every timetable."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from itertools import pairwise

from msgspec.structs import replace

from yolotui.core.bookings import Booked, Booking, Open
from yolotui.core.gpus import Free, Gpu
from yolotui.core.jobs import Owner, Priority
from yolotui.core.plan import Policy, plan
from yolotui.core.quotas import Quota
from yolotui.core.timetable import Demand, Entry, Estimate, Need, NeedMode, Timetable, World

GIB = 1024**3
HOUR = 3600.0
NOW = 1_000_000.0


def cards(count: int, memory_gib: int = 24, name: str = "NVIDIA A100", first: int = 0) -> tuple[Gpu, ...]:
    """Identical free GPUs: gpu-0, gpu-1, …"""
    return tuple(
        Gpu(uuid=f"gpu-{index}", index=index, name=name, memory_total_bytes=memory_gib * GIB)
        for index in range(first, first + count)
    )


def waiting(
    job_id: int,
    *,
    gpus: int = 1,
    hours: float = 1.0,
    priority: Priority = Priority.P2,
    submitted_at: float = NOW,
    needs: Sequence[Need] = (),
    blocked: str = "",
    not_before: float | None = None,
    vram_bytes: int = 0,
    gpu_model: str = "",
    avoid: tuple[str, ...] = (),
    prefer: tuple[str, ...] = (),
) -> Demand:
    """A job that waits."""
    return Demand(
        job_id=job_id,
        name=f"job-{job_id}",
        priority=priority,
        submitted_at=submitted_at,
        gpus=gpus,
        estimate=Estimate(hours * HOUR, "a test"),
        needs=tuple(needs),
        blocked=blocked,
        not_before=not_before,
        vram_bytes=vram_bytes,
        gpu_model=gpu_model,
        avoid=avoid,
        prefer=prefer,
    )


def running(job_id: int, holding: Sequence[str], *, hours: float = 1.0, priority: Priority = Priority.P2) -> Demand:
    """A job that holds GPUs for so much longer."""
    asked = waiting(job_id, gpus=len(holding), hours=hours, priority=priority, submitted_at=NOW - HOUR)
    return replace(asked, state="running", holding=tuple(holding))


def training(
    job_id: int,
    holding: Sequence[str],
    *,
    hours: float = 1.0,
    priority: Priority = Priority.P2,
    epoch_s: float = 600.0,
    since_checkpoint_s: float = 0.0,
    now: float = NOW,
) -> Demand:
    """A job that runs and can be paused at the end of an epoch."""
    return replace(
        running(job_id, holding, hours=hours, priority=priority),
        resumable=True,
        epoch_s=epoch_s,
        checkpoint_at=now - since_checkpoint_s,
    )


def booking(
    number: int,
    gpus: Sequence[str],
    *,
    opens_h: float,
    hours: float = 2.0,
    owner: str = "alice",
    job_id: int | None = None,
    pinned: bool = False,
) -> Booking:
    """A booking that opens in so many hours."""
    starts_at = NOW + opens_h * HOUR
    return Booking(
        id=number,
        owner=Owner(owner, 1000),
        starts_at=starts_at,
        ends_at=starts_at + hours * HOUR,
        count=len(gpus),
        gpus=tuple(gpus),
        job_id=job_id,
        pinned=pinned,
        made_at=NOW - HOUR,
        status=Open(NOW) if opens_h <= 0 else Booked(NOW - HOUR),
    )


def planned(
    gpus: Sequence[Gpu],
    demands: Sequence[Demand],
    policy: Policy | None = None,
    previous: Timetable | None = None,
    now: float = NOW,
    *,
    bookings: Sequence[Booking] = (),
    quotas: Sequence[Quota] = (),
) -> Timetable:
    """The timetable of a world."""
    world = World(
        gpus=tuple(gpus),
        demands=tuple(demands),
        previous=previous,
        bookings=tuple(bookings),
        quotas=tuple(quotas),
    )
    return plan(world, policy or Policy(), now)


def starts(timetable: Timetable, now: float = NOW) -> dict[int, float | None]:
    """When each job starts, in hours from now."""
    return {
        entry.job_id: None if entry.start_at is None else round((entry.start_at - now) / HOUR, 6)
        for entry in timetable.entries
    }


def check(world: World, timetable: Timetable, now: float) -> None:
    """What must hold of every timetable, whatever the policy."""
    demands = {demand.job_id: demand for demand in world.demands}
    entries = timetable.by_job()
    skipped = {skip.job_id for skip in timetable.skips}
    assert set(entries) | skipped == set(demands)
    assert not set(entries) & skipped
    for entry in timetable.entries:
        check_entry(world, demands[entry.job_id], entry, now)
    sharing = {demand.job_id for demand in world.demands if demand.shares}
    check_no_gpu_twice(timetable, sharing)


def check_entry(world: World, demand: Demand, entry: Entry, now: float) -> None:
    """One line: a gang is whole, the first column can start, what waits says why."""
    if demand.state in {"running", "pausing"}:
        assert entry.gpus == demand.holding
        assert not entry.starts_now
        return
    if entry.start_at is not None:
        assert entry.start_at >= max(now, demand.not_before or 0.0)
        assert entry.finish_at is not None
        assert entry.finish_at > entry.start_at
        assert len(set(entry.gpus)) == len(entry.gpus) == demand.gpus
        assert entry.start_low_at is not None
        assert entry.start_high_at is not None
        assert entry.start_low_at <= entry.start_at <= entry.start_high_at
    assert entry.starts_now == (entry.why is None)
    if entry.starts_now:
        assert entry.start_at == now
        assert not demand.blocked
        assert all(is_met(need) for need in demand.needs)
        by_uuid = {gpu.uuid: gpu for gpu in world.gpus}
        held = {uuid for other in world.demands for uuid in other.holding if not (other.shares and demand.shares)}
        for uuid in entry.gpus:
            assert isinstance(by_uuid[uuid].availability, Free)
            assert by_uuid[uuid].memory_total_bytes >= demand.vram_bytes
            assert uuid not in held


def is_met(need: Need) -> bool:
    """Whether one need alone lets a job start."""
    wanted = {
        NeedMode.ALL: {"succeeded"},
        NeedMode.ANY: {"succeeded"},
        NeedMode.FINISHED: {"succeeded", "failed", "cancelled", "skipped"},
        NeedMode.FAILED: {"failed"},
    }
    return need.state in wanted[need.mode] and not need.missed_gates


def check_no_gpu_twice(timetable: Timetable, sharing: Collection[int] = ()) -> None:
    """At no moment has a GPU two jobs, not even where places are rough; but for those that share."""
    spans: dict[str, list[tuple[float, float]]] = {}
    for entry in timetable.entries:
        for uuid in entry.gpus if entry.job_id not in sharing else ():
            end = entry.yields_at or entry.finish_at
            assert entry.start_at is not None
            assert end is not None
            spans.setdefault(uuid, []).append((entry.start_at, end))
    for uuid, of_gpu in spans.items():
        of_gpu.sort()
        for (_, finish), (start, _) in pairwise(of_gpu):
            assert start >= finish - 1e-6, f"{uuid} is given twice"
