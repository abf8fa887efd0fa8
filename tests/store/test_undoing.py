"""What a person did last is taken back exactly, or not at all."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.store.builders import ANNA, command, submission
from yolotui.core.jobs import Held, JobSpec, Priority, Skipped, Waiting
from yolotui.errors import NotPossible
from yolotui.locations import Home
from yolotui.store import Actor, Store

BERT = Actor("bert", 0)


@pytest.fixture
def store(home: Home) -> Iterator[Store]:
    with Store(home) as opened:
        opened.verbs.submit([submission(each) for each in jobs()], ANNA)
        yield opened


def jobs() -> list[JobSpec]:
    return [command(name, group="g") for name in "abc"]


def states(store: Store) -> list[str]:
    return [job.state for job in store.read.jobs()]


def test_a_priority_goes_back_to_what_each_job_had(store: Store) -> None:
    store.verbs.set_priority([2], Priority.P3, ANNA)
    store.verbs.set_priority([1, 2], Priority.P0, ANNA)
    undone = store.verbs.undo(Actor("anna", 0, reason="wrong jobs"))
    assert (undone.verb, undone.jobs) == ("priority", (1, 2))
    assert [job.priority for job in store.read.jobs()] == [Priority.P2, Priority.P3, Priority.P2]
    rows = [row for row in store.read.audit() if row.verb == "undo"]
    assert [(row.job, row.reason, row.detail["verb"]) for row in rows] == [
        (1, "wrong jobs", "priority"),
        (2, "wrong jobs", "priority"),
    ]


def test_undo_after_undo_goes_further_back_until_nothing_is_left(store: Store) -> None:
    store.verbs.hold([1], ANNA)
    store.verbs.cancel([1, 2], ANNA)
    assert states(store) == ["cancelled", "cancelled", "waiting"]
    assert store.verbs.undo(ANNA).verb == "cancel"
    assert states(store) == ["held", "waiting", "waiting"]
    assert store.verbs.undo(ANNA).verb == "hold"
    assert states(store) == ["waiting"] * 3
    with pytest.raises(NotPossible, match="nothing to undo"):
        store.verbs.undo(ANNA, older=True)
    with pytest.raises(NotPossible, match="nothing to undo"):
        store.verbs.undo(BERT)


def test_an_act_that_can_not_be_taken_back_is_passed_over_only_when_asked_to(store: Store) -> None:
    store.verbs.hold([1], ANNA)
    store.verbs.submit([submission(command(name)) for name in "de"], ANNA)
    with pytest.raises(
        NotPossible, match=r"last act was adding jobs 4-5: `yolotui cancel 4-5` takes them out.*--older"
    ):
        store.verbs.undo(ANNA)
    assert states(store) == ["held", *["waiting"] * 4]
    assert store.verbs.undo(ANNA, older=True).verb == "hold"
    assert states(store) == ["waiting"] * 5


def test_each_act_that_stays_is_told_with_its_remedy(store: Store) -> None:
    store.verbs.cancel([1, 3], ANNA)
    store.verbs.retry([1, 3], ANNA)
    with pytest.raises(NotPossible, match="was retrying jobs 1 3: `yolotui cancel 1 3` takes them out"):
        store.verbs.undo(ANNA)
    store.verbs.drain(["GPU-0"], ANNA)
    with pytest.raises(NotPossible, match="was draining GPU GPU-0: `yolotui undrain GPU-0` takes it in again"):
        store.verbs.undo(ANNA)


def test_a_priority_that_a_job_has_already_is_no_act(store: Store) -> None:
    store.verbs.set_priority([1], Priority.P0, ANNA)
    store.verbs.set_priority([1], Priority.P0, ANNA)
    assert [row.verb for row in store.read.audit()].count("priority") == 1
    store.verbs.undo(ANNA)
    assert store.read.job(1).priority is Priority.P2


def test_a_released_job_is_held_again_for_the_same_reason(store: Store) -> None:
    store.verbs.hold([1], Actor("anna", 0, reason="bad labels"))
    before = store.read.job(1).status
    store.verbs.release([1], ANNA)
    store.verbs.undo(ANNA)
    assert store.read.job(1).status == before
    assert isinstance(before, Held)


def test_only_the_own_deeds_are_taken_back(store: Store) -> None:
    store.verbs.hold([1], ANNA)
    store.verbs.hold([2], BERT)
    store.verbs.undo(ANNA)
    assert states(store) == ["waiting", "held", "waiting"]


@pytest.mark.parametrize("meanwhile", ["released", "cancelled", "held anew"])
def test_nothing_is_undone_where_one_job_has_moved_on(store: Store, meanwhile: str) -> None:
    store.verbs.hold([1, 2], ANNA)
    if meanwhile == "cancelled":
        store.verbs.cancel([2], BERT)
    else:
        store.verbs.release([2], BERT)
    if meanwhile == "held anew":
        store.verbs.hold([2], BERT)
    with pytest.raises(NotPossible, match=r"job 2 \(b\) is no longer as 'hold' left it.*nothing was undone"):
        store.verbs.undo(ANNA)
    assert store.read.job(1).state == "held"
    assert "undo" not in {row.verb for row in store.read.audit()}


def test_a_priority_that_somebody_changed_since_is_left(store: Store) -> None:
    store.verbs.set_priority([1], Priority.P0, ANNA)
    store.verbs.set_priority([1], Priority.P1, BERT)
    with pytest.raises(NotPossible, match="it is waiting, P1"):
        store.verbs.undo(ANNA)


def test_what_was_skipped_behind_a_cancel_waits_again(store: Store) -> None:
    store.verbs.submit([submission(command("behind", after=("a",)))], BERT)
    store.verbs.cancel([1], ANNA)
    assert store.ledger.settle(4, Waiting, Skipped(1.0, "a was cancelled"), "skip", "a was cancelled")
    assert store.verbs.undo(ANNA).rearmed == (4,)
    assert states(store) == ["waiting"] * 4


def test_groups_are_held_and_released_back(store: Store) -> None:
    store.verbs.hold([1], ANNA)
    store.verbs.hold_group("g", Actor("anna", 0, reason="heat"))
    held = store.read.held_groups()
    store.verbs.release_group("g", ANNA)
    assert (states(store), store.read.held_groups()) == (["waiting"] * 3, {})
    undone = store.verbs.undo(ANNA)
    assert (undone.verb, undone.group, undone.jobs) == ("release-group", "g", (1,))
    assert (states(store), store.read.held_groups()) == (["held", "waiting", "waiting"], held)
    assert store.verbs.undo(ANNA).verb == "hold-group"
    assert store.read.held_groups() == {}


def test_a_group_that_was_held_anew_is_left(store: Store) -> None:
    store.verbs.hold_group("g", ANNA)
    store.verbs.release_group("g", BERT)
    with pytest.raises(NotPossible, match="'g' is no longer as that hold left it"):
        store.verbs.undo(ANNA)
