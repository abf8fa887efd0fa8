"""The job table: the cursor stays on its job, whatever moves; 10,000 jobs are nothing special."""

from __future__ import annotations

from pathlib import Path

import pytest
from rich.segment import Segment

from tests.tui.believable import NOW, BelievableHome, many_jobs
from tests.tui.showing import cursor_row, dashboard, main_screen, selected, settled, table, text_of, until
from yolotui.core.jobs import Outcome, Priority, Succeeded
from yolotui.store import Actor

MARIA = Actor("maria", 1000)


async def test_the_cursor_stays_on_its_job_when_others_move(night: BelievableHome):
    async with dashboard(night).run_test(notifications=True, size=(120, 40)) as pilot:
        await settled(pilot)
        await pilot.press("down", "down", "down")
        cursor = table(pilot.app).cursor
        assert cursor == 3
        night.end(1, Succeeded(NOW), hours_ago=0, outcome=Outcome.SUCCEEDED)
        (new,) = night.submit("urgent", priority=Priority.P0)
        night.start(new, gpus=("GPU-0",))
        await until(pilot, lambda: "urgent" in text_of(pilot.app) and table(pilot.app)._ids[0] == new)
        assert table(pilot.app).cursor == cursor
        marked_row = next(line for line in text_of(pilot.app).splitlines() if line.startswith("▌"))
        assert "coco-x-1280" in marked_row


async def test_the_cursor_follows_a_job_that_ends(night: BelievableHome):
    async with dashboard(night).run_test(notifications=True, size=(120, 40)) as pilot:
        await settled(pilot)
        assert table(pilot.app).cursor == 1
        night.end(1, Succeeded(NOW), hours_ago=0, outcome=Outcome.SUCCEEDED)
        await until(pilot, lambda: selected(pilot.app).state == "succeeded")
        assert table(pilot.app).cursor == 1
        assert cursor_row(pilot.app) > 5


async def test_a_filter_that_hides_the_job_moves_the_cursor_to_one_that_is_there(night: BelievableHome):
    async with dashboard(night).run_test(notifications=True, size=(120, 40)) as pilot:
        await settled(pilot)
        await pilot.press("slash", *"sweep", "enter")
        assert "sweep" in selected(pilot.app).name


async def test_ten_thousand_jobs_draw_only_what_is_in_sight(tmp_path: Path, monkeypatch):
    crowd = many_jobs(tmp_path / "home", 10_000)
    async with dashboard(crowd).run_test(notifications=True, size=(120, 40)) as pilot:
        await settled(pilot)
        jobs = table(pilot.app)
        assert "1 of 10,000" in text_of(pilot.app)
        lines = []
        original = jobs._line

        def counted(y: int) -> list[Segment]:
            lines.append(y)
            return original(y)

        monkeypatch.setattr(jobs, "_line", counted)
        await pilot.press("G")
        await until(pilot, lambda: "10000 of 10,000" in text_of(pilot.app))
        assert jobs.cursor_row == 9_999
        assert jobs.cursor in jobs.in_sight
        assert len(lines) < 40 * 12
    crowd.store.close()


async def test_a_row_that_did_not_change_is_not_sent_again(night: BelievableHome, monkeypatch):
    async with dashboard(night).run_test(notifications=True, size=(120, 40)) as pilot:
        await settled(pilot)
        regions = []
        monkeypatch.setattr(table(pilot.app), "refresh", lambda *r, **_: regions.extend(r))
        table(pilot.app).tick(night.clock())
        assert regions == []
        table(pilot.app).tick(night.clock() + 60)
        assert 0 < len(regions) <= len(table(pilot.app).in_sight)


async def test_a_click_puts_the_cursor_there(night: BelievableHome):
    async with dashboard(night).run_test(notifications=True, size=(120, 40)) as pilot:
        await settled(pilot)
        await pilot.click("#jobs", offset=(10, 4))
        assert table(pilot.app).cursor == table(pilot.app)._ids[3]


async def test_names_from_outside_are_shown_as_they_are(night: BelievableHome):
    night.submit("[red]x[/red] \x1b[31mx", priority=Priority.P0)
    async with dashboard(night).run_test(notifications=True, size=(200, 60)) as pilot:
        await settled(pilot)
        assert "[red]x[/red] ?[31mx" in text_of(pilot.app)
        assert "\x1b" not in text_of(pilot.app)


@pytest.mark.presses("up", "down", "page_up", "page_down", "first", "last")
async def test_pages_and_ends(night: BelievableHome):
    async with dashboard(night).run_test(notifications=True, size=(80, 24)) as pilot:
        await settled(pilot)
        await pilot.press("end")
        assert table(pilot.app).cursor_row == 24
        await pilot.press("home")
        assert table(pilot.app).cursor_row == 0
        await pilot.press("pagedown")
        below = cursor_row(pilot.app)
        assert 3 <= below < 10
        await pilot.press("pageup", "j", "down", "k", "up", "k")
        assert table(pilot.app).cursor_row == 0
        assert main_screen(pilot.app).table.cursor in table(pilot.app).in_sight
