"""What holds of every timetable, whatever the world."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from tests.core.planning import GIB, HOUR, NOW, cards, check, running, waiting
from yolotui.core.gpus import Excluded, Foreign, Free, Gpu, Lost
from yolotui.core.jobs import Priority
from yolotui.core.plan import Kind, Mode, Policy, plan
from yolotui.core.planning.ordering import KEPT_FOR_RETRY_S
from yolotui.core.timetable import Demand, Entry, Need, Timetable, World

FEW = settings(max_examples=40, deadline=None)
STATES = ("succeeded", "failed", "running", "waiting", "paused", "skipped")
AVAILABILITIES = (Lost("gone"), Excluded("drained"), Foreign((7,), GIB))

hours = st.floats(0.01, 30.0)
policies = st.builds(
    Policy,
    kind=st.sampled_from(Kind),
    mode=st.sampled_from(Mode),
    careful=st.sampled_from([0, 3, 200]),
    effort=st.just(300),
)


@st.composite
def hosts(draw: st.DrawFn) -> tuple[Gpu, ...]:
    """Up to eight cards, small and large, some of which can't be used."""
    gpus = []
    for index in range(draw(st.integers(1, 8))):
        gpu = cards(1, draw(st.sampled_from([24, 24, 48])), first=index)[0]
        if draw(st.integers(0, 7)) == 0:
            gpu = replace(gpu, availability=draw(st.sampled_from(AVAILABILITIES)))
        gpus.append(gpu)
    return tuple(gpus)


@st.composite
def worlds(draw: st.DrawFn) -> World:
    """A host with jobs that run, wait, are blocked, and hang on each other."""
    gpus = draw(hosts())
    held = [gpu for gpu in gpus if draw(st.integers(0, 2)) == 0]
    demands = [running(100 + gpu.index, [gpu.uuid], hours=draw(hours)) for gpu in held]
    for job_id in range(draw(st.integers(0, 14))):
        demand = waiting(
            job_id,
            gpus=draw(st.integers(0, 5)),
            hours=draw(hours),
            priority=draw(st.sampled_from(Priority)),
            submitted_at=NOW - HOUR * draw(st.integers(0, 100)),
            blocked="It is held." if draw(st.integers(0, 9)) == 0 else "",
            not_before=NOW + 600 if draw(st.integers(0, 9)) == 0 else None,
            vram_bytes=draw(st.sampled_from([0, 0, 40 * GIB])),
        )
        if job_id and draw(st.integers(0, 3)) == 0:
            needed = draw(st.integers(0, job_id - 1))
            demand = replace(demand, needs=(Need(needed, f"job-{needed}", "waiting"),))
        elif draw(st.integers(0, 9)) == 0:
            demand = replace(demand, needs=(Need(99, "job-99", draw(st.sampled_from(STATES))),))
        demands.append(demand)
    return World(gpus=gpus, demands=tuple(demands), side_slots=draw(st.integers(1, 3)))


@FEW
@given(worlds(), policies)
def test_a_timetable_never_lies_about_what_is_there(world: World, policy: Policy) -> None:
    """No GPU twice, gangs whole, nothing on cards that can't be used, what runs stays, what waits says why."""
    check(world, plan(world, policy, NOW), NOW)


@FEW
@given(worlds(), policies)
def test_the_same_input_gives_the_same_timetable(world: World, policy: Policy) -> None:
    assert plan(world, policy, NOW) == plan(world, policy, NOW)


@FEW
@given(worlds())
def test_no_lower_class_delays_a_higher_one(world: World) -> None:
    """Were all lower classes away, no job could start sooner than it does, beside those of its own class and above.

    But for one whose retry is more than a minute away: no GPU idles for it.
    """
    fresh = tuple(
        replace(demand, needs=(), submitted_at=NOW)
        for demand in world.demands
        if demand.gpus and (demand.not_before or 0.0) - NOW <= KEPT_FOR_RETRY_S
    )
    world = replace(world, demands=fresh)
    timetable = plan(world, Policy(effort=300), NOW)
    for demand in fresh:
        entry = timetable.by_job()[demand.job_id]
        if demand.state == "waiting" and entry.start_at is not None:
            above = [
                timetable.by_job()[other.job_id]
                for other in fresh
                if other is not demand and (other.state == "running" or other.priority <= demand.priority)
            ]
            assert not _could_start_before(entry.start_at, demand, above, world)


