"""Many jobs at once: ranges of marks, and groups that are folded into one row."""

from __future__ import annotations

import pytest

from tests.tui.believable import BelievableHome
from tests.tui.showing import dashboard, main_screen, selected, settled, table, text_of, until
from yolotui.core.jobs import Priority
from yolotui.store import Actor
from yolotui.tui.screens.confirm import ConfirmDialog

SIZE = (120, 40)


def states(night: BelievableHome, *ids: int) -> list[str]:
    return [job.state for job in night.store.read.jobs(ids=ids)]


@pytest.mark.presses("mark_range", "back")
async def test_a_range_reaches_from_where_it_began_to_the_cursor(night: BelievableHome):
    async with dashboard(night).run_test(notifications=True, size=SIZE) as pilot:
        await settled(pilot)
        await pilot.press("down", "down", "down", "v", "down", "down")
        assert table(pilot.app).chosen == [3, 10, 7]
        assert "3 marked (range)" in text_of(pilot.app)
        await pilot.press("up", "v")
        assert table(pilot.app).chosen == [3, 10]
        await pilot.press("down", "down", "v", "up", "v", "escape")
        assert table(pilot.app).chosen == [table(pilot.app).cursor]


async def test_a_range_goes_upwards_too_and_keeps_what_was_marked(night: BelievableHome):
    async with dashboard(night).run_test(notifications=True, size=SIZE) as pilot:
        await settled(pilot)
        await pilot.press("space", "down", "down", "down", "v", "up", "v")
        assert table(pilot.app).chosen == [1, 3, 10]


async def test_a_verb_takes_an_open_range_as_it_is(night: BelievableHome):
    async with dashboard(night).run_test(notifications=True, size=SIZE) as pilot:
        await settled(pilot)
        await pilot.press("down", "down", "down", "v", "down", "H")
        await until(pilot, lambda: states(night, 3, 10) == ["held", "held"])
        await until(pilot, lambda: not table(pilot.app).marked)


@pytest.mark.presses("fold")
async def test_a_group_folds_into_one_row_and_opens_again(night: BelievableHome):
    async with dashboard(night).run_test(notifications=True, size=SIZE) as pilot:
        await settled(pilot)
        await pilot.press("slash", *"sweep-05", "enter", "escape")
        job = selected(pilot.app).id
        await pilot.press("o")
        row = next(line for line in text_of(pilot.app).splitlines() if "@sweep" in line[:69])
        assert "12 jobs" in row
        assert "12 succeeded" in row
        assert not any("sweep-05" in line[:69] for line in text_of(pilot.app).splitlines())
        assert "(25 jobs)" in text_of(pilot.app)
        assert table(pilot.app).cursor == "@sweep"
        assert any("sweep-05" in line[69:] for line in text_of(pilot.app).splitlines())
        await pilot.press("o")
        assert "sweep-05" in text_of(pilot.app)
        assert selected(pilot.app).spec.group == "sweep"
        assert job in table(pilot.app)._ids


async def test_what_is_done_to_a_folded_group_is_done_to_its_jobs(night: BelievableHome):
    async with dashboard(night).run_test(notifications=True, size=SIZE) as pilot:
        await settled(pilot)
        await pilot.press("slash", *"tune", "enter", "o")
        assert sorted(table(pilot.app).chosen) == [7, 8, 9]
        await pilot.press("plus")
        await until(pilot, lambda: {job.priority for job in night.store.read.jobs(ids=[7, 8, 9])} == {Priority.P1})
        await pilot.press("x")
        await until(pilot, lambda: isinstance(pilot.app.screen, ConfirmDialog))
        assert "Cancel these 3 jobs?" in text_of(pilot.app)


async def test_the_cursor_stays_on_its_group_when_the_group_moves(night: BelievableHome):
    async with dashboard(night).run_test(notifications=True, size=SIZE) as pilot:
        await settled(pilot)
        await pilot.press("slash", *"tune", "enter", "o", "escape")
        assert table(pilot.app).cursor == "@tune"
        before = table(pilot.app).cursor_row
        night.submit("urgent", priority=Priority.P0)
        night.start(7, gpus=("GPU-2",))
        await until(pilot, lambda: table(pilot.app).cursor_row != before)
        assert table(pilot.app).cursor == "@tune"
        assert "● 1  ○ 2" in next(line for line in text_of(pilot.app).splitlines() if "@tune" in line[:69])


@pytest.mark.presses("fold_all")
async def test_all_groups_fold_and_open(night: BelievableHome):
    async with dashboard(night).run_test(notifications=True, size=SIZE) as pilot:
        await settled(pilot)
        await pilot.press("O")
        assert set(table(pilot.app)._ids) == {"@night", "@tune", "@sweep", "@crops"}
        await pilot.press("down", "space")
        assert len(table(pilot.app).marked) == len(main_screen(pilot.app)._arranged.jobs_of(table(pilot.app)._ids[1]))
        await pilot.press("O")
        assert len(table(pilot.app)._ids) == 25


async def test_a_group_that_is_gone_leaves_the_cursor_where_it_stood(night: BelievableHome):
    async with dashboard(night).run_test(notifications=True, size=SIZE) as pilot:
        await settled(pilot)
        await pilot.press("O", "end")
        place = table(pilot.app).cursor_row
        await pilot.press("slash", *"night", "enter")
        assert table(pilot.app).cursor == "@night"
        assert place != table(pilot.app).cursor_row


@pytest.mark.presses("undo")
async def test_undo_takes_back_priority_hold_and_cancel_one_after_another(night: BelievableHome):
    async with dashboard(night).run_test(notifications=True, size=SIZE) as pilot:
        await settled(pilot)
        await pilot.press("slash", *"tune", "enter", "o", "plus")
        await until(pilot, lambda: night.store.read.job(7).priority is Priority.P1)
        await pilot.press("H")
        await until(pilot, lambda: states(night, 7, 8, 9) == ["held"] * 3)
        await pilot.press("x", "y")
        await until(pilot, lambda: states(night, 7, 8, 9) == ["cancelled"] * 3)
        await pilot.press("u")
        await until(pilot, lambda: states(night, 7, 8, 9) == ["held"] * 3)
        await pilot.press("u")
        await until(pilot, lambda: states(night, 7, 8, 9) == ["waiting"] * 3)
        await pilot.press("u")
        await until(pilot, lambda: {job.priority for job in night.store.read.jobs(ids=[7, 8, 9])} == {Priority.P2})
        await until(pilot, lambda: "Taken back: priority of 3 jobs." in text_of(pilot.app))
        await pilot.press("u")
        await until(pilot, lambda: "There is nothing to undo" in text_of(pilot.app))
        night.store.verbs.drain(["GPU-0"], Actor.current())
        await pilot.press("u")
        await until(pilot, lambda: "Your last act was draining GPU" in text_of(pilot.app))


async def test_what_another_person_did_is_not_taken_back(night: BelievableHome):
    night.store.verbs.hold([7], Actor("jonas", 1000))
    async with dashboard(night).run_test(notifications=True, size=SIZE) as pilot:
        await settled(pilot)
        await pilot.press("u")
        await until(pilot, lambda: "There is nothing to undo" in text_of(pilot.app))
        assert states(night, 7) == ["held"]
