"""A damaged queue is made anew: what can be read, what the runs tell, and nothing that starts by surprise."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path

import pytest
from msgspec.structs import replace

from tests.cli.states import publish
from tests.scheduler.conftest import Rig, make_rig
from tests.scheduler.test_leading import waiting_for
from tests.store.builders import ANNA, command, submission, training
from tests.store.stored_homes import HERE, restore
from yolotui.core.bookings import BookingRequest
from yolotui.core.jobs import Attempt, Job, Outcome, Owner, Priority, Unknown
from yolotui.errors import NotPossible, QueueUnusable
from yolotui.leadership import Lock
from yolotui.locations import Home
from yolotui.repair import repair
from yolotui.store import Store
from yolotui.store.rebuilding import FoundRun, rebuild
from yolotui.store.salvage import SEQUENCES, TABLES, Row

__all__ = ["make_rig"]


@pytest.fixture
def night(home: Home) -> Home:
    """A home with ended, held and waiting jobs, two of them with run directories."""
    restore(HERE / "schema-3", home)
    return home


def has_readable_schema(file: Path) -> bool:
    with closing(sqlite3.connect(file)) as queue:
        try:
            queue.execute("SELECT name FROM sqlite_schema").fetchall()
        except sqlite3.DatabaseError:
            return False
        return True


def overwrite(file: Path, at: int, length: int = 4096) -> None:
    content = bytearray(file.read_bytes())
    content[at : at + length] = b"\xa5" * len(content[at : at + length])
    file.write_bytes(content)


def test_a_queue_that_is_gone_is_rebuilt_from_its_runs(night):
    night.queue.unlink()
    done = repair(night, [night.runs])
    with Store(night) as store:
        jobs = {job.name: job for job in store.read.jobs()}
        assert {name: (job.id, job.state) for name, job in jobs.items()} == {
            "ok": (1, "succeeded"), "bad": (2, "held"), "night-n": (3, "succeeded"),
        }  # fmt: skip
        assert jobs["night-n"].progress.epochs_done == 3
        assert jobs["night-n"].spec.arguments["seed"] == 0
        assert jobs["bad"].attempts[0].exit_code == 3
        assert jobs["bad"].owner.uid == os.getuid()
        assert store.read.environment(2)["PATH"]
        assert store.read.audit()[-1].verb == "repair"
        assert store.verbs.submit([submission(command("next"))], ANNA) == [4]
    assert done.jobs == 3
    assert any("job 2 (bad)" in line and "held" in line for line in done.told)


def test_a_file_that_is_no_database_is_kept_aside_as_it_was(night):
    garbage = os.urandom(50_000)
    night.queue.write_bytes(garbage)
    with pytest.raises(QueueUnusable, match="doctor --repair"):
        Store(night)
    done = repair(night, [night.runs])
    assert (done.kept / "queue.db").read_bytes() == garbage
    assert done.kept.stat().st_mode & 0o777 == 0o700
    assert not (night.root / "rebuilding").exists()
    with Store(night) as store:
        assert len(store.read.jobs()) == 3
        store.refuse_damage()


@pytest.mark.parametrize("page", range(1, 30))
def test_whatever_page_is_damaged_what_waits_and_what_ran_is_there_again_or_held(night, page):
    """Rows that never ran are only in the file: no more than those of the damaged page may be lost."""
    with Store(night) as store:
        store.verbs.submit([submission(training(f"t{n}")) for n in range(100)], ANNA)
        before = {job.id: job for job in store.read.jobs()}
        store.checkpoint()
    with closing(sqlite3.connect(night.queue)) as queue:
        roots = {row[0] for row in queue.execute("SELECT rootpage FROM sqlite_schema WHERE name = 'jobs'")}
    if page * 4096 >= night.queue.stat().st_size:
        pytest.skip("the file is shorter")
    overwrite(night.queue, page * 4096)
    # Behind the schema or the root of a table all that never ran is lost.
    hidden = page + 1 in roots or not has_readable_schema(night.queue)
    with suppress(NotPossible):  # a page that nothing is on
        repair(night, [night.runs])
    with Store(night) as store:
        store.refuse_damage()
        after = {job.id: job for job in store.read.jobs()}
        assert {1, 2, 3} <= after.keys()
        assert hidden or len(after) >= len(before) - 40
        for job_id, job in after.items():
            was = before[job_id]
            assert job.spec == was.spec
            assert job.state in {was.state, "held"}
            if job.state == "waiting":
                assert job.after == was.after
        (next_id,) = store.verbs.submit([submission(command("next"))], ANNA)
        assert next_id not in after


def test_nothing_is_repaired_that_is_whole_or_led(night):
    with pytest.raises(NotPossible, match="nothing to repair"):
        repair(night, [night.runs])
    overwrite(night.queue, 0)
    lock = Lock(night.scheduler_lock)
    assert lock.acquire()
    with pytest.raises(NotPossible, match="scheduler stop"):
        repair(night, [night.runs])
    lock.release()
    repair(night, [night.runs])


def test_a_queue_of_another_machine_is_not_made_anew(night):
    with closing(sqlite3.connect(night.queue)) as queue, queue:
        queue.execute("UPDATE queue SET machine = 'elsewhere'")
    with pytest.raises(NotPossible, match="claim-home"):
        repair(night, [night.runs])


def test_hostile_run_directories_are_passed_over(night):
    night.queue.unlink()
    for name, content in {
        "000007-list": "[1]", "000008-nested": "[" * 100_000, "000009-binary": "\x00\xff", "000010-no-job": "{}",
        "000011-wrong": json.dumps({"job": "x", "name": 3}),
    }.items():  # fmt: skip
        (night.runs / name).mkdir()
        (night.runs / name / "spec.json").write_text(content)
    twin = night.runs / "000012-twin"
    shutil.copytree(night.runs / "000001-ok", twin)
    assert repair(night, [night.runs, night.runs, night.root / "nowhere"]).jobs == 3


def test_what_still_runs_is_adopted_and_not_run_twice(make_rig: Callable[[str], Rig], tmp_path: Path):
    rig = make_rig("sim:2x24GiB")
    go, witness = tmp_path / "go", tmp_path / "witness"
    job = rig.command("job", "sh", "-c", f'echo x >>{witness}; exec "$@"', "sh", *waiting_for(go), gpus=1)
    scheduler = rig.lead()
    rig.until(job, "running")
    rig.kill(scheduler)
    rig.store.close()
    rig.home.queue.write_bytes(b"\0" * 9000)
    repair(rig.home, [rig.home.runs])
    rig.store = Store(rig.home)
    assert rig.job(job).state == "unknown"
    rig.lead()
    rig.until(job, "running")
    go.touch()
    ended = rig.until(job, "succeeded")
    assert [attempt.outcome for attempt in ended.attempts] == [Outcome.SUCCEEDED]
    assert witness.read_text() == "x\n"


def test_bookings_are_there_again(home):
    with Store(home) as store:
        publish(store, 2, at=time.time())
        request = BookingRequest(starts_at=time.time() + 3600, ends_at=time.time() + 9 * 3600, count=2, note="the demo")
        kept = store.verbs.reserve(request, ANNA)
        store.verbs.submit([submission(training(f"t{n}")) for n in range(100)], ANNA)
        store.checkpoint()
    overwrite(home.queue, home.queue.stat().st_size - 4096)  # its last page, one of the jobs
    repair(home, [home.runs])
    with Store(home) as store:
        assert [replace(booking, revision=kept.revision) for booking in store.read.bookings()] == [kept]


def test_a_card_that_two_share_is_leased_to_both_and_one_claimed_twice_to_the_first(home: Home):
    rows: dict[str, list[Row]] = {table: [] for table in (*TABLES, SEQUENCES)}
    runs = []
    for number, promised in ((1, 100), (2, 100), (3, None)):
        attempt = Attempt(number=1, uuid=str(number), gpus=("GPU-1",), promised_bytes=promised)
        runs.append(FoundRun(job_of(number, attempt), {}))
    told = rebuild(home, rows, runs, ANNA)
    with Store(home) as store:
        assert [(lease.gpu, lease.job) for lease in store.read.leases()] == [("GPU-1", 1), ("GPU-1", 2)]
    assert any("job 3" in line and "another job has" in line for line in told)


def job_of(number: int, attempt: Attempt) -> Job:
    return Job(
        id=number, spec=command(f"job-{number}"), priority=Priority.P2, owner=Owner("anna", 1), submitted_at=0.0,
        status=Unknown(0.0, 1, "x"), run_dir=f"/r/{number}", attempts=(attempt,),
    )  # fmt: skip


def test_no_table_that_people_filled_is_forgotten(home: Home):
    made_anew = {"queue", "leases", "published", "leader"}
    with Store(home), closing(sqlite3.connect(home.queue)) as queue:
        tables = {row[0] for row in queue.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")}
    assert {each for each in tables if not each.startswith("sqlite_")} == TABLES.keys() | made_anew
