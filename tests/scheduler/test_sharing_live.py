"""The whole of it: a plan that evicts and a leader that carries it out; a booking that opens over a training."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.helpers import eventually
from tests.scheduler.conftest import ANNA, Rig
from tests.scheduler.evictions import double, rows_of_csv
from tests.scheduler.test_leading import waiting_for
from tests.scheduler.test_making_room import evicted, until_epoch
from yolotui.core.bookings import BookingRequest
from yolotui.core.jobs import Job, JobSpec, Kind, Outcome, Priority, Request

EPOCHS = 2000
NOTICE_S = 4.0
CONFIG = """
[scheduling]
preemption = "evict"
notice = "{notice}"
checkpoint_wait = "{wait}"
preflight = "off"

[bookings]
smallest = "1s"
"""


@pytest.fixture
def one_card(make_rig: Callable[[str], Rig]) -> Rig:
    """A rig with one simulated GPU, on which a P0 evicts."""
    rig = make_rig("sim:1x24GiB")
    rig.home.create()
    rig.home.config.write_text(CONFIG.format(notice="4s", wait="2m"))
    return rig


def finished(rig: Rig, job_id: int) -> Job:
    """The job, finished as soon as it runs again."""
    rig.until(job_id, "running")
    until_epoch(rig, job_id, rig.job(job_id).progress.epochs_done + 2)
    rig.store.verbs.request([job_id], Request.FINISH, ANNA)
    return rig.until(job_id, "succeeded")


@pytest.mark.parametrize("priority", [Priority.P0, Priority.P1])
def test_a_higher_job_takes_the_card_of_a_lower_one_which_comes_back(one_card: Rig, priority: Priority) -> None:
    """A P0 at once, a P1 when its notice is over."""
    rig = one_card
    victim = rig.submit(double(rig, epochs=EPOCHS, batch_s=0.2, name="victim"))
    rig.lead()
    until_epoch(rig, victim, 2)
    urgent = rig.submit(double(rig, epochs=3, name="urgent"), priority=priority)
    assert f"Made room for job {urgent}" in evicted(rig, victim).explanation
    rig.until(urgent, "succeeded")
    ended = finished(rig, victim)
    assert [attempt.outcome for attempt in ended.attempts] == [Outcome.EVICTED, Outcome.SUCCEEDED]
    assert rows_of_csv(ended) == list(range(1, ended.progress.epochs_done + 1))
    told = [row for row in rig.store.read.audit(jobs=[victim]) if row.verb in {"notice", "evict"}]
    assert [row.verb for row in told] == ["notice", "evict"]
    assert all(row.detail["for_job"] == urgent and priority.name in row.detail["why"] for row in told)
    assert told[1].at - told[0].at >= (NOTICE_S if priority is Priority.P1 else 0.0) - 0.5


def test_who_may_not_be_evicted_goes_on(one_card: Rig, tmp_path: Path) -> None:
    rig = one_card
    go = tmp_path / "go"
    stays = rig.submit(double(rig, epochs=EPOCHS, batch_s=0.2, name="stays", preemptible=False))
    rig.lead()
    until_epoch(rig, stays, 1)
    urgent = rig.submit(
        JobSpec(name="urgent", kind=Kind.COMMAND, command=waiting_for(go), cwd=str(tmp_path)), priority=Priority.P0
    )
    eventually(lambda: (p := rig.store.read.published()) and urgent in p.timetable.by_job())
    until_epoch(rig, stays, rig.job(stays).progress.epochs_done + 4)
    assert rig.job(stays).state == "running"
    assert rig.job(urgent).state == "waiting"
    assert "notice" not in rig.verbs_of(stays)
    rig.store.verbs.cancel([urgent], ANNA)


def test_a_booking_that_opens_over_a_training(one_card: Rig, tmp_path: Path) -> None:
    """Warned, paused before the window, continued when it is given back, and all of it on record."""
    rig = one_card
    rig.home.config.write_text(CONFIG.format(notice="6s", wait="5s"))
    victim = rig.submit(double(rig, epochs=EPOCHS, batch_s=0.2, name="victim"))
    rig.lead()
    until_epoch(rig, victim, 2)
    go = tmp_path / "go"
    spec = JobSpec(
        name="demo", kind=Kind.COMMAND, command=(sys.executable, *waiting_for(go)[1:]), gpus=1, cwd=str(tmp_path)
    )
    holder = rig.submit(spec)
    opens_at = time.time() + 16
    window = BookingRequest(starts_at=opens_at, ends_at=opens_at + 600, count=1, job_id=holder)
    booking = rig.store.verbs.reserve(window, ANNA)

    held = rig.until(holder, "running")
    assert (held.attempts[0].started_at or 0) >= opens_at
    assert evicted(rig, victim).explanation.startswith(f"Made room for booking {booking.id}: paused after epoch ")
    assert (evicted(rig, victim).ended_at or 0) <= (held.attempts[0].started_at or 0)
    go.touch()
    rig.until(holder, "succeeded")
    ended = finished(rig, victim)
    assert rows_of_csv(ended) == list(range(1, ended.progress.epochs_done + 1))
    about = {"notice", "warn-booking", "evict", "open-booking", "use-booking", "end-booking"}
    assert [row.verb for row in rig.store.read.audit() if row.verb in about] == [
        "notice", "warn-booking", "evict", "open-booking", "use-booking", "end-booking",
    ]  # fmt: skip
    assert rig.store.read.booking(booking.id).state == "over"
