"""Runs beside one another: what each came to, what differs, what misleads."""

from __future__ import annotations

import math
from typing import Any

from msgspec.structs import replace

from tests.core.jobs import HOUR, attempt, job
from yolotui.core.comparing_runs import Changed, Obstacle, RunFacts, compare
from yolotui.core.jobs import Kind, Progress, Running

BOXES = "metrics/mAP50-95(B)"


def run(job_id: int, *scores: float, column: str = BOXES, changes: tuple[Changed, ...] = (),
        versions: dict[str, str] | None = None, gpu_model: str = "H100", **asked: Any) -> RunFacts:  # fmt: skip
    """A training of two hours on one GPU with these scores, an epoch each."""
    spec = {"model": "n.yaml", "data": "shapes.yaml", "arguments": {"epochs": 3, **asked.pop("arguments", {})}, **asked}
    return RunFacts(
        job=job(job_id, attempt(1, 1, 3, "GPU-0", gpu_model=gpu_model), **spec),
        epochs=tuple(range(1, len(scores) + 1)),
        elapsed_s=tuple(100.0 * n for n in range(1, len(scores) + 1)),
        columns={column: scores} if scores else {},
        changes=changes,
        versions=versions or {},
    )


def kinds(*runs: RunFacts) -> list[Obstacle]:
    return [caveat.kind for caveat in compare(runs, 9 * HOUR).caveats]


def test_what_each_came_to():
    found = compare([run(1, 0.1, 0.5, 0.4), run(2, 0.2, math.nan, 0.6)], 9 * HOUR)
    first, second = found.runs
    assert found.metric == BOXES
    assert (first.best, first.best_epoch, first.best_after_s, first.last) == (0.5, 2, 200.0, 0.4)
    assert (second.best, second.best_epoch) == (0.6, 3)
    assert (first.gpu_s, first.trained_s) == (2 * HOUR, 300.0)
    assert found.winner == 1
    assert found.caveats == ()
    assert found.differing == ()


def test_what_they_were_made_with_is_told_where_it_is_known_and_differs():
    made = {"commit": "a1b2c3", "data": "d1", "torch": "2.1"}
    first = replace(run(1, 0.5, arguments={"lr0": 0.1}), made_from=made, in_force={"lr0": 0.1, "nbs": 64, "amp": True})
    second = replace(
        run(2, 0.5, gpu_model="A100", arguments={"lr0": 0.2}),
        made_from=made | {"commit": "d4e5f6 with changes 77"},
        in_force={"lr0": 0.2, "nbs": 32, "amp": True},
    )
    found = compare([first, second, run(3, 0.5)], 0)
    assert {each.argument: each.values for each in found.made_otherwise} == {
        "commit": ("a1b2c3", "d4e5f6 with changes 77", None),
        "GPU": ("H100", "A100", "H100"),
        "nbs in force": (64, 32, None),
    }
    assert "The code beside them was not the same: a1b2c3, d4e5f6 with changes 77." in [
        caveat.sentence for caveat in found.caveats
    ]


def test_a_run_without_an_epoch_takes_nothing_from_the_others():
    found = compare([run(1), run(2, 0.2, 0.6), run(3, 0.3)], 0)
    assert [each.best for each in found.runs] == [None, 0.6, 0.3]
    assert (found.metric, found.winner, found.caveats) == (BOXES, 1, ())


def test_a_command_is_told_to_be_no_training():
    errand = RunFacts(job=job(3, attempt(1, 1, 3), kind=Kind.COMMAND, command=("true",)))
    found = compare([run(1, 0.5), errand], 0)
    assert found.runs[0].best == 0.5
    assert [(caveat.kind, caveat.jobs) for caveat in found.caveats] == [(Obstacle.TASK, (3,))]
    assert found.caveats[0].sentence == "#3 job-3 is no training (command): it has no score."


def test_of_a_validation_the_score_is_told_and_set_beside_no_epoch():
    reached = Progress(best={"metrics/mAP50-95(B)": 0.4321})
    check = RunFacts(job=job(3, attempt(1, 1, 3, progress=reached), kind=Kind.VAL))
    found = compare([run(1, 0.5), check], 0)
    assert [each.best for each in found.runs] == [0.5, None]
    assert found.caveats[0].sentence == "#3 job-3 is no training (val): its mAP50-95(B) of 0.4321 stands apart."


def test_the_earlier_of_two_equal_epochs_is_the_best():
    (first, _) = compare([run(1, 0.5, 0.5), run(2, 0.1)], 0).runs
    assert first.best_epoch == 1


def test_arguments_that_differ_and_those_that_one_leaves_out():
    found = compare([run(1, 0.1, arguments={"lr0": 0.01}), run(2, 0.1, gpus=2, arguments={"lr0": 0.02, "seed": 0})], 0)
    assert {each.argument: each.values for each in found.differing} == {
        "gpus": (1, 2), "lr0": (0.01, 0.02), "seed": (None, 0),
    }  # fmt: skip
    assert found.caveats == ()


def test_false_and_zero_differ():
    (only,) = compare([run(1, arguments={"rect": False}), run(2, arguments={"rect": 0})], 0).differing
    assert only.argument == "rect"


def test_other_data_other_parts_of_it_other_measure_other_length():
    assert kinds(run(1, 0.1), run(2, 0.1, data="other.yaml")) == [Obstacle.DATA]
    assert kinds(run(1, 0.1), run(2, 0.1, arguments={"fraction": 0.5})) == [Obstacle.DATA]
    assert kinds(run(1, 0.1), run(2, 0.1, arguments={"imgsz": 1280})) == [Obstacle.MEASURE]
    assert kinds(run(1, 0.1), run(2, 0.1, arguments={"epochs": 9})) == [Obstacle.EPOCHS]


def test_a_batch_that_memory_forced_down():
    halved = run(1, 0.1, changes=(Changed("batch", 64, 32, "out of memory"), Changed("project", "x", None)))
    (caveat,) = compare([halved, run(2, 0.1)], 0).caveats
    assert caveat.kind is Obstacle.CHANGED
    assert caveat.sentence == "#1 job-1 went on with batch 32 instead of 64: out of memory."
    assert caveat.jobs == (1,)


def test_other_tasks_share_no_score_and_nobody_wins():
    found = compare([run(1, 0.1), run(2, 0.9, column="metrics/accuracy_top1")], 0)
    assert [caveat.kind for caveat in found.caveats] == [Obstacle.TASK]
    assert found.metric is None
    assert found.winner is None


def test_other_versions_and_other_cards():
    old, new = {"ultralytics": "8.3.0", "python": "3.11"}, {"ultralytics": "8.4.190", "python": "3.12"}
    assert kinds(run(1, 0.1, versions=old), run(2, 0.1, versions=new)) == [Obstacle.VERSIONS]
    assert kinds(run(1, 0.1), run(2, 0.1, gpu_model="T4")) == [Obstacle.HARDWARE]


def test_a_run_that_has_not_ended_and_one_that_never_began():
    going = run(1, 0.1, status=Running(0, 1))
    found = compare([going, RunFacts(job=job(2, data="shapes.yaml", model="n.yaml", arguments={"epochs": 3}))], 0)
    assert [(caveat.kind, caveat.jobs) for caveat in found.caveats] == [
        (Obstacle.UNFINISHED, (1,)),
        (Obstacle.UNFINISHED, (2,)),
    ]
    assert found.runs[1].best is None
    assert found.runs[1].gpu_s == 0
