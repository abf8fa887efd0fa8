"""What is configured to go goes, an hour later and with a word about it; everything else stays."""

from __future__ import annotations

import pytest

from tests.helpers import eventually
from tests.store.builders import ANNA, command, submission, training
from tests.store.test_collecting import LATER, ran, run_dir
from yolotui.config import KeepConfig
from yolotui.locations import Home
from yolotui.scheduler.collecting import LOOK_EVERY_S, Collector
from yolotui.store import Store

DAY_S = 86_400.0


class Hours:
    """A clock and the time since boot; `pass_by` moves both. The jobs of these tests ended long before it begins."""

    def __init__(self) -> None:
        self.now = LATER
        self.since_boot_s = 500.0

    def pass_by(self, seconds: float = LOOK_EVERY_S) -> None:
        self.now += seconds
        self.since_boot_s += seconds


class Rig:
    """A collector under hours that a test moves."""

    def __init__(self, store: Store, **keep: float) -> None:
        self.hours = Hours()
        self._store = store
        self._collector = Collector(
            store.home, KeepConfig(**keep), clock=lambda: self.hours.now, since_boot=lambda: self.hours.since_boot_s
        )

    def collected(self) -> list[tuple[int | None, str, str]]:
        """Let it look, and wait until it has done what it began: who removed what, and why."""
        self._collector.look_after()
        eventually(lambda: not self._collector.is_at_work)
        return [(row.job, row.actor, row.reason) for row in self._store.read.audit() if row.verb == "collect"]


@pytest.fixture
def store(home: Home):
    with Store(home) as store:
        yield store


def test_what_ended_long_ago_goes_after_an_hour_and_the_audit_log_says_why(store):
    old, needed = ran(store, training("old")), ran(store, training("needed"))
    store.verbs.submit([submission(command("waits", after=("needed",)))], ANNA)
    rig = Rig(store, runs_s=30 * DAY_S)
    assert rig.collected() == []
    rig.hours.pass_by()
    assert rig.collected() == [(old, "scheduler", "[keep] runs = 30d")]
    assert not run_dir(store, old).exists()
    assert run_dir(store, needed).exists()
    assert store.read.job(old).state == "succeeded"


def test_checkpoints_may_go_sooner_than_runs(store):
    job = ran(store, training("night"))
    age_s = LATER - store.read.job(job).status.since
    rig = Rig(store, runs_s=2 * age_s, checkpoints_s=30 * DAY_S)
    rig.hours.pass_by()
    assert rig.collected() == [(job, "scheduler", "[keep] checkpoints = 30d")]
    assert [each.name for each in (run_dir(store, job) / "train" / "weights").iterdir()] == ["best.pt"]


@pytest.mark.parametrize("keep", [{}, {"runs_s": 100 * 365 * DAY_S}], ids=["by default", "not old enough"])
def test_everything_else_stays(store, keep):
    job = ran(store, training("night"))
    rig = Rig(store, **keep)
    rig.hours.pass_by()
    assert rig.collected() == []
    assert run_dir(store, job).exists()


def test_a_clock_that_was_put_forward_makes_nothing_old(store):
    job = ran(store, training("night"))
    rig = Rig(store, runs_s=30 * DAY_S)
    rig.hours.now += 20 * 365 * DAY_S
    rig.hours.pass_by()
    assert rig.collected() == []
    assert run_dir(store, job).exists()
