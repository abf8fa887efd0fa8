"""The plan in a live scheduler: what goes first, what was promised, which GPUs are passed over, what is recorded."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.helpers import eventually
from tests.probe.fake_nvml import Card, FakeNvml
from tests.scheduler.conftest import ANNA, Rig
from tests.scheduler.test_leading import waiting_for
from yolotui import Queue
from yolotui.config import Config, GpusConfig, SchedulingConfig
from yolotui.core.gpus import Excluded, Free, Gpu
from yolotui.core.jobs import Outcome
from yolotui.core.plan import Mode, Policy, Preemption
from yolotui.core.timetable import Entry, Published
from yolotui.errors import NotPossible, WrongUse
from yolotui.policy import policy_of
from yolotui.store import GpuState

FAILING_CARD = "raise RuntimeError('CUDA error: unspecified launch failure')"
HOUR_S = 3600.0


def published(rig: Rig, condition: Callable[[Published], bool]) -> Published:
    """What is published, as soon as it is so."""

    def look() -> Published | None:
        now = rig.store.read.published()
        return now if now and condition(now) else None

    found = eventually(look)
    assert found is not None
    return found


def entry_of(rig: Rig, job_id: int) -> Entry:
    return published(rig, lambda now: job_id in now.timetable.by_job()).timetable.by_job()[job_id]


def gpu(now: Published, uuid: str) -> Gpu:
    return next(each for each in now.host.gpus if each.uuid == uuid)


def test_a_short_job_goes_ahead_of_a_wide_one_and_a_long_one_does_not(rig: Rig, tmp_path: Path) -> None:
    go = tmp_path / "go"
    holder = rig.command("holder", *waiting_for(go), gpus=1, estimate_s=HOUR_S)
    rig.lead("--until-idle")
    rig.until(holder, "running")
    # The words differ: what one run of a command has taken is what another is expected to take.
    wide = rig.command("wide", "true", "wide", gpus=2, estimate_s=60.0)
    promised = entry_of(rig, wide).first
    long = rig.command("long", "true", "long", gpus=1, estimate_s=30 * HOUR_S)
    short = rig.command("short", "true", "short", gpus=1, estimate_s=10.0)
    rig.until(short, "succeeded")
    assert rig.job(wide).state == rig.job(long).state == "waiting"
    assert promised is not None
    assert entry_of(rig, wide).first == promised
    published(rig, lambda now: f"promised to job {wide}" in str(now.timetable.by_job()[long].why))
    go.touch()
    starts = {job: rig.until(job, "succeeded").attempts[0].started_at or 0.0 for job in (holder, short, wide, long)}
    assert starts[holder] < starts[short] < starts[wide] < starts[long]
    assert starts[wide] <= promised.high_at

    record = {each.job: each for each in rig.store.read.forecast_record()}
    assert record.keys() == starts.keys()
    assert record[wide].forecast == promised
    assert record[wide].estimate_s == 60.0
    assert record[wide].source == "what its owner said"
    assert record[wide].outcome is Outcome.SUCCEEDED
    assert record[wide].started_at <= (record[wide].ended_at or 0.0)
    assert rig.job(wide).attempts[0].gpu_model == "Simulated 24 GiB"


def test_a_promise_outlives_the_leader_that_made_it(rig: Rig, tmp_path: Path) -> None:
    go = tmp_path / "go"
    holder = rig.command("holder", *waiting_for(go), gpus=2, estimate_s=HOUR_S)
    first = rig.lead()
    rig.until(holder, "running")
    waiting = [rig.command(f"later-{number}", "true", gpus=1, estimate_s=60.0) for number in range(3)]
    before = published(rig, lambda now: set(waiting) <= now.timetable.by_job().keys())
    promised = {job: before.timetable.by_job()[job].first for job in waiting}
    assert None not in promised.values()
    rig.kill(first)
    second = rig.lead("--until-idle")
    after = published(rig, lambda now: now.leader_pid == second.pid)
    assert {job: after.timetable.by_job()[job].first for job in waiting} == promised
    assert [job for job in after.timetable.order if job in waiting] == [
        job for job in before.timetable.order if job in waiting
    ]
    go.touch()
    for job in waiting:
        rig.until(job, "succeeded")


def test_a_job_that_was_held_is_foreseen_anew(rig: Rig, tmp_path: Path) -> None:
    go = tmp_path / "go"
    holder = rig.command("holder", *waiting_for(go), gpus=2, estimate_s=HOUR_S)
    rig.lead()
    rig.until(holder, "running")
    job = rig.command("later", "true", gpus=1)
    first = entry_of(rig, job).first
    assert first is not None
    rig.store.verbs.hold([job], ANNA)
    rig.store.verbs.release([job], ANNA)
    again = published(rig, lambda now: now.timetable.by_job()[job].first not in {None, first})
    anew = again.timetable.by_job()[job].first
    assert anew is not None
    assert anew.made_at > first.made_at
    go.touch()


def test_a_drained_gpu_is_passed_over_and_comes_back(rig: Rig, tmp_path: Path) -> None:
    go = tmp_path / "go"
    runs_on = rig.command("runs", *waiting_for(go), gpus=1, avoid=("1",))
    rig.lead()
    rig.until(runs_on, "running")
    with Queue(rig.home.root, start_scheduler=False) as queue:
        published(rig, lambda now: bool(now.host.gpus))
        queue.drain([0], reason="new fan")
        with pytest.raises(NotPossible, match="drained already"):
            queue.drain(["SIM-0"])
        with pytest.raises(WrongUse, match="names no GPU"):
            queue.drain(["7"])
        single, wide = rig.command("single", "true", gpus=1), rig.command("wide", "true", gpus=2)
        assert rig.until(single, "succeeded").attempts[0].gpus == ("SIM-1",)
        why = entry_of(rig, wide).why
        assert why is not None
        assert "new fan" in why.sentence
        assert why.remedy == "`yolotui undrain 0` brings it back."
        assert rig.job(runs_on).state == "running", "what runs on it goes on"
        go.touch()
        rig.until(runs_on, "succeeded")
        assert rig.job(wide).state == "waiting"
        queue.undrain(["sim-0"])
    assert set(rig.until(wide, "succeeded").attempts[0].gpus) == {"SIM-0", "SIM-1"}
    said = [(row.verb, row.detail["gpu"]) for row in rig.store.read.audit() if row.verb.endswith("drain")]
    assert said == [("drain", "SIM-0"), ("undrain", "SIM-0")]


def test_a_gpu_on_which_jobs_fail_is_quarantined_and_comes_back(rig: Rig) -> None:
    rig.lead()
    bad = [rig.command(f"bad-{n}", sys.executable, "-c", FAILING_CARD, gpus=1, avoid=("1",)) for n in range(2)]
    for job in bad:
        assert rig.until(job, "failed").attempts[0].cause == "cuda_error"
    mark = eventually(lambda: rig.store.read.gpu_marks().get("SIM-0"))
    assert mark is not None
    assert (mark.state, mark.by) == (GpuState.QUARANTINED, "scheduler")
    assert f"jobs {bad[0]}, {bad[1]} failed on it" in mark.reason
    jobs = [rig.command(f"fine-{number}", "true", gpus=1) for number in range(3)]
    for job in jobs:
        assert rig.until(job, "succeeded").attempts[0].gpus == ("SIM-1",)
    needs_it = rig.command("needs-it", "true", gpus=1, avoid=("1",))
    why = entry_of(rig, needs_it).why
    assert why is not None
    assert "quarantined" in why.sentence
    now = published(rig, lambda now: isinstance(gpu(now, "SIM-0").availability, Excluded))
    assert isinstance(gpu(now, "SIM-1").availability, Free)
    rig.store.verbs.undrain(["SIM-0"], ANNA)
    assert rig.until(needs_it, "succeeded").attempts[0].gpus == ("SIM-0",)
    assert rig.store.read.gpu_marks()["SIM-0"].state is GpuState.TRUSTED


def test_one_job_with_an_error_of_its_own_takes_no_gpu_with_it(rig: Rig) -> None:
    """After an error that may be the card's it is tried on another; failing there as well it was the job."""
    bad = rig.command("bad", sys.executable, "-c", FAILING_CARD, gpus=1, retries=3)
    rig.lead()
    failed = rig.until(bad, "failed")
    assert [attempt.gpus for attempt in failed.attempts[:2]] == [("SIM-0",), ("SIM-1",)]
    assert not rig.store.read.gpu_marks()
    assert not [row.verb for row in rig.store.read.audit() if row.verb.endswith("quarantine")]


