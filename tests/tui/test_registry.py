"""The one registry of what keys do: nothing in it lacks a key, a help line, a handler or a test."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest
from click.testing import CliRunner
from textual.color import Color

from yolotui.cli.verbs.config import config_verb
from yolotui.errors import WrongUse, YolotuiError
from yolotui.tui import palette
from yolotui.tui.actions import ACTIONS, Action, Place, at
from yolotui.tui.keymap import with_keys
from yolotui.tui.screens.acting import ActingScreen
from yolotui.tui.screens.queue import QueueScreen
from yolotui.tui.themes import THEMES, _counterparts, theme_named


def screens(kind: type[ActingScreen] = ActingScreen) -> list[type[ActingScreen]]:
    """Every screen that has actions."""
    return [each for sub in kind.__subclasses__() for each in (sub, *screens(sub)) if "PLACE" in vars(each)]


def action_named(name: str, actions: tuple[Action, ...] = ACTIONS) -> Action:
    return next(action for action in actions if action.name == name)


def pressed_in_tests() -> set[str]:
    """The actions that some test here says it presses; `conftest.py` fails a test that says so and doesn't."""
    names: set[str] = set()
    for file in Path(__file__).parent.glob("test_*.py"):
        for value in vars(importlib.import_module(f"tests.tui.{file.stem}")).values():
            for mark in getattr(value, "pytestmark", ()):
                names |= set(mark.args) if mark.name == "presses" else set()
    return names


def test_every_action_has_a_key_a_label_and_a_help_line():
    for action in ACTIONS:
        assert action.keys
        assert action.label
        assert action.help.endswith(".")
        assert action.places
    assert len({action.name for action in ACTIONS}) == len(ACTIONS)


def test_every_action_has_a_handler_on_each_of_its_screens():
    assert QueueScreen in screens()
    for screen in screens():
        for action in at(screen.PLACE):
            assert callable(getattr(screen, f"action_{action.name}", None)), (screen, action.name)


@pytest.mark.parametrize("place", Place)
def test_no_key_means_two_things_on_one_screen(place: Place):
    keys = [key for action in at(place) for key in action.keys]
    assert len(keys) == len(set(keys))


def test_every_action_is_pressed_by_a_test():
    assert {action.name for action in ACTIONS} <= pressed_in_tests()


def test_keys_of_the_configuration():
    changed = with_keys({"kill": "ctrl+k, K", "sort": "*"})
    assert action_named("kill", changed).keys == ("ctrl+k", "K")
    assert action_named("sort", changed).keys == ("asterisk",)
    assert action_named("sort", changed).key_sign == "*"
    assert action_named("pause", changed) == action_named("pause")


def test_keys_may_be_exchanged():
    changed = with_keys({"sort": "p", "pause": "s"})
    assert (action_named("sort", changed).keys, action_named("pause", changed).keys) == (("p",), ("s",))


@pytest.mark.parametrize(
    ("keys", "complaint"),
    [
        ({"kil": "x"}, r"\[keys\] kil: there is no such action; did you mean 'kill'"),
        ({"kill": "ctl+k"}, r"\[keys\] kill: there is no key 'ctl\+k'; did you mean 'ctrl\+k'"),
        ({"kill": "escpe"}, "there is no key 'escpe'; did you mean 'escape'"),
        ({"sort": "x"}, r"\[keys\] sort: 'x' is the key of kill; give that one another"),
        ({"sort": "+"}, r"'\+' is the key of raise_priority"),
    ],
)
def test_a_wrong_key_is_refused_with_a_sentence(keys: dict[str, str], complaint: str):
    with pytest.raises(WrongUse, match=complaint):
        with_keys(keys)


def test_every_mistake_is_told_at_once():
    with pytest.raises(WrongUse) as refused:
        with_keys({"kil": "x", "sort": "blub"})
    assert len(str(refused.value).splitlines()) == 2


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ('[keys]\nkil = "x"', "did you mean 'kill'"),
        ('[ui]\ntheme = "nrd"', "there is no theme 'nrd'; did you mean 'nord'"),
        ('[queue]\nconfirm = "allways"', "did you mean 'always'"),
        ("[ui]\nrefresh = 0", "from 0.1 to 60 seconds"),
    ],
)
def test_config_check_knows_keys_and_themes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, line: str, complaint: str
):  # fmt: skip
    monkeypatch.setenv("YOLOTUI_HOME", str(tmp_path))
    (tmp_path / "config.toml").write_text(line)
    checked = CliRunner().invoke(config_verb, ["check"])
    assert complaint in str(checked.exception)
    assert isinstance(checked.exception, YolotuiError)


@pytest.mark.parametrize("name", sorted(THEMES))
def test_a_theme_can_be_read_on_its_own_background(name: str):
    theme = theme_named(name)
    colours = theme.to_color_system().generate()
    background = Color.parse(colours["background"])
    for ours, theirs in _counterparts(theme).items():
        if ours not in {palette.FAINT, palette.CURSOR}:
            assert contrast(Color.parse(theirs), background) > 2.5, (name, ours, theirs)


def contrast(one: Color, other: Color) -> float:
    """The contrast of two colours after WCAG 2, from 1 to 21."""
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def luminance(colour: Color) -> float:
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in colour.normalized)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
