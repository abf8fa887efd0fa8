"""Jobs that come after others: when they may start, and what is skipped with a failure."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from tests.core.planning import cards, planned, running, starts, waiting
from yolotui.core.jobs import Priority
from yolotui.core.timetable import Demand, Need, NeedMode


def need(job_id: int, state: str, mode: NeedMode = NeedMode.ALL, missed: tuple[str, ...] = ()) -> Need:
    """A need of a job."""
    return Need(job_id, f"job-{job_id}", state, missed, mode)


def test_a_chain_is_planned_to_its_end() -> None:
    demands = [
        waiting(3, hours=3.0, needs=[need(2, "waiting")]),
        waiting(2, hours=2.0, needs=[need(1, "running")]),
        running(1, ["gpu-0"], hours=1.0),
    ]
    timetable = planned(cards(2), demands)
    assert starts(timetable) == {1: 0, 2: 1, 3: 3}
    assert str(timetable.by_job()[3].why) == "It comes after job 2 (job-2), which waits."


def test_fan_out_and_fan_in() -> None:
    demands = [
        waiting(1, hours=1.0),
        waiting(2, hours=2.0, needs=[need(1, "waiting")]),
        waiting(3, hours=4.0, needs=[need(1, "waiting")]),
        waiting(4, hours=1.0, needs=[need(2, "waiting"), need(3, "waiting")]),
    ]
    assert starts(planned(cards(2), demands)) == {1: 0, 2: 1, 3: 1, 4: 5}


def test_an_urgent_job_after_a_patient_one_comes_after_it() -> None:
    demands = [waiting(1, priority=Priority.P0, needs=[need(2, "waiting")]), waiting(2, priority=Priority.P3)]
    assert starts(planned(cards(2), demands)) == {2: 0, 1: 1}


@pytest.mark.parametrize(
    ("mode", "state", "fate"),
    [
        (NeedMode.ALL, "succeeded", "starts"),
        (NeedMode.ALL, "failed", "skipped"),
        (NeedMode.ALL, "cancelled", "skipped"),
        (NeedMode.ALL, "paused", "waits"),
        (NeedMode.ANY, "succeeded", "starts"),
        (NeedMode.ANY, "failed", "skipped"),
        (NeedMode.FINISHED, "succeeded", "starts"),
        (NeedMode.FINISHED, "failed", "starts"),
        (NeedMode.FINISHED, "skipped", "starts"),
        (NeedMode.FINISHED, "running", "waits"),
        (NeedMode.FAILED, "failed", "starts"),
        (NeedMode.FAILED, "succeeded", "skipped"),
        (NeedMode.FAILED, "cancelled", "skipped"),
        (NeedMode.FAILED, "running", "waits"),
    ],
)
def test_what_each_mode_asks_for(mode: NeedMode, state: str, fate: str) -> None:
    timetable = planned(cards(1), [waiting(1, needs=[need(9, state, mode)])])
    if fate == "skipped":
        assert [skip.job_id for skip in timetable.skips] == [1]
        assert not timetable.entries
    else:
        assert timetable.by_job()[1].starts_now == (fate == "starts")
        assert not timetable.skips


def test_any_one_of_several_is_enough_and_only_all_failures_skip() -> None:
    one = planned(cards(1), [waiting(1, needs=[need(8, "failed", NeedMode.ANY), need(9, "succeeded", NeedMode.ANY)])])
    assert one.by_job()[1].starts_now
    hope = planned(cards(1), [waiting(1, needs=[need(8, "failed", NeedMode.ANY), need(9, "paused", NeedMode.ANY)])])
    assert not hope.skips
    none = planned(cards(1), [waiting(1, needs=[need(8, "failed", NeedMode.ANY), need(9, "skipped", NeedMode.ANY)])])
    assert none.skips[0].reason == "It comes after any one of jobs 8, 9, and none of them succeeded."


def test_after_any_one_counts_from_the_first_that_ends() -> None:
    demands = [
        running(8, ["gpu-0"], hours=5.0),
        running(9, ["gpu-1"], hours=2.0),
        waiting(1, needs=[need(8, "running", NeedMode.ANY), need(9, "running", NeedMode.ANY)]),
    ]
    assert starts(planned(cards(3), demands))[1] == 2


def test_a_failed_branch_skips_all_that_hangs_on_it_and_nothing_else() -> None:
    demands = [
        waiting(1, needs=[need(9, "failed")]),
        waiting(2, needs=[need(1, "waiting")]),
        waiting(3, needs=[need(2, "waiting")]),
        waiting(4, needs=[need(3, "waiting", NeedMode.FINISHED)]),
        waiting(5),
    ]
    timetable = planned(cards(2), demands)
    assert {skip.job_id: skip.reason for skip in timetable.skips} == {
        1: "It comes after job 9 (job-9), which failed.",
        2: "It comes after job 1 (job-1), which is skipped.",
        3: "It comes after job 2 (job-2), which is skipped.",
    }
    assert set(timetable.by_job()) == {4, 5}


def test_a_missed_gate_skips_and_says_which() -> None:
    gate = "night.mAP50 >= 0.4 (it is 0.31)"
    timetable = planned(cards(1), [waiting(1, needs=[need(9, "succeeded", missed=(gate,))])])
    assert timetable.skips[0].reason == f"It asks that {gate}, and job 9 (job-9) did not reach that."


def test_what_hangs_on_a_held_job_cannot_be_foreseen() -> None:
    entry = planned(cards(1), [waiting(1, needs=[need(9, "held")])]).by_job()[1]
    assert entry.start_at is None
    assert str(entry.why) == "It comes after job 9 (job-9), which is held. `yolotui release 9` lets that one go."


def reason(*needs: Need, others: Sequence[Demand] = ()) -> str:
    """Why job 1 does not run, which has these needs; job 8 runs."""
    demands = [running(8, ["gpu-0"]), waiting(1, needs=needs), *others]
    return str(planned(cards(2), demands).by_job()[1].why)


def test_what_is_required_is_not_counted_among_the_alternatives() -> None:
    said = reason(need(8, "running", NeedMode.ANY), need(9, "held", NeedMode.ANY), need(8, "running"))
    assert said == "It comes after job 8 (job-8), which is running."
    said = reason(need(8, "running"), need(7, "paused", NeedMode.ANY), need(9, "held", NeedMode.ANY))
    assert said == (
        "It comes after any one of jobs 7, 9, none of which has succeeded yet. `yolotui resume 7` continues that one."
    )


@pytest.mark.parametrize(
    ("state", "remedy"),
    [("held", "`yolotui release 9` lets that one go."), ("paused", "`yolotui resume 9` continues that one.")],
)
def test_what_is_kept_back_is_named_before_what_goes_on(state: str, remedy: str) -> None:
    assert reason(need(8, "running"), need(9, state)) == f"It comes after job 9 (job-9), which is {state}. {remedy}"


def test_what_cannot_be_foreseen_is_named_before_what_can() -> None:
    stuck = waiting(2, needs=[need(9, "held")])
    said = reason(need(8, "running"), need(2, "waiting"), others=[stuck])
    assert said == "It comes after job 2 (job-2), which waits. `yolotui why 2` tells what keeps that one."


def test_nobody_plans_for_a_failure() -> None:
    entry = planned(
        cards(2), [running(9, ["gpu-0"]), waiting(1, needs=[need(9, "running", NeedMode.FAILED)])]
    ).by_job()[1]
    assert entry.start_at is None
    assert str(entry.why) == "It runs only if job 9 (job-9) fails, which is running."
