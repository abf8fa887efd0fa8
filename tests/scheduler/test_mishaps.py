"""Bad luck that was met for real: each must cost one job at most, and never the night."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from tests.helpers import eventually
from tests.scheduler.conftest import ANNA, Rig
from tests.scheduler.test_leading import waiting_for
from yolotui import JobSpec, Kind
from yolotui.core.jobs import Attempt, Outcome, Pausing, Waiting
from yolotui.leadership import is_led
from yolotui.scheduler.leader import LONG_WAL_BYTES
from yolotui.scheduler.local import LocalExecutor
from yolotui.scheduler.wakeups import Wakeups
from yolotui.store import Submission


def test_no_scheduler_is_started_from_inside_a_job(rig: Rig, tmp_path: Path) -> None:
    """It would end with the job, take its trainings along, and see the job's GPUs alone."""
    go = tmp_path / "go"
    submit = [sys.executable, "-m", "yolotui", "run", "--gpus", "0", "--name", "inner", "--", "true"]
    code = f"import subprocess; subprocess.run({submit!r}, check=True); " + _wait(go)
    outer = rig.command("outer", sys.executable, "-c", code)
    scheduler = rig.lead()
    rig.until(outer, "running")
    rig.kill(scheduler)
    inner = outer + 1
    eventually(lambda: len(rig.store.read.jobs()) == 2)
    assert not is_led(rig.home)
    go.touch()  # the shim of the job that ends starts the next one, which is nobody's child
    rig.until(inner, "succeeded")
    assert rig.job(outer).state == "succeeded"


def _wait(path: Path) -> str:
    return f"import pathlib, time\nwhile not pathlib.Path({str(path)!r}).exists(): time.sleep(0.01)"


def test_a_run_directory_removed_under_a_running_job_is_no_reason_to_run_it_twice(rig: Rig, tmp_path: Path) -> None:
    go, witness = tmp_path / "go", tmp_path / "witness"
    code = f"open({str(witness)!r}, 'a').write('x'); " + _wait(go)
    job = rig.command("job", sys.executable, "-c", code, gpus=2)
    scheduler = rig.lead()
    running = rig.until(job, "running")
    eventually(witness.exists)
    shutil.rmtree(running.run_dir)
    rig.kill(scheduler)
    rig.lead()
    other = rig.command("other", "true", gpus=2)
    eventually(lambda: (p := rig.store.read.published()) and other in p.timetable.by_job())
    assert rig.job(job).state == "running"
    assert rig.job(other).state == "waiting"
    go.touch()
    rig.until(other, "succeeded")
    assert witness.read_text() == "x"
    assert [attempt.outcome for attempt in rig.job(job).attempts] == [Outcome.FAILED]


def test_the_processes_of_another_queue_are_not_ours(rig: Rig) -> None:
    wakeups = Wakeups()
    executor = LocalExecutor(rig.home, wakeups)
    child = subprocess.Popen(["sleep", "60"], env={**os.environ, "YOLOTUI_ATTEMPT": "of-another-queue"})
    try:
        executor.expect(frozenset({"of-another-queue"}))
        eventually(lambda: executor.whose(child.pid))  # the kernel shows an environment a moment after the exec
        executor.expect(frozenset({"of-this-queue"}))
        assert executor.whose(child.pid) is None
    finally:
        child.kill()
        child.wait()
        wakeups.close()


def test_a_job_whose_run_directory_is_nonsense_does_not_keep_the_others_from_running(rig: Rig) -> None:
    data = str(rig.home.root)
    poisoned = rig.submit(
        JobSpec(name="poisoned", kind=Kind.TRAIN, model="yolo11n.yaml", data=data, arguments={"epochs": 1})
    )
    run_dir = Path(rig.job(poisoned).run_dir)
    run_dir.mkdir(parents=True)
    (run_dir / "train").write_text("a file where a folder should be")
    (run_dir / "attempt-1").write_text("likewise")
    rig.home.config.write_text('[scheduling]\npreflight = "off"\n')  # it is to come as far as its start
    innocent = rig.command("innocent", "true")
    scheduler = rig.lead()
    rig.until(innocent, "succeeded")
    assert scheduler.poll() is None


def test_a_pause_that_can_not_be_told_does_not_end_the_leader(rig: Rig, tmp_path: Path) -> None:
    go = tmp_path / "go"
    job = rig.submit(JobSpec(name="job", kind=Kind.COMMAND, command=waiting_for(go), gpus=0, cwd=str(tmp_path)))
    scheduler = rig.lead()
    running = rig.until(job, "running")
    shutil.rmtree(running.run_dir)
    spec = msgspec.structs.replace(running.spec, kind=Kind.TRAIN)
    with rig.store._database.write(ANNA) as write:
        write.execute("UPDATE jobs SET spec = ? WHERE id = ?", (msgspec.json.encode(spec).decode(), job))
    rig.store.verbs.pause([job], ANNA)
    other = rig.command("other", "true")
    rig.until(other, "succeeded")
    assert isinstance(rig.job(job).status, Pausing)
    assert scheduler.poll() is None
    go.touch()


