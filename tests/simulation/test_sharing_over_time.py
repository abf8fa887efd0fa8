"""Days of a machine that is shared: evictions, shared cards and bookings, replayed against what must always hold."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from yolotui.core.bookings import Booked, Booking
from yolotui.core.jobs import Owner, Priority
from yolotui.core.plan import Policy, Preemption
from yolotui.core.planning.leaving import RESTART_S
from yolotui.core.planning.rooms import SLOWDOWN
from yolotui.simulation import Trace, TraceJob
from yolotui.simulation.bounds import bounds
from yolotui.simulation.machine import CARD_BYTES, Segment
from yolotui.simulation.replaying import Ran, replay
from yolotui.simulation.reporting import summary

GPUS = 3
HOUR = 3600.0
GIB = 1024**3
FEW = settings(max_examples=25, deadline=None)

traces = st.lists(
    st.builds(
        TraceJob,
        submit_s=st.floats(0, 20 * HOUR),
        gpus=st.integers(0, GPUS),
        duration_s=st.floats(60, 6 * HOUR),
        priority=st.sampled_from(Priority),
        preemptible=st.booleans(),
        owner=st.sampled_from(["alice", "bob"]),
    ),
    min_size=1,
    max_size=14,
).map(tuple)


def held(jobs: tuple[Ran, ...]) -> list[tuple[Segment, Ran]]:
    return [(segment, job) for job in jobs for segment in job.segments]


def check_cards(jobs: tuple[Ran, ...]) -> None:
    """No card twice at a time."""
    for index in range(GPUS):
        mine = sorted((each.start, each.end) for each, _ in held(jobs) if index in each.gpus)
        for (_, end), (start, _) in pairwise(mine):
            assert start >= end - 1e-6


@FEW
@given(traces)
def test_evictions_come_to_an_end_and_nothing_is_lost(trace: Trace) -> None:
    """Who was evicted comes back and does all its work; each time a higher job starts; nobody twice within an hour."""
    policy = Policy(preemption=Preemption.EVICT, effort=100)
    jobs = replay(trace, GPUS, policy).jobs
    check_cards(jobs)
    for job, asked in zip(jobs, trace, strict=True):
        ran_s = sum(segment.end - segment.start for segment in job.segments)
        pauses = len(job.segments) - 1
        assert ran_s >= asked.duration_s - 1e-3
        assert ran_s <= asked.duration_s + pauses * (RESTART_S + 300) + 1e-3
        assert pauses == 0 or (asked.preemptible and asked.priority > Priority.P0)
        ends = [segment.end for segment in job.segments[:-1]]
        assert all(later - earlier >= policy.evict_again_s for earlier, later in pairwise(ends))
        for end in ends:
            assert any(
                abs(other.start - end) <= policy.checkpoint_wait_s and trace[other.id].priority < asked.priority
                for other in jobs
            )


@FEW
@given(traces, st.floats(1 * HOUR, 10 * HOUR), st.integers(1, GPUS))
def test_no_booking_is_broken_by_a_start(trace: Trace, opens_s: float, count: int) -> None:
    """In a window nobody else is started on its cards, and who ran there has left, unless he can't be paused."""
    window = Booking(
        id=1,
        owner=Owner("alice", 1000),
        starts_at=opens_s,
        ends_at=opens_s + 3 * HOUR,
        count=count,
        gpus=tuple(f"sim-{index}" for index in range(count)),
        pinned=True,
        made_at=-HOUR,
        status=Booked(-HOUR),
    )
    jobs = replay(trace, GPUS, Policy(effort=100), bookings=[window]).jobs
    check_cards(jobs)
    for segment, job in held(jobs):
        if trace[job.id].owner == "alice" or all(index >= count for index in segment.gpus):
            continue
        assert segment.end <= window.starts_at + 1e-6 or segment.start >= window.ends_at - 1e-6


def test_one_who_leaves_for_a_booking_comes_back_after_it() -> None:
    trace = (TraceJob(submit_s=0, gpus=GPUS, duration_s=5 * HOUR),)
    window = Booking(
        id=1,
        owner=Owner("alice", 1000),
        starts_at=2 * HOUR,
        ends_at=4 * HOUR,
        count=1,
        gpus=("sim-0",),
        made_at=0,
        status=Booked(0),
    )
    (job,) = replay(trace, GPUS, Policy(), bookings=[window]).jobs
    first, second = job.segments
    assert first.start == 0
    assert first.end == 2 * HOUR - 300
    assert second.start == 4 * HOUR
    assert second.end - second.start == pytest.approx(5 * HOUR - first.end + RESTART_S)


@FEW
@given(
    st.lists(
        st.builds(
            TraceJob,
            submit_s=st.floats(0, 2 * HOUR),
            gpus=st.just(1),
            duration_s=st.floats(60, 4 * HOUR),
            vram_bytes=st.sampled_from([None, 2 * GIB, 10 * GIB, 16 * GIB]),
        ),
        min_size=2,
        max_size=14,
    ).map(tuple),
    st.integers(1, 3),
)
def test_no_memory_is_oversold_while_time_passes(trace: Trace, tenants: int) -> None:
    replayed = replay(trace, GPUS, Policy(tenants=tenants, effort=100))
    jobs, best = replayed.jobs, bounds(trace, GPUS, tenants)
    figures = summary(trace, replayed, GPUS)
    assert figures.makespan_s >= best.makespan_s * (1 - 1e-9)
    assert figures.mean_completion_s >= best.mean_completion_s * (1 - 1e-9)
    for moment in {job.start for job in jobs}:
        for index in range(GPUS):
            there = [job.id for job in jobs if index in job.gpus and job.start <= moment < job.end - 1e-6]
            promised = [trace[job].vram_bytes for job in there]
            assert len(there) <= tenants
            assert len(there) <= 1 or (None not in promised and sum(filter(None, promised)) <= CARD_BYTES)
    for job, asked in zip(jobs, trace, strict=True):
        assert asked.duration_s - 1e-3 <= job.end - job.start <= asked.duration_s * SLOWDOWN + 1e-3


def test_two_who_share_a_card_take_longer_and_are_both_done_sooner() -> None:
    trace = tuple(TraceJob(submit_s=0, gpus=1, duration_s=HOUR, vram_bytes=8 * GIB) for _ in range(2))
    jobs = replay(trace, 1, Policy()).jobs
    assert [job.start for job in jobs] == [0, 0]
    assert [job.end for job in jobs] == [SLOWDOWN * HOUR, SLOWDOWN * HOUR]
