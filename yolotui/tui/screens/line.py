"""The dialog that asks for one line, and answers with the deed that it means."""

from __future__ import annotations

from collections.abc import Callable

from rich.text import Text
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from yolotui.tui.clerk import Deed
from yolotui.tui.palette import CAUTION, QUIET, STRONG


class LineDialog(ModalScreen[Deed | None]):
    """Stays with what was written, and says what is wrong with it, until it means something."""

    BINDINGS = [("escape", "cancel", "Cancel")]  # noqa: RUF012 — Textual's way

    def __init__(self, title: str, label: str, text: str, hint: str, meant: Callable[[str], Deed]) -> None:
        """`text` stands in the line, `hint` below it. `meant` raises ValueError with a sentence."""
        super().__init__()
        self._title = title
        self._label = label
        self._text = text
        self._hint = hint
        self._meant = meant

    def compose(self) -> ComposeResult:
        """The question, the line, and what is wrong with it."""
        with Vertical(id="line"):
            yield Static(Text.assemble((self._title, STRONG), ("   Enter does it, Esc leaves", QUIET)))
            with Horizontal(classes="field"):
                yield Static(self._label)
                yield Input(self._text, compact=True, select_on_focus=False)
            yield Static(Text(self._hint, QUIET), id="line-told")

    def on_mount(self) -> None:
        """Write at once."""
        self.query_one(Input).cursor_blink = False
        self.query_one(Input).focus()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Do what it means."""
        try:
            deed = self._meant(event.value.strip())
        except ValueError as error:
            self.query_one("#line-told", Static).update(Text(str(error), CAUTION))
        else:
            self.dismiss(deed)

    def action_cancel(self) -> None:
        """Leave; nothing is done."""
        self.dismiss(None)