def test_a_hot_gpu_rests_until_it_has_cooled(rig: Rig, tmp_path: Path) -> None:
    rig.home.create()
    rig.home.config.write_text("[gpus]\ntoo_hot = 60\n")
    with FakeNvml(tmp_path, [Card("GPU-a", temperature_c=70)]) as nvml:
        rig.environment = {**rig.environment, **nvml.env, "YOLOTUI_GPUS": ""}
        job = rig.command("job", "true", gpus=1)
        rig.lead()
        why = entry_of(rig, job).why
        assert why is not None
        assert "too hot" in why.sentence
        nvml.set("GPU-a", temperature_c=55)
        now = published(rig, lambda now: now.world.gpus[0].temperature_c == 55)
        assert now.timetable.resting == ("GPU-a",)
        assert rig.job(job).state == "waiting"
        nvml.set("GPU-a", temperature_c=40)
        assert rig.until(job, "succeeded").attempts[0].gpus == ("GPU-a",)


def test_the_configuration_decides_how_to_plan() -> None:
    scheduling = SchedulingConfig(
        mode="throughput", preemption="evict", notice_s=60.0, checkpoint_wait_s=30.0, tenants=3
    )
    assert policy_of(Config(gpus=GpusConfig(too_hot_c=60), scheduling=scheduling)) == Policy(
        mode=Mode.THROUGHPUT,
        too_hot_c=60,
        preemption=Preemption.EVICT,
        notice_s=60.0,
        checkpoint_wait_s=30.0,
        tenants=3,
    )
    assert policy_of(Config()) == Policy()
