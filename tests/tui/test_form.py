"""The form and the file of jobs: how they look, and every key of them, over a real queue."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from tests.tui.believable import BelievableHome
from tests.tui.showing import dashboard, main_screen, settled, table, text_of, until
from yolotui.core.jobs import Kind
from yolotui.tui.screens.form import FormScreen
from yolotui.tui.screens.jobs_file import JobsFileScreen

SIZES = [pytest.param(size, id=f"{size[0]}x{size[1]}") for size in ((80, 24), (120, 40), (200, 60))]
RUNNING, WAITING, COMMAND = 1, 3, 12


@pytest.fixture
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with a data set and a file of jobs."""
    folder = tmp_path / "work"
    folder.mkdir()
    (folder / "shapes.yaml").write_text("names: {0: shape}\n")
    (folder / "jobs.toml").write_text(
        'defaults = { data = "shapes.yaml" }\n[[job]]\nname = "first"\nmodel = "yolo11n.yaml"\n'
        '[[job]]\nname = "second"\nmodel = "yolo11s.yaml"\nafter = ["first"]\npriority = "P1"\n'
    )
    monkeypatch.chdir(folder)
    return folder


async def opened(pilot: Pilot[Any], key: str, job_id: int | None = None) -> None:
    """Press the key that opens a screen, on a job if one is named."""
    await settled(pilot)
    if job_id is not None:
        table(pilot.app).go_to(job_id)
    await pilot.press(key)
    await until(pilot, lambda: isinstance(pilot.app.screen, FormScreen | JobsFileScreen))


async def write(pilot: Pilot[Any], key: str, text: str) -> None:
    """Put a text into a field of the form, key by key."""
    field = pilot.app.screen.query_one(f"#{key}", Input)
    field.value = ""
    field.focus()
    await pilot.pause()
    await pilot.press(*("space" if letter == " " else letter for letter in text))


async def told(pilot: Pilot[Any], text: str) -> None:
    await until(pilot, lambda: text in text_of(pilot.app))


def looking_at(key: str, job_id: int | None, text: str) -> Any:
    async def run_before(pilot: Pilot[Any]) -> None:
        await opened(pilot, key, job_id)
        await told(pilot, text)
        await pilot.app.workers.wait_for_complete()
        await pilot.pause()

    return run_before


@pytest.mark.parametrize("size", SIZES)
def test_looks_with_mistakes(night: BelievableHome, snap_compare: Any, size: tuple[int, int]):
    shows = looking_at("C", RUNNING, "there is no data set")
    assert snap_compare(dashboard(night), terminal_size=size, run_before=shows)


def test_looks_good(night: BelievableHome, snap_compare: Any):
    shows = looking_at("C", COMMAND, "can be submitted")
    assert snap_compare(dashboard(night), terminal_size=(80, 24), run_before=shows)


def test_looks_new(empty: BelievableHome, snap_compare: Any):
    shows = looking_at("a", None, "A model and a data set")
    assert snap_compare(dashboard(empty), terminal_size=(80, 24), run_before=shows)