def test_a_change_between_the_plan_and_the_start_counts(rig: Rig) -> None:
    job_id = rig.submit(
        JobSpec(name="job", kind=Kind.TRAIN, model="yolo11n.yaml", data="/data.yaml", arguments={"epochs": 100})
    )
    planned = rig.job(job_id)
    rig.store.verbs.edit(job_id, {"epochs": 7}, ANNA)
    attempt = Attempt(number=1, uuid="u")
    assert not rig.store.ledger.begin_attempt(job_id, attempt, planned_revision=planned.revision)
    rig.store.verbs.hold_group("default", ANNA)
    assert not rig.store.ledger.begin_attempt(job_id, attempt, planned_revision=rig.job(job_id).revision)
    rig.store.verbs.release_group("default", ANNA)
    assert rig.store.ledger.begin_attempt(job_id, attempt, planned_revision=rig.job(job_id).revision)


def test_a_program_that_throws_its_environment_away_is_killed_all_the_same(rig: Rig) -> None:
    deaf = (
        "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(300)"
    )
    job = rig.command("deaf", "env", "-i", sys.executable, "-c", deaf)
    rig.lead()
    console = Path(rig.until(job, "running").run_dir) / "attempt-1/console.log"
    eventually(lambda: console.exists() and "up" in console.read_text())
    rig.store.verbs.kill([job], ANNA)
    ended = rig.until(job, "cancelled")
    assert ended.attempts[0].signal == signal.SIGKILL


@pytest.mark.parametrize("name", ["exit.json", "claim"])
def test_what_is_dead_and_unreadable_can_be_ended_by_a_person(rig: Rig, tmp_path: Path, name: str) -> None:
    go = tmp_path / "go"
    job = rig.command("job", *waiting_for(go))
    scheduler = rig.lead()
    running = rig.until(job, "running")
    process = running.attempts[0].process
    assert process is not None
    attempt_dir = Path(running.run_dir) / "attempt-1"
    shim = json.loads((attempt_dir / "claim").read_text())["pid"]
    rig.kill(scheduler)
    os.kill(shim, signal.SIGKILL)
    os.kill(process.pid, signal.SIGKILL)
    (attempt_dir / name).write_text("")
    rig.lead()
    if name == "claim":
        rig.until(job, "unknown")
        rig.store.verbs.kill([job], ANNA)
        rig.until(job, "cancelled")
    else:
        rig.until(job, "failed")
    assert rig.store.read.leases() == []


def test_a_lock_that_was_removed_leaves_one_leader(rig: Rig) -> None:
    first = rig.lead()
    rig.home.scheduler_lock.unlink()
    second = rig.lead(wait=False)
    assert first.wait(timeout=60) == 0
    eventually(lambda: rig.leader_pid() == second.pid)
    job = rig.command("job", "true")
    rig.until(job, "succeeded")
    assert rig.verbs_of(job).count("end") == 1


def test_a_configuration_with_mistakes_does_not_end_a_night(rig: Rig) -> None:
    rig.home.create()
    job = rig.command("job", "true")
    rig.home.config.write_text("[queue]\nconfrim = true\n")
    rig.lead()
    rig.until(job, "succeeded")
    assert "confirm" in rig.log()


def test_a_clock_set_back_does_not_prolong_a_back_off(make_rig: Callable[[str], Rig]) -> None:
    rig = make_rig("cpu:1")
    job = rig.command("job", "true")
    far = 4e9
    with rig.store._database.write(ANNA) as write:
        status = msgspec.json.encode(Waiting(far, far + 60)).decode()
        write.execute("UPDATE jobs SET status = ?, revision = ? WHERE id = ?", (status, write.revision, job))
    rig.lead()
    rig.until(job, "succeeded")


def test_a_missing_command_is_named_as_it_was_written(rig: Rig) -> None:
    job = rig.command("typo", "no-such-command-at-all")
    rig.lead()
    line = rig.command("line", "true && false")
    assert "no such command: no-such-command-at-all" in rig.until(job, "failed").attempts[0].explanation
    assert "a line for a shell is run with sh -c" in rig.until(line, "failed").attempts[0].explanation


def test_a_start_that_the_disk_refused_is_a_start_that_never_was(rig: Rig) -> None:
    """Found by chaos, seed 1004: on a disk that was read-only for a moment the job could not even be claimed."""
    job = rig.command("job", "true")
    rig.store.ledger.begin_attempt(job, Attempt(number=1, uuid="u"))
    rig.store.ledger.attempt_out_of_sight(job, 1, "its files can't be read: read-only file system")
    rig.lead()
    ended = rig.until(job, "succeeded", "failed")
    assert [attempt.outcome for attempt in ended.attempts] == [Outcome.NEVER_STARTED, Outcome.SUCCEEDED]


def test_the_queues_log_is_emptied_when_it_is_long(rig: Rig) -> None:
    rig.lead()
    spec = JobSpec(name="big", kind=Kind.COMMAND, command=("true", "x" * 100_000))
    for _ in range(4):
        rig.store.verbs.submit([Submission(spec=spec, hold=True)] * 30, ANNA)
    eventually(lambda: rig.store.wal_bytes() < LONG_WAL_BYTES)
    eventually(lambda: rig.home.queue.stat().st_size > 2 * LONG_WAL_BYTES)
    assert len(rig.store.read.jobs()) == 120
