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
from yolotui.tui.actions import Action, Topic, sign_of
from yolotui.tui.glyphs import Glyphs
from yolotui.tui.palette import PLAIN, QUIET, SKY, STATE_COLOURS, STRONG, ink


class HelpScreen(ModalScreen[None]):
    """Every key with what it does, and every state with its sign."""

    BINDINGS = [  # noqa: RUF012 — Textual's way
        ("escape,q,question_mark,enter", "dismiss", "Close"),
        ("j", "scroll(1)", "Down"),
        ("k", "scroll(-1)", "Up"),
    ]

    def __init__(self, actions: Sequence[Action], glyphs: Glyphs, *, readonly: bool) -> None:
        super().__init__()
        self._actions = actions
        self._glyphs = glyphs
        self._readonly = readonly

    def compose(self) -> ComposeResult:
        """One text that scrolls."""
        with Vertical(id="help-box"):
            with VerticalScroll(id="help"):
                yield Static(help_text(self._actions, self._glyphs, readonly=self._readonly))
            yield Static(Text("j k scroll   Esc closes", QUIET), id="help-keys")

    def action_scroll(self, lines: int) -> None:
        """Scroll by lines, as vim does."""
        self.query_one("#help").scroll_relative(y=lines, animate=False)


def help_text(actions: Sequence[Action], glyphs: Glyphs, *, readonly: bool) -> Group:
    """The help in two columns; what a read-only dashboard refuses is dimmed."""
    parts: list[RenderableType] = []
    for topic in Topic:
        table = Table.grid(padding=(0, 2))
        table.add_column(width=8)
        table.add_column()
        for action in (action for action in actions if action.topic is topic):
            refused = readonly and action.changes
            keys = " ".join(sign_of(key) for key in action.keys)
            text = f"{action.help} (read-only)" if refused else action.help
            table.add_row(Text(keys, QUIET if refused else STRONG), Text(text, QUIET if refused else PLAIN))
        parts += [Text(topic.value, ink(SKY, bold=True)), table, Text()]
    states = Text("States\n", ink(SKY, bold=True))
    for number, state in enumerate(STATES, start=1):
        states.append(f"{glyphs.state(state)} {state:<11}", ink(STATE_COLOURS[state]))
        states.append("\n" if number % 4 == 0 else " ")
    farewell = "Jobs and the scheduler are other processes: leaving the dashboard, or losing it, stops nothing."
    return Group(*parts, states, Text(farewell, QUIET))