def _could_start_before(start_at: float, demand: Demand, others: list[Entry], world: World) -> bool:
    """Whether the job fits in anywhere earlier, naively: at every end of another, on cards free all the time."""
    suitable = [
        gpu.uuid
        for gpu in world.gpus
        if isinstance(gpu.availability, Free) and gpu.memory_total_bytes >= demand.vram_bytes
    ]
    earliest = max(NOW, demand.not_before or 0.0)
    moments = {earliest, *(other.finish_at for other in others if other.finish_at is not None)}
    for moment in moments:
        if not earliest <= moment < start_at - 1e-6:
            continue
        end = moment + demand.estimate.remaining_s
        busy = {
            uuid
            for other in others
            if other.start_at is not None and other.finish_at is not None
            for uuid in other.gpus
            if other.start_at < end and other.finish_at > moment
        }
        if len([uuid for uuid in suitable if uuid not in busy]) >= demand.gpus:
            return True
    return False


@FEW
@given(worlds(), st.floats(0.0, 30.0))
def test_what_was_promised_holds_while_nothing_happens(world: World, later_s: float) -> None:
    """Planned again a moment later, with the timetable that was published, nothing that waits starts later."""
    settled = tuple(
        demand for demand in world.demands if demand.state == "running" or (not demand.needs and demand.gpus)
    )
    world = replace(world, demands=settled)
    before = plan(world, Policy(), NOW)
    now = NOW + later_s
    demands = tuple(_a_moment_later(demand, before, later_s) for demand in settled)
    after = plan(replace(world, demands=demands, previous=before), Policy(), now).by_job()
    for entry in before.entries:
        if entry.start_at is not None and entry.why is not None:
            start_at = after[entry.job_id].start_at
            assert start_at is not None
            assert start_at <= max(entry.start_at, now) + 1.0


def _a_moment_later(demand: Demand, timetable: Timetable, later_s: float) -> Demand:
    """What was to start has started; what runs has less left."""
    entry = timetable.by_job()[demand.job_id]
    if entry.starts_now:
        demand = replace(demand, state="running", holding=entry.gpus)
    if demand.state == "running":
        left_s = max(1.0, demand.estimate.remaining_s - later_s)
        return replace(demand, estimate=replace(demand.estimate, remaining_s=left_s))
    return demand


@settings(max_examples=6, deadline=None)
@given(st.integers(2, 4), st.floats(2.0, 6.0), st.sampled_from([Priority.P2, Priority.P3]))
def test_nobody_waits_for_ever_under_a_steady_trickle_of_p0(count: int, job_hours: float, priority: Priority) -> None:
    """A job as wide as the machine, while narrow P0s keep at least one card busy at every moment."""
    gpus = cards(count)
    wide = waiting(0, gpus=count, hours=1.0, priority=priority)
    assert _waited_for(wide, gpus, job_hours) is not None


def _waited_for(wide: Demand, gpus: tuple[Gpu, ...], job_hours: float) -> float | None:
    """Replay a trickle of P0s, each submitted before the last one ends; when the wide job starts, in hours."""
    policy = Policy(effort=50)
    now, number, previous = NOW, 1, None
    held: list[tuple[float, Demand]] = []
    queue: list[Demand] = [wide]
    step_s = job_hours * HOUR / 2
    for _ in range(int(90 * 24 * HOUR / step_s)):
        held = [(end, demand) for end, demand in held if end > now]
        queue.append(waiting(number, hours=job_hours, priority=Priority.P0, submitted_at=now))
        number += 1
        runs = [replace(d, estimate=replace(d.estimate, remaining_s=end - now)) for end, d in held]
        previous = plan(World(gpus=gpus, demands=(*runs, *queue), previous=previous), policy, now)
        for entry in previous.starting_now():
            demand = next(demand for demand in queue if demand.job_id == entry.job_id)
            if demand is wide:
                return (now - NOW) / HOUR
            queue.remove(demand)
            held.append((now + job_hours * HOUR, replace(demand, state="running", holding=entry.gpus)))
        now += step_s
    return None
