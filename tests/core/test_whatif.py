"""What if: who would start sooner and later, told from the published world alone."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from yolotui.core.gpus import Excluded, Gpu, Host
from yolotui.core.jobs import Argument, Attempt, Job, JobSpec, Kind, Owner, Priority, Progress, Succeeded
from yolotui.core.plan import Policy, Preemption, plan
from yolotui.core.timetable import Demand, Entry, Estimate, Need, NeedMode, Published, Timetable, World
from yolotui.core.whatif import (
    NEW_JOB,
    compare,
    demand_of,
    difference,
    expected,
    need_of,
    too_much,
    with_job,
    with_priority,
)

NOW = 1_000_000.0
HOUR_S = 3600.0
GIB = 1 << 30


def cards(count: int, **details: Any) -> tuple[Gpu, ...]:
    known = {"name": "NVIDIA A100", "memory_total_bytes": 40 * GIB, **details}
    return tuple(Gpu(uuid=f"GPU-{n}", index=n, **known) for n in range(count))


def demand(job_id: int, *, gpus: int = 1, hours: float = 1.0, holding: int = 0, **details: Any) -> Demand:
    return Demand(
        job_id=job_id,
        name=f"job-{job_id}",
        priority=details.pop("priority", Priority.P2),
        submitted_at=NOW - 60 + job_id,
        gpus=gpus,
        estimate=Estimate(hours * HOUR_S, "told"),
        state="running" if holding else "waiting",
        holding=tuple(f"GPU-{n}" for n in range(holding)),
        **details,
    )


def published(*demands: Demand, gpus: int = 2) -> Published:
    world = World(gpus=cards(gpus), demands=demands)
    host = Host(at=NOW, gpus=world.gpus)
    timetable = plan(world, Policy(), NOW)
    return Published(revision=1, at=NOW, leader_pid=1, host=host, world=world, timetable=timetable)


def command(name: str = "new", **details: Any) -> JobSpec:
    return JobSpec(name=name, kind=Kind.COMMAND, command=("x",), **details)


def test_compare_tells_who_gains_most_first_and_leaves_out_who_stays() -> None:
    def timetable(*starts: float | None) -> Timetable:
        return Timetable(made_at=NOW, entries=tuple(Entry(job_id=n, start_at=at) for n, at in enumerate(starts, 1)))

    moves = compare(timetable(NOW, NOW + 90, NOW + 500, NOW + 7), timetable(NOW + 60, NOW, None, NOW + 7.5))
    assert [(move.job_id, move.later_s) for move in moves] == [(2, -90.0), (1, 60.0), (3, float("inf"))]


def test_a_higher_class_moves_one_forward_and_others_back_by_what_it_takes() -> None:
    now = published(demand(1, gpus=2, holding=2), demand(2, gpus=2, hours=0.5), demand(3, gpus=2, hours=2))
    would_be = difference(now, with_priority(now.world, [3], Priority.P0), Policy())
    assert [(move.job_id, move.later_s) for move in would_be.moves] == [(3, -0.5 * HOUR_S), (2, 2 * HOUR_S)]
    assert now.world.demands[2].priority is Priority.P2


def test_no_change_moves_nobody() -> None:
    now = published(demand(1, gpus=2, holding=2), *(demand(n, gpus=1 + n % 2, hours=n) for n in range(2, 12)))
    assert difference(now, now.world, Policy()).moves == []


def test_on_an_idle_home_it_is_planned_at_the_moment_of_asking() -> None:
    idle = published()
    new = demand_of(command(), Priority.P2, Estimate(HOUR_S, "told"), (), NOW + 5 * HOUR_S)
    entry = difference(idle, with_job(idle.world, new), Policy(), NOW + 5 * HOUR_S).entry(NEW_JOB)
    assert entry is not None
    assert (entry.start_at, entry.finish_at, entry.starts_now) == (NOW + 5 * HOUR_S, NOW + 6 * HOUR_S, True)
    early = difference(idle, with_job(idle.world, new), Policy(), NOW - 60).timetable
    assert early.made_at == NOW


def test_what_runs_has_run_on_since_the_timetable_was_published() -> None:
    before = published(demand(1, gpus=2, holding=2, hours=2), demand(2, gpus=2))
    later = difference(before, before.world, Policy(), NOW + 0.5 * HOUR_S)
    assert later.moves == []
    assert [entry.start_at for entry in later.timetable.entries if entry.job_id == 2] == [NOW + 2 * HOUR_S]


def test_a_new_job_has_its_line_and_delays_only_those_behind_it() -> None:
    now = published(demand(1, gpus=2, holding=2), demand(2, gpus=2, priority=Priority.P3))
    new = demand_of(command(gpus=2), Priority.P1, Estimate(HOUR_S, "told"), (), NOW)
    would_be = difference(now, with_job(now.world, new), Policy())
    entry = would_be.entry(NEW_JOB)
    assert entry is not None
    assert entry.start_at == NOW + HOUR_S
    assert [(move.job_id, move.later_s) for move in would_be.moves] == [(NEW_JOB, float("-inf")), (2, HOUR_S)]


def test_a_new_job_behind_another_starts_when_that_has_ended() -> None:
    now = published(demand(1, gpus=2, holding=2, hours=3))
    need = Need(1, "job-1", "running", mode=NeedMode.FINISHED)
    new = demand_of(command(gpus=0), Priority.P2, Estimate(60.0, "told"), (need,), NOW)
    entry = difference(now, with_job(now.world, new), Policy()).entry(NEW_JOB)
    assert entry is not None
    assert entry.start_at == NOW + 3 * HOUR_S


@pytest.mark.parametrize(
    ("asks", "said"),
    [
        ({"gpus": 2}, ""),
        ({"gpus": 3}, "It asks for 3 GPUs and this machine has 2."),
        ({"gpu_model": "a100", "avoid": ("1",)}, ""),
        ({"gpu_model": "H100"}, "It asks for 1 GPU of the model H100, and none of 2 here can take it."),
        ({"gpus": 2, "avoid": ("1",)}, "It asks for 2 GPUs that it does not avoid, and 1 of 2 here can take it."),
        ({"vram_bytes": 41 * GIB}, "It asks for more memory than 1 GPU here has."),
        ({"gpus": 0, "gpu_model": "H100"}, ""),
    ],
)
def test_what_a_machine_can_never_run_is_said(asks: dict[str, Any], said: str) -> None:
    assert too_much(command(**asks), cards(2)) == said


def test_cards_that_are_out_of_use_today_may_come_back() -> None:
    assert too_much(command(gpus=2), cards(2, availability=Excluded("drained"))) == ""


def ended(job_id: int, spec: JobSpec, *, run_s: float) -> Job:
    attempt = Attempt(number=1, uuid="u", started_at=NOW, ended_at=NOW + run_s, progress=Progress(epochs_done=10))
    return Job(
        id=job_id, spec=spec, priority=Priority.P2, owner=Owner("anna", 0), submitted_at=NOW, status=Succeeded(NOW),
        run_dir="", attempts=(attempt,),
    )  # fmt: skip


def training(model: str, epochs: int = 10, **details: Any) -> JobSpec:
    arguments: dict[str, Argument] = {"epochs": epochs, "imgsz": 640}
    return JobSpec(name="t", kind=Kind.TRAIN, model=model, data="/d.yaml", arguments=arguments, **details)


def test_a_new_job_takes_as_long_as_its_like_did_else_what_its_owner_said() -> None:
    past = [ended(1, training("n.yaml"), run_s=600.0), ended(2, training("x.yaml"), run_s=6000.0)]
    assert expected(training("n.yaml", epochs=20, estimate_s=5.0), past).remaining_s == pytest.approx(1200.0)
    in_other_words = replace(past[0].spec, arguments={"epochs": 20, "batch": 16})
    assert expected(in_other_words, past).remaining_s == pytest.approx(1200.0)
    assert expected(in_other_words, past).source == "earlier runs of the same"
    assert expected(training("m.yaml", estimate_s=500.0), past).remaining_s == 500.0
    assert expected(training("m.yaml"), past).source.startswith("a guess")
    assert expected(command(estimate_s=30.0), past).remaining_s == 30.0


def test_a_job_of_the_queue_as_a_need() -> None:
    assert need_of(ended(7, training("n.yaml"), run_s=1.0), "any") == Need(7, "t", "succeeded", mode=NeedMode.ANY)


def test_who_would_have_to_make_room_is_told() -> None:
    lower = demand(1, gpus=1, holding=1, hours=5, priority=Priority.P3, resumable=True, epoch_s=600.0)
    now = published(lower, gpus=1)
    would_be = difference(
        now, with_job(now.world, demand(2, priority=Priority.P0)), Policy(preemption=Preemption.EVICT)
    )
    assert [eviction.job_id for eviction in would_be.evictions] == [1]
    assert not difference(now, now.world, Policy(preemption=Preemption.EVICT)).evictions
