"""One leader, which runs what is asked for, notices what ends, and leaves when nothing is left to do."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.helpers import eventually
from tests.scheduler.conftest import ANNA, Rig
from yolotui import JobSpec, Kind, Queue
from yolotui.core.bookings import BookingRequest
from yolotui.core.jobs import Attempt, Failed, Outcome, Priority, Skipped, Waiting
from yolotui.leadership import Lock, is_led, watching
from yolotui.scheduler.leader import LINGER_S

WAIT_FOR_FILE = "import sys,pathlib,time\nwhile not pathlib.Path(sys.argv[1]).exists(): time.sleep(0.01)"


def waiting_for(path: Path) -> tuple[str, ...]:
    """A command that ends when a file appears."""
    return (sys.executable, "-c", WAIT_FOR_FILE, str(path))


def test_jobs_run_and_it_leaves_when_nothing_is_left(rig: Rig) -> None:
    jobs = [rig.command(f"job-{number}", "true") for number in range(5)]
    scheduler = rig.lead("--until-idle")
    for job in jobs:
        ended = rig.until(job, "succeeded")
        assert [attempt.outcome for attempt in ended.attempts] == [Outcome.SUCCEEDED]
        assert ended.attempts[0].exit_code == 0
    assert scheduler.wait(timeout=60) == 0
    assert rig.store.read.leader() is None
    assert rig.store.read.leases() == []
    # Whether it was ever seen to run depends on who was quicker, it or the leader.
    assert [verb for verb in rig.verbs_of(jobs[0]) if verb != "run"] == ["submit", "start", "end"]


def test_two_at_once_and_one_leads(rig: Rig) -> None:
    first = rig.lead()
    second = rig.lead()
    assert second.wait(timeout=60) == 0
    assert first.poll() is None


def test_it_stays_while_somebody_watches(rig: Rig) -> None:
    rig.home.create()
    with watching(rig.home):
        scheduler = rig.lead("--until-idle")
        job = rig.command("late", "true")
        rig.until(job, "succeeded")
        assert scheduler.poll() is None
    assert scheduler.wait(timeout=60) == 0


def test_it_stays_for_a_booking_that_is_still_to_come(rig: Rig) -> None:
    rig.home.create()
    with watching(rig.home):
        scheduler = rig.lead("--until-idle")
        eventually(rig.store.read.host)
        tomorrow = time.time() + 86400
        booking = rig.store.verbs.reserve(BookingRequest(starts_at=tomorrow, ends_at=tomorrow + 7200, count=1), ANNA)
    with pytest.raises(subprocess.TimeoutExpired):
        scheduler.wait(timeout=LINGER_S + 1)
    rig.store.verbs.unreserve(booking.id, ANNA)
    assert scheduler.wait(timeout=60) == 0


def test_output_environment_and_devices_reach_the_command(rig: Rig) -> None:
    show = "import os; print('cards', os.environ['CUDA_VISIBLE_DEVICES'], os.environ.get('RANK'), os.environ['COLOUR'])"
    job = rig.command("env", sys.executable, "-c", show, env={"COLOUR": "blue", "RANK": "3"})
    rig.lead("--until-idle")
    run_dir = Path(rig.until(job, "succeeded").run_dir)
    assert (run_dir / "attempt-1/console.log").read_text() == "cards -1 None blue\n"


def test_a_failure_is_explained_and_retried_as_often_as_allowed(rig: Rig) -> None:
    job = rig.command("fails", sys.executable, "-c", "raise SystemExit(7)", retries=2)
    rig.lead("--until-idle")
    failed = rig.until(job, "failed")
    assert [attempt.exit_code for attempt in failed.attempts] == [7, 7, 7]
    assert isinstance(failed.status, Failed)
    assert "7" in failed.status.reason
    assert "3 times" in failed.status.reason


def test_a_permanent_error_is_not_retried(rig: Rig) -> None:
    job = rig.command("typo", "/no/such/program", retries=5)
    rig.lead("--until-idle")
    failed = rig.until(job, "failed")
    assert len(failed.attempts) == 1
    assert failed.attempts[0].cause == "command_not_found"


def test_priority_goes_first_and_gangs_start_whole(make_rig: Callable[[str], Rig], tmp_path: Path) -> None:
    rig = make_rig("sim:2x24GiB")
    go = tmp_path / "go"
    holder = rig.command("holder", *waiting_for(go), gpus=1)
    rig.lead("--until-idle")
    rig.until(holder, "running")
    wide = rig.command("wide", "true", gpus=2)
    low = rig.command("low", "true", gpus=2)
    rig.store.verbs.set_priority([low], Priority.P3, ANNA)
    urgent = rig.command("urgent", "true", gpus=2)
    rig.store.verbs.set_priority([urgent], Priority.P0, ANNA)
    published = eventually(lambda: (p := rig.store.read.published()) and len(p.timetable.entries) == 4 and p)
    assert published
    why = published.timetable.by_job()[wide].why
    assert why is not None
    assert "2 GPUs" in why.sentence
    go.touch()
    ended = [rig.until(job, "succeeded") for job in (urgent, wide, low)]
    starts = [job.attempts[0].started_at or 0 for job in ended]
    assert starts == sorted(starts)
    assert all(len(job.attempts[0].gpus) == 2 for job in ended)


def test_what_hangs_on_a_failure_is_skipped_and_says_so(rig: Rig) -> None:
    first = rig.command("first", "false")
    second = rig.command("second", "true", after=(str(first),))
    third = rig.command("third", "true", after=(str(second),))
    rig.lead("--until-idle")
    skipped = rig.until(third, "skipped")
    assert isinstance(skipped.status, Skipped)
    assert f"job {second}" in skipped.status.reason
    between = rig.job(second).status
    assert isinstance(between, Skipped)
    assert "failed" in between.reason
    assert rig.verbs_of(second)[-1] == "skip"


def test_what_a_job_made_is_handed_on(rig: Rig) -> None:
    first = rig.command("first", "true")
    second = rig.command("second", "echo", "{first.dir}", after=("first",))
    rig.lead("--until-idle")
    run_dir = Path(rig.until(second, "succeeded").run_dir)
    assert (run_dir / "attempt-1/console.log").read_text().strip().rstrip("/") == rig.job(first).run_dir


def test_kill_ends_the_whole_tree(rig: Rig) -> None:
    tree = "import subprocess,sys; subprocess.Popen(['sleep','300'], start_new_session=True); print('up',flush=True); "
    stubborn = "import signal,time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(300)"
    job = rig.command("tree", sys.executable, "-c", tree + stubborn)
    rig.lead("--until-idle")
    running = rig.until(job, "running")
    console = Path(running.run_dir) / "attempt-1/console.log"
    eventually(lambda: console.exists() and "up" in console.read_text())
    rig.store.verbs.kill([job], ANNA)
    ended = rig.until(job, "cancelled")
    assert ended.attempts[0].outcome is Outcome.STOPPED
    assert ended.attempts[0].signal == signal.SIGKILL
    assert rig.store.read.leases() == []


def test_three_quick_failures_in_a_row_hold_their_group(rig: Rig) -> None:
    jobs = [rig.command(f"bad-{number}", "false", group="night", gpus=2) for number in range(5)]
    other = rig.command("other", "true")
    rig.lead()
    rig.until(jobs[2], "failed")
    rig.until(other, "succeeded")
    group = eventually(lambda: rig.store.read.held_groups().get("night"))
    assert group is not None
    assert "failed within a minute" in group.reason
    assert [rig.job(job).state for job in jobs] == ["failed"] * 3 + ["waiting"] * 2
    rig.store.verbs.release_group("night", ANNA)
    rig.until(jobs[4], "failed")


def test_asked_to_leave_it_leaves_and_trainings_go_on(rig: Rig, tmp_path: Path) -> None:
    go = tmp_path / "go"
    job = rig.command("long", *waiting_for(go))
    scheduler = rig.lead()
    rig.until(job, "running")
    scheduler.send_signal(signal.SIGTERM)
    assert scheduler.wait(timeout=60) == 0
    pid = rig.job(job).attempts[0].process
    assert pid is not None
    assert Path(f"/proc/{pid.pid}").exists()
    rig.lead("--until-idle")
    go.touch()
    assert len(rig.until(job, "succeeded").attempts) == 1


def test_a_locked_queue_is_waited_out(rig: Rig) -> None:
    job = rig.command("a", "true")
    connection = rig.store._database.connection
    connection.execute("BEGIN IMMEDIATE")
    rig.lead(wait=False)
    connection.execute("ROLLBACK")
    rig.until(job, "succeeded")
    assert "Traceback" not in rig.log()


def test_a_verb_starts_a_scheduler_where_none_leads(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("YOLOTUI_GPUS", "cpu:1")
    with Queue(rig.home.root) as queue:
        (job,) = queue.add(JobSpec(name="a", kind=Kind.COMMAND, command=("true",), gpus=0))
    rig.until(job, "succeeded")
    eventually(lambda: not is_led(rig.home))


def test_a_watcher_replaces_a_scheduler_that_was_killed_but_none_that_was_stopped(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("YOLOTUI_GPUS", "cpu:1")
    with Queue(rig.home.root) as queue, queue.watching():
        rig.lead().send_signal(signal.SIGTERM)
        eventually(lambda: not is_led(rig.home))
        assert not queue.replace_lost_leader()
        killed = rig.lead()
        rig.kill(killed)
        assert queue.replace_lost_leader()
        eventually(lambda: rig.leader_pid() not in {None, killed.pid})


class TestLock:
    def test_one_exclusive_or_many_shared(self, rig: Rig) -> None:
        path = rig.home.root / "some.lock"
        one, two, three = Lock(path), Lock(path), Lock(path)
        assert one.acquire(shared=True)
        assert two.acquire(shared=True)
        assert not three.acquire()
        one.release()
        two.release()
        assert three.acquire()
        three.release()

    def test_asking_who_leads_makes_no_file_and_takes_no_lock(self, rig: Rig) -> None:
        assert not is_led(rig.home)
        lock = Lock(rig.home.scheduler_lock)
        assert lock.acquire()
        assert is_led(rig.home)
        lock.release()
        assert not is_led(rig.home)


class TestAfterALeaderWasKilled:
    def test_running_jobs_are_adopted_and_not_run_twice(self, rig: Rig, tmp_path: Path) -> None:
        go = tmp_path / "go"
        jobs = [rig.command(f"long-{number}", *waiting_for(go)) for number in range(2)]
        first = rig.lead()
        for job in jobs:
            rig.until(job, "running")
        rig.kill(first)
        rig.lead("--until-idle")
        go.touch()
        for job in jobs:
            assert [attempt.outcome for attempt in rig.until(job, "succeeded").attempts] == [Outcome.SUCCEEDED]

    def test_a_start_that_was_committed_and_never_made_is_made_again(self, rig: Rig) -> None:
        job = rig.command("a", "true")
        assert rig.store.ledger.begin_attempt(job, Attempt(number=1, uuid="lost", gpus=("SIM-0",)))
        rig.lead("--until-idle")
        ended = rig.until(job, "succeeded")
        assert [attempt.outcome for attempt in ended.attempts] == [Outcome.NEVER_STARTED, Outcome.SUCCEEDED]
        assert (Path(ended.run_dir) / "attempt-1/claim").exists()

    def test_an_end_that_nobody_saw_is_read_from_the_run_directory(self, rig: Rig, tmp_path: Path) -> None:
        go = tmp_path / "go"
        job = rig.command("long", *waiting_for(go))
        first = rig.lead()
        attempt_dir = Path(rig.until(job, "running").run_dir) / "attempt-1"
        rig.kill(first)
        # The follow-up of the shim is not to lead before this test does.
        lock = Lock(rig.home.scheduler_lock)
        assert lock.acquire()
        go.touch()
        eventually((attempt_dir / "exit.json").exists)
        lock.release()
        rig.lead("--until-idle")
        assert len(rig.until(job, "succeeded").attempts) == 1

    def test_the_next_shim_that_ends_starts_another(self, rig: Rig, tmp_path: Path) -> None:
        go = tmp_path / "go"
        first_job = rig.command("long", *waiting_for(go), gpus=2)
        second_job = rig.command("after", "true", gpus=2)
        first = rig.lead()
        rig.until(first_job, "running")
        rig.kill(first)
        go.touch()
        rig.until(second_job, "succeeded")
        eventually(lambda: not is_led(rig.home))

    def test_a_dead_shim_leaves_a_job_that_is_watched_all_the_same(self, rig: Rig, tmp_path: Path) -> None:
        go = tmp_path / "go"
        job = rig.command("long", *waiting_for(go))
        rig.lead("--until-idle")
        attempt_dir = Path(rig.until(job, "running").run_dir) / "attempt-1"
        shim = json.loads((attempt_dir / "claim").read_text())["pid"]
        os.kill(shim, signal.SIGKILL)
        eventually(lambda: not Path(f"/proc/{shim}").exists())
        assert rig.job(job).state == "running"
        go.touch()
        ended = rig.until(job, "failed")
        assert ended.attempts[0].exit_code is None
        assert len(ended.attempts) == 1

    def test_a_reboot_interrupts_and_does_not_count_as_a_failure(self, rig: Rig, tmp_path: Path) -> None:
        job = rig.command("a", "true")
        assert rig.store.ledger.begin_attempt(job, Attempt(number=1, uuid="before", gpus=()))
        attempt_dir = Path(rig.job(job).run_dir) / "attempt-1"
        attempt_dir.mkdir(parents=True)
        claim = {"pid": 1, "start_ticks": 1, "boot_id": "another boot", "by": "shim"}
        (attempt_dir / "claim").write_text(json.dumps(claim))
        rig.lead("--until-idle")
        ended = rig.until(job, "succeeded")
        assert [attempt.outcome for attempt in ended.attempts] == [Outcome.INTERRUPTED, Outcome.SUCCEEDED]
        assert ended.failures == 0


def test_a_run_directory_that_cannot_be_made_postpones_the_start(rig: Rig) -> None:
    job = rig.command("a", "true")
    rig.home.runs.write_text("a file where the directory should be")
    rig.lead()
    eventually(lambda: "postpone" in rig.verbs_of(job))
    status = rig.job(job).status
    assert isinstance(status, Waiting)
    assert status.not_before is not None
