"""The help, generated from the registry of actions."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text
from textual.app import ComposeResult
from textual.containers import Vertical, VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Static

from yolotui.core.jobs import STATES
from yolotui.tui.actions import Action, Place, Topic, at, sign_of
from yolotui.tui.glyphs import Glyphs
from yolotui.tui.palette import PLAIN, QUIET, SKY, STATE_COLOURS, STRONG, ink


class HelpScreen(ModalScreen[None]):
    """Every key with what it does, and every state with its sign."""

    BINDINGS = [  # noqa: RUF012 — Textual's way
        ("escape,q,question_mark,enter", "dismiss", "Close"),
        ("j", "scroll(1)", "Down"),
        ("k", "scroll(-1)", "Up"),
    ]

    def __init__(self, place: Place, actions: Sequence[Action], glyphs: Glyphs, *, readonly: bool) -> None:
        super().__init__()
        self._place = place
        self._actions = actions
        self._glyphs = glyphs
        self._readonly = readonly

    def compose(self) -> ComposeResult:
        """One text that scrolls."""
        with Vertical(id="help-box"):
            with VerticalScroll(id="help"):
                yield Static(help_text(self._place, self._actions, self._glyphs, readonly=self._readonly))
            yield Static(Text("j k scroll   Esc closes", QUIET), id="help-keys")

    def action_scroll(self, lines: int) -> None:
        """Scroll by lines, as vim does."""
        self.query_one("#help").scroll_relative(y=lines, animate=False)


def help_text(here: Place, actions: Sequence[Action], glyphs: Glyphs, *, readonly: bool) -> Group:
    """The keys of the screen that one comes from, then what other screens add; a read-only dashboard's are dimmed."""
    parts: list[RenderableType] = []
    known = at(here, actions)
    for topic in Topic:
        if of_topic := [action for action in known if action.topic is topic]:
            parts += [Text(topic.value, ink(SKY, bold=True)), _table(of_topic, readonly=readonly), Text()]
    for place in Place:
        if others := [action for action in at(place, actions) if action not in known]:
            title = Text.assemble((place.value.capitalize(), ink(SKY, bold=True)), (" screen, besides", QUIET))
            parts += [title, _table(others, readonly=readonly), Text()]
    states = Text("States\n", ink(SKY, bold=True))
    for number, state in enumerate(STATES, start=1):
        states.append(f"{glyphs.state(state)} {state:<11}", ink(STATE_COLOURS[state]))
        states.append("\n" if number % 4 == 0 else " ")
    farewell = "Jobs and the scheduler are other processes: leaving the dashboard, or losing it, stops nothing."
    return Group(*parts, states, Text(farewell, QUIET))


def _table(actions: Sequence[Action], *, readonly: bool) -> Table:
    table = Table.grid(padding=(0, 2))
    table.add_column(width=9)
    table.add_column()
    for action in actions:
        refused = readonly and action.changes
        keys = " ".join(sign_of(key) for key in action.keys)
        text = f"{action.help} (read-only)" if refused else action.help
        table.add_row(Text(keys, QUIET if refused else STRONG), Text(text, QUIET if refused else PLAIN))
    return table
