"""What earlier versions have left on the disk is opened for ever after."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from tests.helpers import eventually
from tests.scheduler.conftest import Rig, make_rig
from tests.store.builders import ANNA
from tests.store.stored_homes import HERE, restore
from yolotui.locations import Home
from yolotui.store import Store
from yolotui.telemetry import RunReader

__all__ = ["make_rig"]

FAR_AHEAD = 4e9
STORED = sorted((path.name for path in HERE.iterdir()), key=lambda name: int(name.removeprefix("schema-")))


@pytest.fixture(params=STORED)
def old_home(request: pytest.FixtureRequest, home: Home) -> Home:
    restore(HERE / request.param, home)
    return home


def test_there_is_a_home_of_some_version():
    assert "schema-3" in STORED


def test_everything_in_it_is_read_and_its_schema_brought_up_to_date(old_home):
    with Store(old_home) as store:
        jobs = {job.name: job for job in store.read.jobs()}
        assert {name: job.state for name, job in jobs.items() if name != "shares"} == {
            "ok": "succeeded", "bad": "failed", "night-n": "succeeded", "deploy": "held", "behind": "waiting",
            "gone": "cancelled",
        }  # fmt: skip
        assert jobs["night-n"].progress.best == {"metrics/mAP50(B)": pytest.approx(0.6)}
        assert jobs["night-n"].spec.arguments == {"epochs": 3, "imgsz": 64, "seed": 0}
        assert jobs["behind"].after == (jobs["deploy"].id,)
        assert "no such luck" in jobs["bad"].attempts[-1].explanation
        assert [str(gate) for gate in jobs["deploy"].spec.when] == ["night-n.metrics/mAP50(B) >= 0.5"]
        assert store.read.held_groups()["night"].reason == "until Monday"
        assert {mark.reason for mark in store.read.gpu_marks().values()} == {"new fan"}
        assert store.read.environment(jobs["deploy"].id) == {"PATH": "/usr/bin:/bin"}
        assert len(store.read.audit()) > 10
        assert len(store.read.forecast_record()) >= 3
        store.read.published()
        store.read.host()
        reader = RunReader(jobs["night-n"].run_dir)
        reader.poll()
        assert [row.epoch for row in reader.series.epochs] == [1, 2, 3]
    with closing(sqlite3.connect(old_home.queue)) as queue:
        assert queue.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert queue.execute("PRAGMA foreign_key_check").fetchall() == []


def test_what_came_later_is_read_from_the_newest(home: Home):
    restore(HERE / STORED[-1], home)
    with Store(home) as store:
        jobs = {job.name: job for job in store.read.jobs()}
        closing, drained = sorted(store.read.gpu_marks().values(), key=lambda mark: mark.closes_at is None)
        assert closing.closes_at == jobs["deploy"].deadline_at == store.read.bookings()[0].ends_at
        assert drained.closes_at is None
        assert jobs["shares"].attempts[0].promised_bytes == 8 << 30
        assert store.read.preflights([jobs["night-n"].id])[jobs["night-n"].id].errors
        assert [message.body for message in store.outbox.due("json://127.0.0.1:9", FAR_AHEAD)] == ["no such luck"]


@pytest.mark.parametrize("name", STORED)
def test_a_scheduler_of_today_goes_on_where_it_left_off(make_rig: Callable[[str], Rig], tmp_path: Path, name: str):
    restore(HERE / name, Home(tmp_path / "home-0"))
    rig = make_rig("sim:2x24GiB")
    ids = {job.name: job.id for job in rig.store.read.jobs()}
    rig.store.verbs.release([ids["deploy"]], ANNA)
    rig.store.verbs.release_group("night", ANNA)
    rig.lead()
    rig.until(ids["behind"], "succeeded")
    assert rig.job(ids["deploy"]).state == "succeeded"
    assert rig.job(ids["ok"]).attempts[0].exit_code == 0
    eventually(lambda: (seen := rig.store.read.published()) and len(seen.host.gpus) == 2)


def test_what_it_holds_is_nothing_of_the_machine_that_it_was_made_on():
    for file in HERE.rglob("*"):
        if file.is_file():
            text = file.read_text(encoding="utf-8")
            assert not any(word in text for word in ("/tmp", "/home/", "/root", ".venv")), file
            assert file.suffix != ".json" or json.loads(text)
