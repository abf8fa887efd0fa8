"""The panel of the selected run: what the trainer writes is on the screen, and nothing else is read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.tui.believable import BelievableHome
from tests.tui.showing import dashboard, main_screen, settled, table, text_of, until
from yolotui.telemetry import RunReader
from yolotui.tui.run_reading import Followed


def write_events(night: BelievableHome, job_id: int, *events: dict[str, Any]) -> None:
    path = Path(night.store.read.job(job_id).run_dir) / "attempt-1" / "events.jsonl"
    with path.open("a", encoding="utf-8") as file:
        file.writelines(json.dumps(event) + "\n" for event in events)


async def test_what_the_trainer_writes_is_on_the_screen(night: BelievableHome):
    async with dashboard(night).run_test(notifications=True, size=(80, 24)) as pilot:
        await settled(pilot)
        assert "batch 209/480" in text_of(pilot.app)
        write_events(night, 1, {**night.batch_event(1, 38, 333), "images_per_s": 777.0, "wait_s": 0.118})
        await until(pilot, lambda: "batch 333/480" in text_of(pilot.app))
        assert "777 img/s" in text_of(pilot.app)
        assert "data wait 50%" in text_of(pilot.app)
        epoch = {"t": night.clock(), "event": "epoch", "epoch": 38, "epochs": 100, "metrics": night.metrics(1, 38)}
        write_events(night, 1, epoch)
        await until(pilot, lambda: "epoch 39/100" in text_of(pilot.app))


async def test_only_the_selected_run_is_followed_and_none_on_a_tiny_terminal(night: BelievableHome):
    async with dashboard(night).run_test(notifications=True, size=(80, 24)) as pilot:
        await settled(pilot)
        follower = main_screen(pilot.app)._follower
        assert follower._followed == Followed.of(night.store.read.job(1))
        await pilot.press("down")
        assert follower._followed == Followed.of(night.store.read.job(2))
        await pilot.resize_terminal(20, 5)
        await until(pilot, lambda: follower._followed is None)
        assert "at least" in text_of(pilot.app)
        await pilot.resize_terminal(80, 24)
        await until(pilot, lambda: follower._followed is not None and "night-s" in text_of(pilot.app))


async def test_a_run_without_a_directory_yet(night: BelievableHome):
    (fresh,) = night.submit("fresh")
    night.start(fresh, gpus=("GPU-3",), hours_ago=0)
    async with dashboard(night).run_test(notifications=True, size=(80, 24)) as pilot:
        await settled(pilot)
        table(pilot.app).move(3)
        await settled(pilot)
        assert "fresh" in text_of(pilot.app)
        assert "Nothing was written yet." in text_of(pilot.app)


async def test_a_command_shows_its_log_without_escapes_or_markup(night: BelievableHome):
    async with dashboard(night).run_test(notifications=True, size=(120, 40)) as pilot:
        await settled(pilot)
        await pilot.press("down", "down")
        await settled(pilot)
        shown = text_of(pilot.app)
        assert "python report.py --week" in shown
        assert "writing report.html" in shown
        assert "[bold]not markup[/bold]" in shown


async def test_a_failure_tells_cause_exit_code_and_the_end_of_the_log(night: BelievableHome):
    async with dashboard(night).run_test(notifications=True, size=(80, 24)) as pilot:
        await settled(pilot)
        await pilot.press("slash", *"failed crops", "enter")
        await settled(pilot)
        shown = text_of(pilot.app)
        assert "batch 64 at imgsz 1280 needs more than 80 GiB" in shown
        assert "exit code 1" in shown
        assert "torch.OutOfMemoryError" in shown


async def test_a_waiting_job_tells_why_after_what_and_when(night: BelievableHome):
    async with dashboard(night).run_test(notifications=True, size=(120, 40)) as pilot:
        await settled(pilot)
        await pilot.press("slash", *"onnx", "enter")
        await settled(pilot)
        shown = text_of(pilot.app)
        assert "Comes after #1 night-n, which runs." in shown
        assert "after ● running #1 night-n" in shown
        assert "starts 15:57, ends 16:00" in shown


async def test_a_directory_that_may_not_be_read_is_told(night: BelievableHome, monkeypatch: pytest.MonkeyPatch):
    def refused(_: RunReader) -> bool:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(RunReader, "poll", refused)
    async with dashboard(night).run_test(notifications=True, size=(120, 40)) as pilot:
        await settled(pilot)
        await until(pilot, lambda: "It can't be read" in text_of(pilot.app))
