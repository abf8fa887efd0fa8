"""Taking a file of jobs a second time: nothing twice, nothing lost, changes where the state allows them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.store.builders import ANNA, command, submission
from tests.store.test_verbs import end, run
from yolotui.core.jobs import Failed, Outcome, Skipped, Succeeded, Waiting
from yolotui.locations import Home
from yolotui.store import FileTaken, Store

FILE = "/team/night.toml"


@pytest.fixture
def store(home: Home) -> Iterator[Store]:
    with Store(home) as opened:
        yield opened


def take(store: Store, *jobs: tuple[str, str], again: bool = False, rerun_changed: bool = False) -> FileTaken:
    """Take a file of (name, digest); each job comes after the one before it."""
    submissions = [
        submission(command(name, after=(jobs[at - 1][0],) if at else ()), digest=digest)
        for at, (name, digest) in enumerate(jobs)
    ]
    return store.verbs.take_file(FILE, submissions, ANNA, again=again, rerun_changed=rerun_changed)


def states(store: Store) -> list[str]:
    return [job.state for job in store.read.jobs()]


def test_taking_it_twice_adds_nothing_twice(store: Store) -> None:
    first = take(store, ("a", "1"), ("b", "1"))
    second = take(store, ("a", "1"), ("b", "1"))
    assert first.added == (1, 2)
    assert second == FileTaken(jobs=(1, 2))


def test_a_new_job_hangs_on_those_that_are_there(store: Store) -> None:
    take(store, ("a", "1"))
    assert take(store, ("a", "1"), ("b", "1")).added == (2,)
    assert store.read.job(2).after == (1,)


def test_again_starts_a_new_round_and_the_next_call_continues_it(store: Store) -> None:
    take(store, ("a", "1"), ("b", "1"))
    assert take(store, ("a", "1"), ("b", "1"), again=True).added == (3, 4)
    assert store.read.job(4).after == (3,)
    assert take(store, ("a", "1"), ("b", "1")) == FileTaken(jobs=(3, 4))


def test_a_changed_waiting_job_is_updated(store: Store) -> None:
    take(store, ("a", "1"), ("b", "1"))
    assert take(store, ("a", "2"), ("b", "1")).updated == (1,)
    assert store.read.job(2).after == (1,)


def test_a_changed_running_job_is_never_changed(store: Store) -> None:
    take(store, ("a", "1"))
    run(store, 1)
    taken = take(store, ("a", "2"))
    assert taken.updated == ()
    assert "never changed" in dict(taken.kept)[1]


def test_a_changed_failed_job_runs_anew_and_what_was_skipped_behind_it_is_armed(store: Store) -> None:
    take(store, ("a", "1"), ("b", "1"))
    run(store, 1)
    end(store, 1, Failed(1.0, "exit_code", "no"))
    store.ledger.settle(2, Waiting, Skipped(1.0, "a failed"), "skip", "a failed")
    taken = take(store, ("a", "2"), ("b", "1"))
    assert (taken.updated, taken.rearmed) == ((1,), (2,))
    assert states(store) == ["waiting", "waiting"]


def test_an_unchanged_failed_job_stays_failed(store: Store) -> None:
    take(store, ("a", "1"))
    run(store, 1)
    end(store, 1, Failed(1.0, "exit_code", "no"))
    take(store, ("a", "1"))
    assert states(store) == ["failed"]


def test_a_changed_succeeded_job_is_left_alone_unless_asked(store: Store) -> None:
    take(store, ("a", "1"))
    run(store, 1)
    end(store, 1, Succeeded(1.0), Outcome.SUCCEEDED)
    assert "--rerun-changed" in dict(take(store, ("a", "2")).kept)[1]
    assert take(store, ("a", "2"), rerun_changed=True).updated == (1,)
    assert states(store) == ["waiting"]


def test_a_cancelled_job_stays_cancelled(store: Store) -> None:
    take(store, ("a", "1"))
    store.verbs.cancel([1], ANNA)
    assert "cancelled" in dict(take(store, ("a", "2")).kept)[1]
    assert states(store) == ["cancelled"]
