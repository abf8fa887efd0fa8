"""What people may do in which state, and what the audit log says about it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.store.builders import ANNA, command, submission, training
from yolotui.core.jobs import (
    Attempt,
    Cancelled,
    Failed,
    Held,
    Job,
    JobSpec,
    Outcome,
    Paused,
    Pausing,
    Priority,
    Process,
    Request,
    Running,
    Skipped,
    Status,
    Stopping,
    Succeeded,
    Waiting,
)
from yolotui.errors import NoSuchJob, NotPossible, WrongUse
from yolotui.locations import Home
from yolotui.store import Actor, Store


@pytest.fixture
def store(home: Home) -> Iterator[Store]:
    with Store(home) as opened:
        yield opened


def submit(store: Store, *specs: JobSpec) -> list[int]:
    return store.verbs.submit([submission(spec) for spec in specs], ANNA)


def run(store: Store, job_id: int, *, gpus: tuple[str, ...] = ()) -> Attempt:
    """Bring a waiting job to running."""
    attempt = Attempt(number=len(store.read.job(job_id).attempts) + 1, uuid=f"uuid-{job_id}", gpus=gpus)
    assert store.ledger.begin_attempt(job_id, attempt)
    store.ledger.attempt_runs(job_id, attempt.number, Process(4711, 1, "boot"))
    return attempt


def end(store: Store, job_id: int, status: Status, outcome: Outcome = Outcome.FAILED) -> None:
    """End the running attempt of a job."""
    attempt = store.read.job(job_id).attempts[-1]
    ended = Attempt(number=attempt.number, uuid=attempt.uuid, gpus=attempt.gpus, outcome=outcome, ended_at=1.0)
    store.ledger.attempt_ended(job_id, ended, lambda job: (status, job.failures))


def state(store: Store, job_id: int) -> str:
    return store.read.job(job_id).state


class TestSubmitting:
    def test_ids_count_up_and_names_resolve_to_the_same_submission_first(self, store: Store) -> None:
        (old,) = submit(store, command("a"))
        new, behind = submit(store, command("a"), command("b", after=("a",)))
        assert (old, new, behind) == (1, 2, 3)
        assert store.read.job(behind).after == (new,)

    def test_after_takes_ids_of_earlier_jobs(self, store: Store) -> None:
        (first,) = submit(store, command("a"))
        (second,) = submit(store, command("b", after=(str(first),)))
        assert store.read.job(second).after == (first,)

    @pytest.mark.parametrize("after", ["nobody", "77", "99999999999999999999999", "b"])
    def test_a_job_after_nobody_or_itself_is_refused(self, store: Store, after: str) -> None:
        with pytest.raises(WrongUse):
            submit(store, command("b", after=(after,)))
        assert store.read.jobs() == []

    def test_the_run_directory_is_named_by_id_and_a_harmless_name(self, store: Store) -> None:
        (job_id,) = submit(store, command("../../etc/x y\x1b[31m"))
        directory = store.read.job(job_id).run_dir
        assert directory == f"{store.home.runs}/000001-etc-x-y-31m"

    def test_the_environment_comes_back(self, store: Store) -> None:
        (job_id,) = submit(store, command("a"))
        assert store.read.environment(job_id) == {"PATH": "/bin"}


class TestSelecting:
    def test_by_id_range_name_and_group(self, store: Store) -> None:
        submit(store, command("a", group="night"), command("b"), command("a"))
        select = store.read.select
        assert select("2") == [2]
        assert select("1-2") == [1, 2]
        assert select("a") == [3]
        assert select("@night") == [1]

    @pytest.mark.parametrize("selector", ["9", "9-12", "nobody", "@nobody", "", "-", "99999999999999999999999"])
    def test_nothing_found_is_an_error(self, store: Store, selector: str) -> None:
        submit(store, command("a"))
        with pytest.raises(NoSuchJob):
            store.read.select(selector)


class TestMoving:
    def test_hold_and_release(self, store: Store) -> None:
        (job_id,) = submit(store, command("a"))
        store.verbs.hold([job_id], Actor("anna", 0, reason="wait for the labels"))
        held = store.read.job(job_id).status
        assert isinstance(held, Held)
        assert held.reason == "wait for the labels"
        store.verbs.release([job_id], ANNA)
        assert state(store, job_id) == "waiting"
        assert [(row.verb, row.reason) for row in store.read.audit(jobs=[job_id])] == [
            ("submit", ""),
            ("hold", "wait for the labels"),
            ("release", ""),
        ]

    def test_a_verb_over_several_jobs_is_done_to_all_or_none(self, store: Store) -> None:
        submit(store, command("a"), command("b"))
        store.verbs.hold([1], ANNA)
        with pytest.raises(NotPossible, match=r"job 1 \(a\) is held: can't hold it"):
            store.verbs.hold([2, 1], ANNA)
        assert state(store, 2) == "waiting"

    def test_pause_resume_and_requests_are_for_running_trainings(self, store: Store) -> None:
        submit(store, training("t"), command("c"))
        with pytest.raises(NotPossible, match="hold"):
            store.verbs.pause([1], ANNA)
        run(store, 1)
        run(store, 2)
        with pytest.raises(NotPossible, match="only a training"):
            store.verbs.pause([2], ANNA)
        store.verbs.request([1], Request.CHECKPOINT, ANNA)
        status = store.read.job(1).status
        assert isinstance(status, Running)
        assert status.request is Request.CHECKPOINT
        store.ledger.request_passed_on(1, Request.FINISH)
        assert store.read.job(1).status == status  # what is asked for now is not what was passed on
        store.ledger.request_passed_on(1, Request.CHECKPOINT)
        store.verbs.pause([1], ANNA)
        assert isinstance(store.read.job(1).status, Pausing)
        end(store, 1, Paused(1.0), Outcome.PAUSED)
        store.verbs.resume([1], ANNA)
        assert state(store, 1) == "waiting"

    def test_kill_is_for_running_and_cancel_for_waiting_jobs(self, store: Store) -> None:
        submit(store, command("a"), command("b"))
        run(store, 1)
        with pytest.raises(NotPossible, match="yolotui kill"):
            store.verbs.cancel([1], ANNA)
        with pytest.raises(NotPossible, match="yolotui cancel"):
            store.verbs.kill([2], ANNA)
        store.verbs.kill([1], ANNA)
        store.verbs.cancel([2], ANNA)
        assert isinstance(store.read.job(1).status, Stopping)
        assert isinstance(store.read.job(2).status, Cancelled)

    def test_a_kill_that_came_before_the_pid_was_known_is_not_forgotten(self, store: Store) -> None:
        submit(store, command("a"))
        assert store.ledger.begin_attempt(1, Attempt(number=1, uuid="u"))
        store.verbs.kill([1], ANNA)
        store.ledger.attempt_runs(1, 1, Process(4711, 1, "boot"))
        assert state(store, 1) == "stopping"

    def test_priority_until_the_end(self, store: Store) -> None:
        submit(store, command("a"))
        store.verbs.set_priority([1], Priority.P0, ANNA)
        assert store.read.job(1).priority is Priority.P0
        assert store.read.audit(jobs=[1])[-1].detail == {"before": "P2", "after": "P0"}
        store.verbs.cancel([1], ANNA)
        with pytest.raises(NotPossible):
            store.verbs.set_priority([1], Priority.P1, ANNA)

    def test_edit_changes_and_takes_away_arguments_of_a_waiting_job(self, store: Store) -> None:
        submit(store, training("t"))
        store.verbs.edit(1, {"batch": 8, "epochs": None}, ANNA)
        assert store.read.job(1).spec.arguments == {"batch": 8}
        run(store, 1)
        with pytest.raises(NotPossible, match="yolotui add"):
            store.verbs.edit(1, {"batch": 4}, ANNA)

    def test_another_users_job_is_not_ours_to_change(self, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
        submit(store, command("a"))
        monkeypatch.setattr("os.getuid", lambda: 12345)
        with pytest.raises(NotPossible, match="belongs to anna"):
            store.verbs.hold([1], Actor("bert", 54321))


class TestRetrying:
    def test_retry_arms_again_what_was_skipped_behind(self, store: Store) -> None:
        submit(store, command("a"), command("b", after=("a",)), command("c", after=("b",)), command("d"))
        run(store, 1)
        end(store, 1, Failed(1.0, "exit_code", "It ended with 1."))
        for job_id in (2, 3):
            assert store.ledger.settle(job_id, Waiting, Skipped(1.0, "a failed"), "skip", "a failed")
        assert store.verbs.retry([1], ANNA) == ([1], [2, 3])
        assert [job.state for job in store.read.jobs()] == ["waiting"] * 4

    def test_what_succeeded_is_not_tried_again(self, store: Store) -> None:
        submit(store, command("a"))
        run(store, 1)
        end(store, 1, Succeeded(1.0), Outcome.SUCCEEDED)
        with pytest.raises(NotPossible):
            store.verbs.retry([1], ANNA)


class TestGroups:
    def test_a_group_is_held_and_released_whole(self, store: Store) -> None:
        submit(store, command("a", group="night"), command("b", group="night"))
        store.verbs.hold([1], ANNA)
        store.verbs.hold_group("night", Actor("anna", 0, reason="bad labels"))
        assert store.read.held_groups()["night"].reason == "bad labels"
        store.verbs.release_group("night", ANNA)
        assert store.read.held_groups() == {}
        assert [job.state for job in store.read.jobs()] == ["waiting", "waiting"]

    def test_an_unknown_group_is_refused(self, store: Store) -> None:
        with pytest.raises(WrongUse):
            store.verbs.hold_group("nobody", ANNA)


class TestLedger:
    def test_no_gpu_is_leased_twice(self, store: Store) -> None:
        submit(store, command("a"), command("b"))
        run(store, 1, gpus=("GPU-0",))
        with pytest.raises(Exception, match="the GPU is leased to another job"):
            store.ledger.begin_attempt(2, Attempt(number=1, uuid="u", gpus=("GPU-1", "GPU-0")))
        assert state(store, 2) == "waiting"
        assert [lease.gpu for lease in store.read.leases()] == ["GPU-0"]
        end(store, 1, Succeeded(1.0), Outcome.SUCCEEDED)
        assert store.read.leases() == []

    def test_a_job_that_no_longer_waits_is_not_started(self, store: Store) -> None:
        submit(store, command("a"))
        store.verbs.cancel([1], ANNA)
        assert not store.ledger.begin_attempt(1, Attempt(number=1, uuid="u", gpus=("GPU-0",)))
        assert store.read.leases() == []

    def test_readers_see_what_changed_since(self, store: Store) -> None:
        submit(store, command("a"), command("b"))
        revision = store.read.revision()
        store.verbs.hold([2], ANNA)
        changed: list[Job] = store.read.jobs(since_revision=revision)
        assert [job.id for job in changed] == [2]

    def test_the_last_ends_of_a_group_begin_at_its_release(self, store: Store) -> None:
        submit(store, *(command(f"{n}", group="g") for n in range(3)))
        for job_id in (1, 2):
            run(store, job_id)
            end(store, job_id, Failed(2e9, "exit_code", "no"))
        assert [job.id for job in store.read.latest_ends("g", 3)] == [2, 1]
        end_of_time = Store(store.home, clock=lambda: 3e9)
        with end_of_time:
            end_of_time.verbs.release_group("g", ANNA)
        assert store.read.latest_ends("g", 3) == []
