"""All that a plan can be asked at once: evictions, bookings, shared cards, quotas, closing cards, deadlines."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from tests.core.planning import GIB, HOUR, NOW, booking, cards, check, training, waiting
from tests.core.test_plan_properties import FEW
from yolotui.core.bookings import Booking
from yolotui.core.gpus import Gpu
from yolotui.core.jobs import Notice, Priority
from yolotui.core.plan import Policy, Preemption, plan
from yolotui.core.quotas import Quota, QuotaScope
from yolotui.core.timetable import Demand, Entry, Need, World

OWNERS = ("alice", "bob", "carol")
policies = st.builds(
    Policy,
    preemption=st.sampled_from(Preemption),
    tenants=st.integers(1, 3),
    careful=st.sampled_from([2, 200]),
    effort=st.just(200),
)
hours = st.floats(0.05, 12.0)


@st.composite
def bookings_on(draw: st.DrawFn, gpus: tuple[Gpu, ...]) -> list[Booking]:
    """Up to two windows one after the other on some of the cards, for an owner or for one job."""
    uuids = [gpu.uuid for gpu in gpus]
    made: list[Booking] = []
    opens_h = draw(st.sampled_from([-0.5, 0.3, 2.0]))
    for number in range(1, 1 + draw(st.integers(0, 2))):
        on = draw(st.lists(st.sampled_from(uuids), min_size=1, unique=True))
        job_id = draw(st.none() | st.integers(0, 5))
        made.append(
            booking(
                number,
                on,
                opens_h=opens_h,
                hours=2,
                owner=draw(st.sampled_from(OWNERS)),
                job_id=job_id,
                pinned=draw(st.booleans()),
            )
        )
        opens_h += 3
    return made


@st.composite
def demands_on(draw: st.DrawFn, gpus: tuple[Gpu, ...]) -> list[Demand]:
    """Jobs that run, some of which have been told to leave or are leaving, and jobs that wait."""
    demands: list[Demand] = []
    for gpu in gpus:
        for _ in range(draw(st.integers(0, 2))):
            job = training(100 + len(demands), [gpu.uuid], hours=draw(hours), since_checkpoint_s=200)
            job = replace(job, priority=draw(st.sampled_from(Priority)), owner=draw(st.sampled_from(OWNERS)))
            job = replace(job, shares=True, vram_bytes=6 * GIB, resumable=draw(st.booleans()))
            if draw(st.integers(0, 3)) == 0:
                why = draw(st.sampled_from([{"for_job": 1}, {"for_booking": 1}]))
                notice = Notice(given_at=NOW - 60, due_at=NOW + draw(st.sampled_from([-60, 600])), why="", **why)
                job = replace(job, notice=notice, state=draw(st.sampled_from(["running", "pausing"])))
            demands.append(job)
    for job_id in range(draw(st.integers(0, 10))):
        job = waiting(
            job_id,
            gpus=draw(st.integers(0, 3)),
            hours=draw(hours),
            priority=draw(st.sampled_from(Priority)),
            submitted_at=NOW - HOUR * draw(st.integers(0, 60)),
            not_before=NOW + 900 if draw(st.integers(0, 9)) == 0 else None,
            vram_bytes=draw(st.sampled_from([0, 4 * GIB, 20 * GIB])),
        )
        job = replace(
            job,
            owner=draw(st.sampled_from(OWNERS)),
            shares=job.vram_bytes > 0,
            resumable=draw(st.booleans()),
            deadline_at=draw(st.none() | st.just(NOW + 4 * HOUR)),
        )
        if job_id and draw(st.integers(0, 4)) == 0:
            job = replace(job, needs=(Need(job_id - 1, f"job-{job_id - 1}", "waiting"),))
        demands.append(job)
    return demands


@st.composite
def worlds(draw: st.DrawFn) -> World:
    """A small machine with everything on it."""
    gpus = tuple(
        replace(
            gpu,
            foreign_bytes=draw(st.sampled_from([0, 0, 3 * GIB])),
            closes_at=draw(st.sampled_from([None, None, None, NOW + 3 * HOUR])),
        )
        for gpu in cards(draw(st.integers(1, 4)))
    )
    quotas = [
        Quota(scope=QuotaScope.OWNER, name="alice", gpus=draw(st.integers(0, 3))),
        Quota(scope=QuotaScope.OWNER, name="bob", weekly_gpu_s=9 * HOUR, used_gpu_s=HOUR, week_ends_at=NOW + 9 * HOUR),
    ]
    return World(
        gpus=gpus,
        demands=tuple(draw(demands_on(gpus))),
        bookings=tuple(draw(bookings_on(gpus))),
        quotas=tuple(quotas[: draw(st.integers(0, 2))]),
    )


@FEW
@given(worlds(), policies, st.floats(0, 3600))
def test_whatever_is_asked_the_plan_can_be_followed(world: World, policy: Policy, later_s: float) -> None:
    """It is the same each time; no card or memory is given twice, nothing started into windows or past closing.

    So is the plan that comes after it.
    """
    first = plan(world, policy, NOW)
    assert first == plan(world, policy, NOW)
    check_all(world, policy, first.starting_now(), NOW)
    check(world, first, NOW)
    now = NOW + later_s
    again = replace(world, previous=first)
    second = plan(again, policy, now)
    check_all(again, policy, second.starting_now(), now)
    check(again, second, now)


def check_all(world: World, policy: Policy, starting: list[Entry], now: float) -> None:
    """What must hold of those that are started now, beside those that run."""
    demands = {demand.job_id: demand for demand in world.demands}
    on_card: dict[str, list[Demand]] = {gpu.uuid: [] for gpu in world.gpus}
    for demand in world.demands:
        for uuid in demand.holding:
            on_card[uuid].append(demand)
    started = dict.fromkeys(on_card, 0)
    for entry in starting:
        demand = demands[entry.job_id]
        end = entry.yields_at or entry.finish_at or now
        for uuid in entry.gpus:
            on_card[uuid].append(demand)
            started[uuid] += 1
            check_windows(world, demand, uuid, end, now)
    for gpu in world.gpus:
        there = on_card[gpu.uuid]
        if started[gpu.uuid]:
            assert len(there) <= policy.tenants or len(there) == 1
            assert len(there) == 1 or all(demand.shares for demand in there)
            assert sum(demand.vram_bytes for demand in there) + gpu.foreign_bytes <= gpu.memory_total_bytes


def check_windows(world: World, demand: Demand, uuid: str, end: float, now: float) -> None:
    gpu = next(gpu for gpu in world.gpus if gpu.uuid == uuid)
    assert gpu.closes_at is None or end <= gpu.closes_at + 1
    bindings = {binding.booking_id: binding.gpus for binding in plan(world, Policy(effort=0), now).bindings}
    for window in world.bookings:
        cards_of = bindings.get(window.id, window.gpus)
        if uuid in cards_of and not window.is_for(demand.job_id, demand.owner) and window.ends_at > now:
            assert end <= max(window.starts_at, now) + 1
