"""Deadlines: kept where the classes allow it; foretold where they are missed, with what would save them."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from tests.core.planning import HOUR, NOW, cards, planned, running, training, waiting
from yolotui.core.deadlines import Miss, Rescue, misses, rescue
from yolotui.core.gpus import Gpu
from yolotui.core.jobs import Priority
from yolotui.core.plan import Policy, Preemption, plan
from yolotui.core.timetable import Demand, World

EVICT = Policy(preemption=Preemption.EVICT)


def due(demand: Demand, hours: float) -> Demand:
    return replace(demand, deadline_at=NOW + hours * HOUR)


def saved(gpus: Sequence[Gpu], demands: Sequence[Demand], policy: Policy | None = None) -> Rescue | None:
    """What would save the first deadline that is missed."""
    policy = policy or Policy()
    world = World(gpus=tuple(gpus), demands=tuple(demands))
    return rescue(world, policy, NOW, misses(world, plan(world, policy, NOW))[0])


def test_a_deadline_that_can_be_kept_is_kept() -> None:
    demands = [waiting(1, hours=1), waiting(2, hours=1), due(waiting(3, hours=3), 3.5)]
    assert planned(cards(1), demands).by_job()[3].start_at == NOW
    assert planned(cards(1), [*demands[:2], waiting(3, hours=3)]).by_job()[3].start_at == NOW + 2 * HOUR


def test_several_deadlines_are_kept_the_most_pressing_first() -> None:
    demands = [
        due(waiting(1, hours=2), 8),
        due(waiting(2, hours=2), 4),
        due(waiting(3, hours=2), 2),
        waiting(4, hours=1),
    ]
    timetable = planned(cards(1), demands)
    assert not misses(World(gpus=cards(1), demands=tuple(demands)), timetable)


def test_a_deadline_that_is_hopeless_holds_nobody_up() -> None:
    demands = [waiting(1, hours=1), due(waiting(2, hours=3), 2)]
    assert planned(cards(1), demands).by_job()[1].start_at == NOW


def test_a_deadline_overrules_no_class() -> None:
    demands = [waiting(1, hours=3, priority=Priority.P1), due(waiting(2, hours=1), 2)]
    world = World(gpus=cards(1), demands=tuple(demands))
    timetable = plan(world, Policy(), NOW)
    (miss,) = misses(world, timetable)
    assert miss == Miss(2, "job-2", NOW + 2 * HOUR, NOW + 4 * HOUR)
    assert miss.sentence(NOW) == (
        "Job 2 (job-2) is due in 2 h 00 min and expected to be done in 4 h 00 min, 2 h 00 min too late."
    )


def test_the_lowest_class_that_saves_it_is_named() -> None:
    demands = [waiting(1, hours=3, priority=Priority.P2), due(waiting(2, hours=1, priority=Priority.P3), 2)]
    found = saved(cards(1), demands)
    assert found == Rescue(Priority.P2, evicts=False, needs_evict=False, later=1)
    world = World(gpus=cards(1), demands=tuple(demands))
    (miss,) = misses(world, plan(world, Policy(), NOW))
    assert found.sentence(miss) == "`yolotui priority P2 2` would save it: 1 other job would start later."


def test_others_are_stopped_only_where_nothing_else_helps() -> None:
    demands = [training(1, ["gpu-0"], hours=9), due(waiting(2, hours=1), 3)]
    found = saved(cards(1), demands, EVICT)
    assert found == Rescue(Priority.P1, evicts=True, needs_evict=False, later=1)
    unasked = saved(cards(1), demands)
    assert unasked == Rescue(Priority.P1, evicts=True, needs_evict=True, later=1)
    miss = Miss(2, "job-2", NOW + 3 * HOUR, None)
    assert unasked.sentence(miss) == (
        '`yolotui priority P1 2` with preemption = "evict" would save it, stopping others for it: '
        "1 other job would start later."
    )


def test_where_nothing_helps_nothing_is_said() -> None:
    assert saved(cards(1), [running(1, ["gpu-0"], hours=9), due(waiting(2, hours=1), 3)], EVICT) is None
    assert saved(cards(1), [due(waiting(2, hours=4), 3)]) is None
    assert saved(cards(1), [due(running(1, ["gpu-0"], hours=9), 3)]) is None


def test_a_job_without_an_expected_end_misses_its_deadline_too() -> None:
    held = due(waiting(1, blocked="It is held."), 5)
    world = World(gpus=cards(1), demands=(held,))
    (miss,) = misses(world, plan(world, Policy(), NOW))
    assert miss.sentence(NOW) == "Job 1 (job-1) is due in 5 h 00 min, and nobody knows when it will be done."
