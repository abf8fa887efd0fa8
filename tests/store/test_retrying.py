"""A retry begins where it has to: with what failed before the job, never in vain."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.cli.states import fail, succeed
from tests.store.builders import ANNA, command, submission
from yolotui.core.jobs import Cancelled, Gate, JobSpec, Skipped, Waiting
from yolotui.errors import NotPossible
from yolotui.locations import Home
from yolotui.store import Store


@pytest.fixture
def store(home: Home) -> Iterator[Store]:
    with Store(home) as opened:
        yield opened


def submit(store: Store, *specs: JobSpec) -> None:
    store.verbs.submit([submission(spec) for spec in specs], ANNA)


def skip(store: Store, *job_ids: int) -> None:
    for job_id in job_ids:
        assert store.ledger.settle(job_id, Waiting, Skipped(1.0, "because"), "skip", "because")


def states(store: Store) -> list[str]:
    return [job.state for job in store.read.jobs()]


def test_it_resumes_at_the_stage_that_failed(store: Store) -> None:
    submit(store, command("fetch"), command("stage", after=("fetch",)))
    submit(store, *(command(name, after=("stage",)) for name in ("s1", "s2")), command("end", after=("s1",)))
    succeed(store, 1)
    fail(store, 2)
    skip(store, 3, 4, 5)
    assert store.verbs.retry([5], ANNA) == ([2, 3, 5], [4])
    assert states(store) == ["succeeded", "waiting", "waiting", "waiting", "waiting"]
    retried = {row.job: row.detail for row in store.read.audit() if row.verb == "retry"}
    assert {job: detail.get("because") for job, detail in retried.items()} == {2: 3, 3: 5, 5: None}


def test_a_cancelled_one_keeps_back_as_well_but_not_whom_its_end_suffices(store: Store) -> None:
    submit(store, command("a"), command("b"), command("c", after=("a",), after_finished=("b",)))
    assert store.ledger.settle(1, Waiting, Cancelled(1.0, "anna"), "cancel", "")
    fail(store, 2)
    skip(store, 3)
    assert store.verbs.retry([3], ANNA) == ([1, 3], [])
    assert states(store) == ["waiting", "failed", "waiting"]


def test_a_gate_that_was_missed_is_missed_again(store: Store) -> None:
    gate = Gate("a", "fitness", ">=", 0.5)
    submit(store, command("a"), command("b", after=("a",), when=(gate,)), command("c", after=("b",)))
    succeed(store, 1)
    skip(store, 2, 3)
    for job_id in (2, 3):
        with pytest.raises(
            NotPossible,
            match=r"job 2 \(b\) can't be retried. It asks that a.fitness >= 0.5 \(it is not known\), and job 1",
        ):
            store.verbs.retry([job_id], ANNA)
    assert states(store) == ["succeeded", "skipped", "skipped"]


def test_a_failure_that_did_not_come_can_not_be_retried(store: Store) -> None:
    submit(store, command("a"), command("rescue", after_failed=("a",)))
    succeed(store, 1)
    skip(store, 2)
    with pytest.raises(NotPossible, match="comes after a failure of job 1"):
        store.verbs.retry([2], ANNA)


def test_of_alternatives_all_that_failed_are_tried_again_if_none_is_left(store: Store) -> None:
    submit(store, command("a"), command("b"), command("c", after_any=("a", "b")))
    fail(store, 1)
    fail(store, 2)
    skip(store, 3)
    assert store.verbs.retry([3], ANNA).jobs == [1, 2, 3]
