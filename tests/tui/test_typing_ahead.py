"""Keys that arrive in one piece, as a slow line delivers them."""

from __future__ import annotations

from typing import Any

import pytest
from textual import events
from textual.pilot import Pilot
from textual.widgets import Input

from tests.tui.believable import BelievableHome
from tests.tui.showing import dashboard, main_screen, selected, settled, until
from yolotui.tui.screens.confirm import ConfirmDialog


def typed_at_once(pilot: Pilot[Any], keys: str) -> None:
    """All keys lie in the application's queue before it looks at the first."""
    names = {"/": "slash"}
    for sign in keys:
        pilot.app.post_message(events.Key(names.get(sign, sign), sign))


@pytest.mark.parametrize("way", ["", "t", "E", "\r"])
async def test_words_that_are_looked_for_are_no_commands(night: BelievableHome, way: str):
    async with dashboard(night).run_test(size=(120, 40)) as pilot:
        await settled(pilot)
        await pilot.press(*(["enter"] if way == "\r" else way))
        await pilot.pause()
        typed_at_once(pilot, "/xHupq")
        await until(pilot, lambda: isinstance(pilot.app.focused, Input) and pilot.app.focused.value == "xHupq")
        assert pilot.app.return_code is None


async def test_a_dialog_is_about_the_job_that_the_key_before_went_to(night: BelievableHome):
    async with dashboard(night).run_test(size=(120, 40)) as pilot:
        await settled(pilot)
        first = selected(pilot.app).id
        typed_at_once(pilot, "jx")
        await until(pilot, lambda: isinstance(pilot.app.screen, ConfirmDialog))
        assert main_screen(pilot.app).chosen[0].id != first


async def test_nothing_is_opened_after_leaving(night: BelievableHome):
    async with dashboard(night).run_test(size=(120, 40)) as pilot:
        await settled(pilot)
        typed_at_once(pilot, "qaFEt")
        await until(pilot, lambda: pilot.app.return_code is not None)
    assert pilot.app.return_code == 0