def test_looks_without_colour(night: BelievableHome, snap_compare: Any, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("NO_COLOR", "1")
    shows = looking_at("C", RUNNING, "there is no data set")
    assert snap_compare(dashboard(night), terminal_size=(120, 40), run_before=shows)


def test_looks_in_ascii(night: BelievableHome, snap_compare: Any):
    shows = looking_at("C", RUNNING, "there is no data set")
    assert snap_compare(dashboard(night, ascii_only=True), terminal_size=(120, 40), run_before=shows)


@pytest.mark.parametrize("size", SIZES)
def test_a_file_looks(night: BelievableHome, work: Path, snap_compare: Any, size: tuple[int, int]):
    async def run_before(pilot: Pilot[Any]) -> None:
        await opened(pilot, "F")
        await pilot.press(*"jobs.toml")
        await told(pilot, "2 jobs can be submitted")
        await pilot.app.workers.wait_for_complete()
        await pilot.pause()

    assert snap_compare(dashboard(night), terminal_size=size, run_before=run_before)


@pytest.mark.presses("add", "submit", "field_above", "field_below")
async def test_a_new_job(night: BelievableHome, work: Path):
    async with dashboard(night).run_test(notifications=True, size=(120, 40)) as pilot:
        await opened(pilot, "a")
        await pilot.press(*"fresh", "down", "down", *"yolo11n")
        await told(pilot, "yolo11n.yaml")
        await until(pilot, lambda: pilot.app.screen.query_one("#model", Input)._suggestion == "yolo11n.yaml")
        await pilot.press("right", "enter", *"shapes.yaml", "enter", *"epocs=3")
        await told(pilot, "epocs: train() has no such argument")
        await pilot.press("f2")
        await pilot.press("up", "down")
        await write(pilot, "arguments", "epochs=3 imgsz=320")
        await write(pilot, "priority", "P1")
        await told(pilot, "can be submitted")
        await told(pilot, "Would start")
        await pilot.press("f2")
        await until(pilot, lambda: pilot.app.screen is main_screen(pilot.app))
        (job_id,) = night.store.read.select("fresh")
        job = night.store.read.job(job_id)
        assert job.spec.arguments == {"epochs": 3, "imgsz": 320}
        assert job.spec.data == str(work / "shapes.yaml")
        assert job.priority.name == "P1"


async def test_submitting_faster_than_it_is_looked_at(night: BelievableHome, work: Path):
    async with dashboard(night).run_test(notifications=True, size=(120, 40)) as pilot:
        await opened(pilot, "C", COMMAND)
        await write(pilot, "name", "quickly")
        await pilot.press("f2")
        await until(pilot, lambda: pilot.app.screen is main_screen(pilot.app))
        assert len(night.store.read.select("quickly")) == 1


@pytest.mark.presses("clone")
async def test_the_like_of_a_job(night: BelievableHome, work: Path):
    async with dashboard(night).run_test(notifications=True, size=(120, 40)) as pilot:
        await opened(pilot, "C", COMMAND)
        await told(pilot, "A new job like #12 report")
        await told(pilot, "can be submitted")
        await pilot.press("f2")
        await until(pilot, lambda: pilot.app.screen is main_screen(pilot.app))
        (job_id,) = night.store.read.select("report-2")
        assert night.store.read.job(job_id).spec.command == ("python", "report.py", "--week")


@pytest.mark.presses("edit")
async def test_a_change_of_a_waiting_job(night: BelievableHome, work: Path):
    night.submit("mine", kind=Kind.COMMAND, command=("true",), gpus=0)
    (job_id,) = night.store.read.select("mine")
    async with dashboard(night).run_test(notifications=True, size=(120, 40)) as pilot:
        await opened(pilot, "e", job_id)
        await told(pilot, "Nothing is changed yet")
        assert pilot.app.screen.query_one("#name", Input).disabled
        await write(pilot, "priority", "P0")
        await write(pilot, "gpus", "1")
        await until(pilot, lambda: "Nothing is changed yet" not in text_of(pilot.app))
        await pilot.press("f2")
        await until(pilot, lambda: pilot.app.screen is main_screen(pilot.app))
        job = night.store.read.job(job_id)
        assert (job.priority.name, job.spec.gpus) == ("P0", 1)


async def test_what_runs_can_not_be_changed(night: BelievableHome):
    async with dashboard(night).run_test(notifications=True, size=(120, 40)) as pilot:
        await settled(pilot)
        table(pilot.app).go_to(RUNNING)
        await pilot.press("e")
        await told(pilot, "only a job that has not started")
        assert pilot.app.screen is main_screen(pilot.app)


@pytest.mark.presses("leave_form")
async def test_what_was_written_is_there_the_next_time(night: BelievableHome):
    async with dashboard(night).run_test(notifications=True, size=(120, 40)) as pilot:
        await opened(pilot, "a")
        await pilot.press(*"half a name".replace(" ", "-"), "escape")
        await until(pilot, lambda: pilot.app.screen is main_screen(pilot.app))
        await opened(pilot, "a")
        assert pilot.app.screen.query_one("#name", Input).value == "half-a-name"


@pytest.mark.presses("jobs_file", "rows_up", "rows_down", "leave_file")
async def test_a_file_of_jobs(night: BelievableHome, work: Path):
    async with dashboard(night).run_test(notifications=True, size=(120, 40)) as pilot:
        await opened(pilot, "F")
        await told(pilot, "jobs.toml")  # offered before anything is written
        await pilot.press(*"jobs.tom")
        await told(pilot, "There is no file")
        await pilot.press("enter")
        await told(pilot, "2 jobs can be submitted")
        await told(pilot, "after first")
        await pilot.press("pagedown", "pageup", "f2")
        await until(pilot, lambda: pilot.app.screen is main_screen(pilot.app))
        await told(pilot, "2 jobs submitted")
        (second,) = night.store.read.select("second")
        assert night.store.read.job(second).after == tuple(night.store.read.select("first"))
        await opened(pilot, "F")
        await pilot.press("escape")
        await until(pilot, lambda: pilot.app.screen is main_screen(pilot.app))


async def test_a_wrong_file_names_every_mistake_by_its_line(night: BelievableHome, work: Path):
    (work / "wrong.toml").write_text('[[job]]\nmodel = "yolo11n.yaml"\ndata = "shapes.yaml"\nepocs = 3\n')
    async with dashboard(night).run_test(notifications=True, size=(120, 40)) as pilot:
        await opened(pilot, "F")
        await pilot.press(*"wrong.toml")
        await told(pilot, "wrong.toml:4")
        await pilot.press("f2")
        assert isinstance(pilot.app.screen, JobsFileScreen)
        assert night.store.read.select("12") == [12]


@pytest.mark.parametrize("key", ["a", "C", "e", "F"])
async def test_a_read_only_dashboard_writes_nothing(night: BelievableHome, key: str):
    async with dashboard(night, readonly=True).run_test(notifications=True, size=(120, 40)) as pilot:
        await settled(pilot)
        await pilot.press(key)
        await told(pilot, "read-only dashboard")
        assert pilot.app.screen is main_screen(pilot.app)
