"""Memory of cards: seen while jobs run, learned for the next of the kind, promised, and told at the end."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from tests.helpers import eventually
from tests.probe.fake_nvml import GIB, Card, FakeNvml, Held
from tests.scheduler.conftest import Rig
from tests.scheduler.test_estimates import job, training
from tests.scheduler.test_leading import waiting_for
from yolotui.core.gpus import Gpu, Host, Tenant
from yolotui.core.jobs import Attempt, Job, JobSpec, Outcome, Progress, Running, Succeeded
from yolotui.scheduler.memory import Appetites, PeakWatch, room_bytes, told_at_the_end


def measured(spec: JobSpec, peak_bytes: int, *, epochs: int = 10, ended: bool = True) -> Job:
    progress = Progress(epochs_done=epochs, peak_vram_bytes=peak_bytes)
    return job(spec, Succeeded(0.0) if ended else Running(0.0, 1), Attempt(number=1, uuid="u", progress=progress))


def test_a_configuration_that_never_ran_is_promised_nothing() -> None:
    appetites = Appetites()
    appetites.learn(measured(training(imgsz=320), 4 * GIB))
    assert appetites.promise(training()) is None
    assert appetites.promise(training(imgsz=320, batch=32)) is None
    assert appetites.promise(training(imgsz=320, amp=False)) is None


def test_what_ran_is_promised_its_highest_peak_and_a_bit_more() -> None:
    appetites = Appetites()
    for peak in (3 * GIB, 4 * GIB, 2 * GIB):
        appetites.learn(measured(training(data="/one.yaml", lr0=0.1), peak))
    assert appetites.promise(training(data="/other.yaml", imgsz=640, batch=16)) == pytest.approx(4.6 * GIB, rel=1e-6)
    assert appetites.version == 2


def test_a_peak_counts_from_the_second_epoch_on() -> None:
    appetites = Appetites()
    appetites.learn(measured(training(), 4 * GIB, epochs=1, ended=False))
    assert appetites.promise(training()) is None
    appetites.learn(measured(training(), 4 * GIB, epochs=2, ended=False))
    assert appetites.promise(training()) is not None


def test_a_run_that_went_on_with_a_smaller_batch_teaches_nothing() -> None:
    appetites = Appetites()
    shrunk = measured(training(), 4 * GIB)
    failed = Attempt(number=1, uuid="u", outcome=Outcome.FAILED, cause="cuda_out_of_memory")
    appetites.learn(replace(shrunk, attempts=(failed, *shrunk.attempts)))
    assert appetites.promise(training()) is None


@pytest.mark.parametrize("options", [{"batch": -1}, {"batch": 0.7}, {"batch": "many"}])
def test_an_automatic_batch_takes_what_there_is(options: dict[str, Any]) -> None:
    appetites = Appetites()
    appetites.learn(measured(training(**options), 4 * GIB))
    assert appetites.promise(training(**options)) is None


def test_the_highest_reading_counts_and_outlives_the_leader() -> None:
    peaks = PeakWatch()
    for held in (2 * GIB, 5 * GIB, 3 * GIB):
        peaks.look_at(Host(at=0.0, gpus=(Gpu(uuid="G", index=0, name="n", tenants=(Tenant("u", held),)),)))
    attempt = Attempt(number=1, uuid="u")
    assert peaks.of(attempt) == 5 * GIB
    assert peaks.of(Attempt(number=1, uuid="v")) is None
    known = Attempt(number=1, uuid="u", progress=Progress(peak_vram_bytes=6 * GIB))
    assert peaks.of(known) == 6 * GIB
    peaks.forget(attempt)
    assert peaks.of(attempt) is None


def test_what_strangers_hold_can_not_be_promised() -> None:
    card = Gpu(uuid="G", index=0, name="n", memory_total_bytes=24 * GIB, foreign_bytes=GIB)
    assert room_bytes([card]) == {"G": 23 * GIB}


def test_measured_is_told_beside_declared_or_promised() -> None:
    def told(peak: int | None, **options: Any) -> str:
        attempt = Attempt(number=1, uuid="u", promised_bytes=4 * GIB, progress=Progress(peak_vram_bytes=peak))
        return told_at_the_end(attempt, JobSpec(name="j", kind=training().kind, **options))

    assert told(None) == ""
    assert told(3 * GIB) == "Of the 4 GiB promised it took 3 GiB at most."
    assert told(3 * GIB, vram_bytes=4 * GIB) == "Of the 4 GiB declared it took 3 GiB at most."
    assert told(5 * GIB, vram_bytes=4 * GIB).endswith("Declare more (vram): it may have crowded others out.")


def test_a_running_job_is_measured_and_told_at_its_end(rig: Rig, tmp_path: Path) -> None:
    go = tmp_path / "go"
    with FakeNvml(tmp_path, [Card("GPU-a")]) as nvml:
        rig.environment = {**rig.environment, **nvml.env, "YOLOTUI_GPUS": ""}
        job_id = rig.command("holder", *waiting_for(go), gpus=1, vram_bytes=10 * GIB)
        rig.lead()
        process = rig.until(job_id, "running").attempts[0].process
        assert process is not None
        nvml.set("GPU-a", used_bytes=7 * GIB, processes=(Held(process.pid, 7 * GIB),))
        eventually(lambda: rig.job(job_id).progress.peak_vram_bytes == 7 * GIB)
        nvml.set("GPU-a", used_bytes=2 * GIB, processes=(Held(process.pid, 2 * GIB),))
        assert rig.job(job_id).attempts[0].promised_bytes == 10 * GIB
        go.touch()
        ended = rig.until(job_id, "succeeded").attempts[0]
    assert ended.explanation == "Of the 10 GiB declared it took 7 GiB at most."
    assert ended.progress.peak_vram_bytes == 7 * GIB


def test_two_share_a_card_by_what_they_were_promised_and_nobody_else_comes_on_it(rig: Rig, tmp_path: Path) -> None:
    go = tmp_path / "go"
    with FakeNvml(tmp_path, [Card("GPU-a")]) as nvml:
        rig.environment = {**rig.environment, **nvml.env, "YOLOTUI_GPUS": ""}
        first, second = (rig.command(name, *waiting_for(go), gpus=1, vram_bytes=10 * GIB) for name in ("one", "two"))
        rig.lead()
        for job_id in (first, second):
            assert rig.until(job_id, "running").attempts[0].gpus == ("GPU-a",)
        small = rig.command("small", "true", gpus=1, vram_bytes=2 * GIB)
        alone = rig.command("alone", "true", gpus=1)
        entries = eventually(
            lambda: (p := rig.store.read.published()) and p.timetable.by_job().keys() >= {small, alone} and p.timetable
        )
        assert entries
        assert all(entries.by_job()[job_id].why for job_id in (small, alone))
        assert sorted(lease.job for lease in rig.store.read.leases()) == [first, second]
        go.touch()
        for job_id in (first, second, small, alone):
            rig.until(job_id, "succeeded")
    assert rig.store.read.leases() == []
