"""What jobs hang on and in which way: resolved, kept, never in a circle, and armed again by a retry."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from importlib import resources

import pytest

from tests.store.builders import ANNA, command, submission
from yolotui.core.jobs import (
    Attempt,
    Failed,
    Gate,
    JobSpec,
    Kind,
    Outcome,
    Process,
    Skipped,
    Status,
    Succeeded,
    Waiting,
)
from yolotui.core.timetable import Need, NeedMode
from yolotui.errors import WrongUse
from yolotui.locations import Home
from yolotui.scheduler.preparing import prepare
from yolotui.scheduler.worldview import _need
from yolotui.store import Store


@pytest.fixture
def store(home: Home) -> Iterator[Store]:
    with Store(home) as opened:
        yield opened


def submit(store: Store, *specs: JobSpec) -> list[int]:
    return store.verbs.submit([submission(spec) for spec in specs], ANNA)


def take(store: Store, file: str, *specs: JobSpec) -> None:
    store.verbs.take_file(file, [submission(spec, digest=repr(spec)) for spec in specs], ANNA)


def end(store: Store, job_id: int, status: Status) -> None:
    attempt = Attempt(number=1, uuid=f"uuid-{job_id}")
    assert store.ledger.begin_attempt(job_id, attempt)
    store.ledger.attempt_runs(job_id, 1, Process(1, 1, "boot"))
    ended = Attempt(number=1, uuid=f"uuid-{job_id}", outcome=Outcome.FAILED, ended_at=1.0)
    store.ledger.attempt_ended(job_id, ended, lambda _: (status, 0))


def skip(store: Store, *job_ids: int) -> None:
    for job_id in job_ids:
        assert store.ledger.settle(job_id, Waiting, Skipped(1.0, "because"), "skip", "because")


def test_each_way_is_kept_beside_the_id(store: Store) -> None:
    submit(store, command("a"), command("b"))
    names: dict[str, tuple[str, ...]] = {"after": ("a",), "after_any": ("2", "c"), "after_finished": ("d",)}
    submit(store, command("c"), command("d"), command("e"), command("last", after_failed=("e",), **names))
    last = store.read.job(6)
    assert last.after == (1, 2, 3, 4, 5)
    assert last.after_modes == {2: "any", 3: "any", 4: "finished", 5: "failed"}
    assert store.read.dependents(4) == [6]


def test_one_job_can_be_asked_for_one_thing_only(store: Store) -> None:
    submit(store, command("a"))
    with pytest.raises(WrongUse, match="'b' comes after '1' in two ways, all and failed"):
        submit(store, command("b", after=("a",), after_failed=("1",)))
    assert submit(store, command("b", after=("a", "1"))) == [2]


def test_a_circle_within_a_submission_is_refused_as_a_path(store: Store) -> None:
    specs = [command("a", after=("c",)), command("b", after_any=("a",)), command("c", after_failed=("b",))]
    with pytest.raises(WrongUse, match=r"wait for each other: .*a \(job 1\) → c \(job 3\) → b \(job 2\).*") as caught:
        submit(store, *specs)
    assert str(caught.value).count("→") == 3
    assert store.read.jobs() == []


def test_a_circle_across_two_files_is_refused(store: Store) -> None:
    take(store, "/one.toml", command("a"))
    take(store, "/two.toml", command("b", after=("a",)), command("c", after=("b",)))
    with pytest.raises(WrongUse, match=r"a \(job 1\)") as caught:
        take(store, "/one.toml", command("a", after_finished=("c",)))
    assert str(caught.value).count("→") == 3
    assert store.read.job(1).after == ()


def test_a_diamond_is_no_circle(store: Store) -> None:
    submit(store, command("a"), command("b", after=("a",)), command("c", after=("a",)), command("d", after=("b", "c")))
    assert store.read.job(4).after == (2, 3)


class TestRetrying:
    def test_what_waits_for_an_end_of_any_kind_is_not_armed_by_it(self, store: Store) -> None:
        submit(store, command("a"), command("other"))
        submit(store, command("success", after=("a",)), command("tidy", after=("other",), after_finished=("a",)))
        end(store, 1, Failed(1.0, "exit", "It ended with 1."))
        end(store, 2, Failed(1.0, "exit", "It ended with 1."))
        skip(store, 3, 4)
        assert store.verbs.retry([1], ANNA).behind == [3]
        assert store.verbs.retry([2], ANNA).behind == [4]

    def test_alternatives_and_what_waits_for_a_failure_are_armed_again(self, store: Store) -> None:
        submit(store, command("a"), command("b"))
        submit(store, command("first", after_any=("a", "b")), command("rescue", after_failed=("first",)))
        end(store, 1, Failed(1.0, "exit", "It ended with 1."))
        end(store, 2, Failed(1.0, "exit", "It ended with 1."))
        skip(store, 3, 4)
        assert store.verbs.retry([2], ANNA).behind == [3, 4]

    def test_what_ran_because_of_the_failure_is_left_as_it_ended(self, store: Store) -> None:
        submit(store, command("a"), command("rescue", after_failed=("a",)))
        end(store, 1, Failed(1.0, "exit", "It ended with 1."))
        end(store, 2, Succeeded(1.0))
        assert store.verbs.retry([1], ANNA).behind == []
        assert store.read.job(2).state == "succeeded"


def test_what_an_older_file_knew_asks_for_success(home: Home) -> None:
    home.create()
    with Store(home) as store:
        submit(store, command("a"), command("b", after=("a",)))
    with sqlite3.connect(home.queue) as connection:  # back to how the first version kept it
        connection.execute("ALTER TABLE dependencies RENAME TO newer")
        schema = (resources.files("yolotui.store") / "schema" / "0001_queue.sql").read_text()
        table = schema[schema.index("CREATE TABLE dependencies") :]
        connection.execute(table[: table.index(";")])
        connection.execute("INSERT INTO dependencies SELECT job, needs FROM newer")
        connection.execute("DROP TABLE newer")
        migration = (resources.files("yolotui.store") / "schema" / "0003_dependency_modes.sql").read_text()
        connection.executescript(migration)
    connection.close()
    with Store(home) as store:
        job = store.read.job(2)
        assert (job.after, job.after_modes) == ((1,), {})


def test_what_an_earlier_job_made_is_handed_on_by_its_name_or_its_id(store: Store) -> None:
    submit(store, command("maker"))
    maker = store.read.job(1)
    asked = JobSpec(
        name="user", kind=Kind.COMMAND, command=("x", "{maker.dir}", "{1.results}", "{2.dir}"), after=("1",)
    )
    submit(store, asked)
    begun = prepare(store.read.job(2), [maker])
    assert begun.spec.command == ("x", maker.run_dir, f"{maker.run_dir}/train/results.csv", "{2.dir}")


def test_the_plan_is_told_the_way_and_the_gates_that_were_missed_by_name_or_id(store: Store) -> None:
    gates = (Gate("maker", "fitness", ">=", 0.5), Gate("1", "fitness", ">=", 0.6), Gate("other", "fitness", ">=", 0.7))
    submit(store, command("maker"), command("b", after=("maker",), when=gates), command("c", after_any=("maker",)))
    assert _need(store.read.job(2), store.read.job(1)) == Need(1, "maker", "waiting")
    end(store, 1, Succeeded(1.0))
    maker = store.read.job(1)
    assert _need(store.read.job(3), maker) == Need(1, "maker", "succeeded", mode=NeedMode.ANY)
    told = _need(store.read.job(2), maker).missed_gates
    assert [gate.split(" (")[0] for gate in told] == ["maker.fitness >= 0.5", "1.fitness >= 0.6"]
