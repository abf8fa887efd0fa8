"""The screen of one run: every page, every key, and that it reads nothing when it is not seen."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from PIL import Image
from textual.pilot import Pilot

from tests.tui.believable import GIB, NOW, BelievableHome, h100
from tests.tui.showing import dashboard, main_screen, settled, table, text_of, until
from yolotui.core.gpus import Host
from yolotui.core.health import Finding, Severity, reason_for
from yolotui.core.jobs import Priority
from yolotui.core.preflight import DataReport, Preflight, Remark, SplitCount
from yolotui.probe.samples import Samples
from yolotui.store.preflights import Found
from yolotui.tui.screens.queue import QueueScreen
from yolotui.tui.screens.run import Page, RunScreen

SIZES = [(80, 24), (120, 40), (200, 60)]


@pytest.fixture
def told(night: BelievableHome) -> BelievableHome:
    """Job 1 has told of its batches, lost half of its batch size, and left checkpoints and pictures."""
    run_dir = Path(night.store.read.job(1).run_dir)
    began = NOW - 37 * 110 - 60
    events: list[dict[str, Any]] = [
        {"t": began + 300, "event": "changed", "what": "batch", "from": 64, "to": 32, "why": "out of memory"}
    ]
    for epoch in range(1, 38):
        speed = 380 + 40 * (epoch % 5)
        events.append(
            {"t": began + 110 * epoch - 5, "event": "batch", "epoch": epoch, "batch": 470, "batches": 480,
             "images_per_s": speed, "wait_s": 0.01 * (epoch % 7), "compute_s": 0.1, "memory_bytes": 11 * GIB,
             "gradient_norm": epoch / 10}
        )  # fmt: skip
    with (run_dir / "attempt-1" / "events.jsonl").open("a") as file:
        file.writelines(json.dumps(event) + "\n" for event in events)
    samples = Samples(night.home.samples)
    for minute in range(70):
        busy = 90 if minute < 40 else 20
        samples.record(Host(at=NOW - 4100 + 60 * minute, gpus=(h100(0, 20 + minute / 7, busy),)))
    samples.close()
    weights = run_dir / "train" / "weights"
    weights.mkdir()
    for name, size in (("best.pt", 5_400_000), ("last.pt", 16_100_000)):
        (weights / name).write_bytes(b"\0" * size)
    for name, colour in (("val_batch0_pred.jpg", (200, 120, 0)), ("results.png", (20, 90, 160))):
        Image.linear_gradient("L").convert("RGB").resize((640, 320)).save(run_dir / "train" / name)
        Image.new("RGB", (640, 320), colour).save(run_dir / "train" / name)
    for path in sorted(run_dir.rglob("*")):
        os.utime(path, (NOW - 180, NOW - 180))
    return night


def run_screen(pilot: Pilot[Any]) -> RunScreen:
    screen = pilot.app.screen
    assert isinstance(screen, RunScreen)
    return screen


async def opened(pilot: Pilot[Any], job_id: int = 1, *keys: str) -> RunScreen:
    """Open the run of a job, wait until it has been read, press keys, wait for what they show."""
    await settled(pilot)
    jobs = table(pilot.app)
    jobs.move(jobs._rows[job_id] - (jobs.cursor_row or 0))
    await pilot.press("enter")
    await until(pilot, lambda: isinstance(pilot.app.screen, RunScreen))
    screen = run_screen(pilot)
    await until(pilot, lambda: screen._watcher._files.followed is not None and screen.book.run.log_path)
    await pilot.press(*keys)
    await pilot.pause()
    if screen.page is Page.FILES and screen.files.path:
        await until(pilot, lambda: screen.files._seen and screen.files._seen.path == screen.files.path)
    await pilot.pause()
    return screen


def place(screen: RunScreen) -> int | None:
    """Where the cursor of the charts is."""
    return screen.charts.cursor


def showing(job_id: int, *keys: str) -> Callable[[Pilot[Any]], Any]:
    async def run_before(pilot: Pilot[Any]) -> None:
        await opened(pilot, job_id, *keys)

    return run_before


@pytest.mark.parametrize("size", SIZES, ids=["80x24", "120x40", "200x60"])
def test_looks(told: BelievableHome, snap_compare: Any, size: tuple[int, int]):
    assert snap_compare(dashboard(told), terminal_size=size, run_before=showing(1))


@pytest.mark.parametrize(
    "keys",
    [
        pytest.param(("left", "left", "left"), id="cursor"),
        pytest.param(("tab", "tab", "slash", *"12.500"), id="log"),
        pytest.param(("tab", "tab", "tab", "tab"), id="attempts"),
        pytest.param(("tab", "tab", "tab", "tab", "tab"), id="files"),
    ],
)
def test_looks_on_its_pages(told: BelievableHome, snap_compare: Any, keys: tuple[str, ...]):
    assert snap_compare(dashboard(told), terminal_size=(120, 40), run_before=showing(1, *keys))


def test_looks_before_it_has_started(night: BelievableHome, snap_compare: Any):
    assert snap_compare(dashboard(night), terminal_size=(80, 24), run_before=showing(3))


def checked(night: BelievableHome, job_id: int) -> BelievableHome:
    """What was found before its start is on record, and keeps it back."""
    remarks = (
        Remark(rule="class", severity=Severity.ERROR, advice="Classes count from 0: mend `names`.",
               text="In train 512 of 20,000 images would be left out silently: labels with an unknown class."),
        Remark(rule="leak", severity=Severity.WARNING, advice="Take them out of one of the two.",
               text="37 of 1,000 images of val are in train, too: its scores will be better than the model is."),
    )  # fmt: skip
    splits = {"train": SplitCount(images=20_000, boxes=61_204, dropped=512), "val": SplitCount(images=1000, boxes=2988)}
    found = Preflight(at=NOW - 120, took_s=3.1, remarks=remarks, data=DataReport(splits=splits))
    night.store.ledger.record_preflights([Found(job_id, "as it is", found, holds=True)])
    return night


@pytest.mark.parametrize("size", SIZES, ids=["80x24", "120x40", "200x60"])
def test_looks_with_what_was_found_before_the_start(night: BelievableHome, snap_compare: Any, size: tuple[int, int]):
    assert snap_compare(dashboard(checked(night, 3)), terminal_size=size, run_before=showing(3))


def test_looks_in_ascii(told: BelievableHome, snap_compare: Any):
    assert snap_compare(dashboard(told, ascii_only=True), terminal_size=(120, 40), run_before=showing(1, "left"))


def test_looks_without_colour(told: BelievableHome, snap_compare: Any, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("NO_COLOR", "1")
    assert snap_compare(dashboard(told), terminal_size=(120, 40), run_before=showing(1, "left"))


@pytest.mark.presses("open_run", "left", "right", "page_up", "page_down", "first", "last", "back")
async def test_the_cursor_reads_values_of_its_epoch(told: BelievableHome):
    async with dashboard(told).run_test(size=(120, 40)) as pilot:
        screen = await opened(pilot)
        assert "epoch 37" in text_of(pilot.app)
        await pilot.press("left", "left", "right")
        assert place(screen) == 35
        train = told.metrics(1, 36)
        loss = sum(value for name, value in train.items() if name.startswith("train/"))
        assert f"train {loss:.3f}" in text_of(pilot.app)
        assert " epoch 36 " in text_of(pilot.app)
        await pilot.press("pageup")
        assert place(screen) == 32
        await pilot.press("pagedown", "home")
        assert place(screen) == 0
        assert " epoch 1 " in text_of(pilot.app)
        await pilot.press("end")
        assert place(screen) is None
        await pilot.press("left", "escape")
        assert place(screen) is None
        assert pilot.app.screen is screen
        await pilot.press("escape")
        assert isinstance(pilot.app.screen, QueueScreen)


@pytest.mark.presses("down", "up")
async def test_charts_below_come_into_sight(told: BelievableHome):
    async with dashboard(told).run_test(size=(80, 24)) as pilot:
        screen = await opened(pilot)
        assert "GPU %" not in text_of(pilot.app)
        hidden = screen.charts.hidden
        assert f"{hidden} more charts: Down" in text_of(pilot.app)
        await pilot.press("down", "down")
        assert "GPU %" in text_of(pilot.app)
        await pilot.press(*["up"] * 9)
        assert screen.charts.hidden == hidden


async def test_a_run_that_waits_says_why(empty: BelievableHome):
    empty.submit("night-n")
    async with dashboard(empty).run_test(size=(120, 40)) as pilot:
        await settled(pilot)
        await pilot.press("enter")
        await until(pilot, lambda: "No scheduler has planned it yet." in text_of(pilot.app))
        assert "newest batches" not in text_of(pilot.app)


async def test_what_the_cards_did_stands_under_the_epoch_in_which_they_did_it(told: BelievableHome):
    async with dashboard(told).run_test(size=(120, 40)) as pilot:
        screen = await opened(pilot)
        busy = screen.book.pace["gpu_percent"]
        assert len(busy) == 37
        assert set(busy[1:15]) == {90.0}
        assert set(busy[-10:-1]) == {20.0}
        assert screen.book.pace["images_per_s"][0] == 420
        assert screen.book.pace["reserved_bytes"][-1] == 11 * GIB


@pytest.mark.presses("search", "next_match", "previous_match", "next_page", "previous_page")
async def test_the_log_is_followed_and_searched(told: BelievableHome):
    async with dashboard(told).run_test(size=(80, 24)) as pilot:
        screen = await opened(pilot, 1, "tab", "tab")
        log = Path(told.store.read.job(1).run_dir) / "attempt-1" / "console.log"
        with log.open("a") as file:
            file.writelines(f"line {n} of many\n" for n in range(100))
        await until(pilot, lambda: "line 99 of many" in text_of(pilot.app))
        assert screen.log_page.follows
        await pilot.press("up")
        await until(pilot, lambda: not screen.log_page.follows)
        await pilot.press("slash", *"Line 4", "enter")
        assert len(screen.log_page.matches) == 11
        await until(pilot, lambda: "line 49 of many" in text_of(pilot.app))
        first = screen.log_page._at
        await pilot.press("N")
        assert screen.log_page._at == (first or 0) - 1
        await pilot.press("n", "n")
        assert screen.log_page._at == screen.log_page.matches[0]
        await pilot.press("slash", *"nowhere", "enter", "n")
        assert "in 0 lines" in text_of(pilot.app)
        await pilot.press("escape", "end")
        assert screen.log_page.words == ""
        await until(pilot, lambda: "line 99 of many" in text_of(pilot.app))
        await pilot.press("shift+tab", "shift+tab")
        assert screen.page is Page.CHARTS


async def test_arguments_and_attempts_are_told(told: BelievableHome):
    async with dashboard(told).run_test(size=(120, 40)) as pilot:
        await opened(pilot, 1, "tab", "tab", "tab")
        shown = text_of(pilot.app)
        for words in ("imgsz           640", "/data/shapes/shapes.yaml", "1.20 GPU-hours", "000001-night-n"):
            assert words in shown
        await pilot.press("tab")
        await until(pilot, lambda: "batch is 32 instead of 64" in text_of(pilot.app))
        shown = text_of(pilot.app)
        assert "out of memory" in shown
        assert "at work" in shown
        assert "best.pt" in shown
        assert "5.1 MiB" in shown


def find(home: BelievableHome, *findings: Finding, job_id: int = 1) -> None:
    """Have the health rules find this in a run."""
    progress = replace(home.store.read.job(job_id).attempts[-1].progress, findings=findings)
    home.store.ledger.record_progress([(job_id, 1, progress)])


OVER_FITTING = Finding(
    rule="over-fitting",
    severity=Severity.WARNING,
    epoch=31,
    text="Since epoch 26 the validation loss has risen by 14% while the training loss falls.",
    advice="It learns the training images by heart: stop early, augment more, or add data.",
    numbers={"risen": 0.141, "fallen": 0.06},
    told=True,
)
RARE = Finding(
    rule="few-images",
    severity=Severity.INFO,
    epoch=1,
    text="Few training images show triangle (7).",
    advice="Below 20 images a class is learned by chance: collect more, or leave it out.",
    numbers={"classes": 1.0},
    told=True,
)


@pytest.fixture
def ill(told: BelievableHome) -> BelievableHome:
    """Job 1 learns its images by heart."""
    find(told, RARE, OVER_FITTING)
    return told


@pytest.mark.parametrize("size", SIZES, ids=["80x24", "120x40", "200x60"])
def test_looks_when_something_is_wrong(ill: BelievableHome, snap_compare: Any, size: tuple[int, int]):
    assert snap_compare(dashboard(ill), terminal_size=size, run_before=showing(1))


@pytest.mark.parametrize("size", SIZES, ids=["80x24", "120x40", "200x60"])
def test_looks_of_what_is_wrong(ill: BelievableHome, snap_compare: Any, size: tuple[int, int]):
    assert snap_compare(dashboard(ill), terminal_size=size, run_before=showing(1, "tab"))


@pytest.mark.parametrize("size", SIZES, ids=["80x24", "120x40", "200x60"])
def test_looks_of_a_queue_with_a_run_that_is_not_well(ill: BelievableHome, snap_compare: Any, size: tuple[int, int]):
    assert snap_compare(dashboard(ill), terminal_size=size, run_before=settled)


@pytest.mark.presses("health")
async def test_what_is_wrong_is_seen_at_once_and_told_in_full(ill: BelievableHome):
    async with dashboard(ill).run_test(size=(120, 40)) as pilot:
        screen = await opened(pilot)
        assert "warning: Since epoch 26 the validation loss has risen by 14%" in text_of(pilot.app)
        assert "! tells all 2" in text_of(pilot.app)
        await pilot.press("exclamation_mark")
        await until(pilot, lambda: screen.page is Page.HEALTH and "over-fitting  since epoch 31" in text_of(pilot.app))
        shown = text_of(pilot.app)
        for words in (OVER_FITTING.advice, reason_for("over-fitting"), "risen 0.141", "docs/health.md#over-fitting"):
            assert words in shown
        assert shown.index("over-fitting") < shown.index("few-images")
        await pilot.press("exclamation_mark")
        assert screen.page is Page.CHARTS


@pytest.mark.presses("health")
async def test_the_queue_marks_a_run_that_is_not_well_and_leads_to_what_is_wrong(ill: BelievableHome):
    async with dashboard(ill).run_test(size=(120, 40)) as pilot:
        await settled(pilot)
        jobs = table(pilot.app)
        jobs.move(jobs._rows[1] - (jobs.cursor_row or 0))
        await until(pilot, lambda: "warning: over-fitting" in text_of(pilot.app))
        row = next(line for line in text_of(pilot.app).splitlines() if "night-n" in line and "running" in line)
        assert "● running ▲" in row
        await pilot.press("exclamation_mark")
        await until(pilot, lambda: isinstance(pilot.app.screen, RunScreen))
        assert run_screen(pilot).page is Page.HEALTH


async def test_a_run_that_is_well_says_so(told: BelievableHome):
    async with dashboard(told).run_test(size=(80, 24)) as pilot:
        await opened(pilot, 1, "exclamation_mark")
        await until(pilot, lambda: "Nothing was found after 37 epochs." in text_of(pilot.app))


async def test_the_newest_batch_is_told_above_the_curves(told: BelievableHome):
    async with dashboard(told).run_test(size=(120, 40)) as pilot:
        await opened(pilot)
        await until(pilot, lambda: "batch 470/480" in text_of(pilot.app))
        shown = text_of(pilot.app)
        assert "step 120 ms" in shown
        assert "gradient 3.700" in shown


async def test_a_failure_tells_what_ended_each_attempt(told: BelievableHome):
    async with dashboard(told).run_test(size=(120, 40)) as pilot:
        await opened(pilot, 4, "tab", "tab", "tab", "tab")
        assert "failed, exit code 1" in text_of(pilot.app)
        assert "CUDA out of memory" in text_of(pilot.app)


@pytest.mark.presses("enlarge", "copy")
async def test_files_are_looked_into_and_their_paths_copied(told: BelievableHome):
    async with dashboard(told).run_test(notifications=True, size=(120, 40)) as pilot:
        screen = await opened(pilot, 1, "tab", "tab", "tab", "tab", "tab")
        assert screen.files.place == "train/results.png"
        assert "▀▀▀▀" in text_of(pilot.app)
        narrow = text_of(pilot.app).count("▀")
        await pilot.press("enter")
        await until(pilot, lambda: text_of(pilot.app).count("▀") > narrow)
        await pilot.press("y")
        assert str(pilot.app._clipboard).endswith("runs/000001-night-n/train/results.png")
        await pilot.press("escape", "end")
        await until(pilot, lambda: "37,4070" in text_of(pilot.app))
        await pilot.press("shift+tab", "y")
        assert str(pilot.app._clipboard).endswith("runs/000001-night-n")


async def test_a_torn_picture_is_said_to_be_one(told: BelievableHome):
    (Path(told.store.read.job(1).run_dir) / "train" / "results.png").write_bytes(b"\x89PNG\r\n\x1a\nnonsense")
    async with dashboard(told).run_test(size=(120, 40)) as pilot:
        await opened(pilot, 1, "tab", "tab", "tab", "tab", "tab")
        await until(pilot, lambda: "It can't be shown" in text_of(pilot.app))


async def test_no_pictures_in_ascii(told: BelievableHome):
    async with dashboard(told, ascii_only=True).run_test(size=(120, 40)) as pilot:
        await opened(pilot, 1, "tab", "tab", "tab", "tab", "tab")
        await until(pilot, lambda: "shows no pictures" in text_of(pilot.app))
        assert text_of(pilot.app).isascii()


@pytest.mark.presses("raise_priority", "kill")
async def test_verbs_are_for_this_run(told: BelievableHome):
    async with dashboard(told).run_test(notifications=True, size=(80, 24)) as pilot:
        await opened(pilot, 2)
        await pilot.press("plus")
        await until(pilot, lambda: told.store.read.job(2).priority is Priority.P0)
        await until(pilot, lambda: "P0 · maria" in text_of(pilot.app))
        await pilot.press("x")
        assert "Kill #2 night-s?" in text_of(pilot.app)
        await pilot.press("y")
        await until(pilot, lambda: "▼ stopping" in text_of(pilot.app))
        assert told.store.read.job(1).state == "running"


async def test_a_screen_that_is_not_seen_reads_nothing(told: BelievableHome):
    async with dashboard(told).run_test(size=(80, 24)) as pilot:
        screen = await opened(pilot)
        queue = main_screen(pilot.app)
        await until(pilot, lambda: queue._follower._followed is None)
        assert not queue._follower._wanted
        await pilot.press("escape")
        await until(pilot, lambda: queue._follower._followed is not None)
        await until(pilot, lambda: not screen._watcher.is_alive())


async def test_it_is_told_that_the_terminal_is_too_small(told: BelievableHome):
    async with dashboard(told).run_test(size=(80, 24)) as pilot:
        await opened(pilot)
        await pilot.resize_terminal(20, 5)
        await until(pilot, lambda: "at least" in text_of(pilot.app))
        await pilot.resize_terminal(80, 24)
        await until(pilot, lambda: "loss" in text_of(pilot.app))
