"""A training that its disk would not hold waits, and says so; others don't mind."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.states import start
from tests.store.builders import ANNA, command, submission, training
from yolotui.core.sizes import run_bytes
from yolotui.core.timetable import Demand, Entry, Estimate
from yolotui.locations import Home
from yolotui.scheduler.room import SPARE_BYTES, DiskRoom
from yolotui.store import Store

NEED = run_bytes(training("any"))


class Disk:
    """A disk with so much free space, and a clock."""

    def __init__(self, free: int) -> None:
        self.free = free + SPARE_BYTES
        self.now = 0.0
        self.room = DiskRoom(lambda _folder: self.free, lambda: self.now)


@pytest.fixture
def store(home: Home):
    with Store(home) as store:
        yield store


def add(store: Store, spec) -> int:
    return store.verbs.submit([submission(spec)], ANNA)[0]


def blocked(store: Store, disk: Disk) -> dict[str, str]:
    jobs = {job.id: job for job in store.read.jobs()}
    demands = [
        Demand(
            job_id=job.id, name=job.name, priority=job.priority, submitted_at=0.0, gpus=1,
            estimate=Estimate(1.0, ""), state=job.state,
        )
        for job in jobs.values()
    ]  # fmt: skip
    return {demand.name: demand.blocked for demand in disk.room.checked(demands, jobs)}


def test_what_does_not_fit_waits_with_a_sentence_and_starts_when_there_is_room(store):
    add(store, training("big"))
    add(store, command("small"))
    disk = Disk(NEED - 1)
    said = blocked(store, disk)
    assert said["small"] == ""
    assert "may need" in said["big"]
    assert "yolotui gc" in said["big"]
    disk.free += 1
    disk.now += 10
    assert blocked(store, disk)["big"] == ""


def test_what_runs_has_its_room_promised_less_what_it_has_written(store):
    running = add(store, training("running"))
    add(store, training("next"))
    start(store, running)
    disk = Disk(2 * NEED - 1)
    assert blocked(store, disk)["next"]
    weights = Path(store.read.job(running).run_dir, "train", "weights")
    weights.mkdir(parents=True)
    (weights / "last.pt").write_bytes(b"w" * 1000)
    disk.now += 10
    said = blocked(store, disk)
    assert said == {"running": "", "next": ""}


def test_two_that_start_together_leave_each_other_their_room(store):
    jobs = [add(store, spec) for spec in (training("first"), command("small"), training("second"))]
    disk = Disk(2 * NEED - 1)
    known = {job.id: job for job in store.read.jobs()}
    assert blocked(store, disk) == {"first": "", "small": "", "second": ""}  # each would fit by itself
    starts = [Entry(job_id=job_id, starts_now=True) for job_id in jobs]
    assert [start.job_id for start in disk.room.holds(starts, known)] == jobs[:2]
    disk.free += 1
    disk.now += 10
    assert disk.room.holds(starts, known) == starts


def test_what_has_just_started_has_its_room_promised_before_anybody_looks_at_the_disk_again(store):
    first = add(store, training("first"))
    add(store, training("second"))
    disk = Disk(2 * NEED - 1)
    assert blocked(store, disk)["second"] == ""
    start(store, first)
    assert "room" in blocked(store, disk)["second"]


def test_a_disk_that_can_not_be_asked_keeps_nobody_waiting(store):
    add(store, training("job"))

    def fails(_folder: Path) -> int:
        raise OSError

    disk = Disk(0)
    disk.room = DiskRoom(fails)
    assert blocked(store, disk)["job"] == ""
