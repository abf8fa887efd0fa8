"""One row in which words are written that a screen looks for."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.message import Message
from textual.widgets import Input, Static


class SearchBar(Horizontal):
    """Hidden until it is opened. Escape takes the words back, Enter keeps them."""

    class Changed(Message):
        """Other words stand in it."""

        def __init__(self, words: str) -> None:
            super().__init__()
            self.words = words

    class Closed(Message):
        """The person has finished writing, and keeps the words."""

    def __init__(self, placeholder: str, *, id: str | None = None) -> None:  # noqa: A002 — Textual's name
        super().__init__(id=id)
        self._input = Input(placeholder=placeholder, compact=True)
        self._input.cursor_blink = False

    def compose(self) -> ComposeResult:
        """The sign, and room for words."""
        yield Static("/")
        yield self._input

    @property
    def is_open(self) -> bool:
        """Whether words are being written."""
        return bool(self.display)

    @property
    def words(self) -> str:
        """What is looked for."""
        return self._input.value.strip()

    def open(self) -> None:
        """Ask for words."""
        self.display = True
        self.screen.set_focus(self._input)  # at once: the next keys are words

    def clear(self) -> None:
        """Take the words back."""
        self._input.value = ""

    def close(self) -> None:
        """Hide; the words stay."""
        self.display = False
        self.screen.set_focus(None)

    def on_input_changed(self, event: Input.Changed) -> None:
        """Tell while they are being written."""
        event.stop()
        self.post_message(self.Changed(event.value.strip()))

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Enter."""
        event.stop()
        self.close()
        self.post_message(self.Closed())
