"""The dialog in which a window is booked or moved, with what it would do shown on the tracks behind it."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from rich.text import Text
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from yolotui.core.bookings import Booking
from yolotui.errors import YolotuiError
from yolotui.tui import deeds
from yolotui.tui.booking_look import KEYS, WAIT_KEY, BookingLook, look
from yolotui.tui.clerk import Deed
from yolotui.tui.messages import BookingLooked
from yolotui.tui.newest import Newest
from yolotui.tui.palette import CAUTION, PLAIN, QUIET, STRONG
from yolotui.tui.screens.acting import Setting
from yolotui.tui.tracks import Span

HINTS = {
    "from": "22:00, tomorrow 22:00, in 2h",
    "for": "8h",
    "gpus": "2, or 0,1 for certain ones",
    "note": "what for",
}
MOST_SENTENCES = 4


class BookingDialog(ModalScreen[Deed | None]):
    """Asks from when, for how long, for how many GPUs; answers with the deed that books it."""

    BINDINGS = [  # noqa: RUF012 — Textual's way
        ("escape", "cancel", "Cancel"),
        ("up", "step(-1)", "Up"),
        ("down", "step(1)", "Down"),
        (WAIT_KEY, "wait", "Wait for it"),
    ]

    def __init__(
        self,
        setting: Setting,
        texts: Mapping[str, str],
        moving: Booking | None,
        show: Callable[[tuple[Span, ...]], None],
    ) -> None:
        """`show` is given the ghosts of what stands there; `moving` is a booking that gets another window."""
        super().__init__()
        self._setting = setting
        self._texts = dict(texts)
        self._moving = moving
        self._show = show
        self._looked: BookingLook | None = None
        self._confirms = False
        self._looker = Newest("booking", self._look)

    def compose(self) -> ComposeResult:
        """A line for each thing, and below what is known of it."""
        with Vertical(id="booking"):
            title = f"Move booking {self._moving.id}" if self._moving else "Book GPUs"
            yield Static(Text.assemble((title, STRONG), ("   Enter books, Esc leaves", QUIET)))
            for key in KEYS:
                with Horizontal(classes="field"):
                    yield Static(key)
                    yield Input(
                        self._texts.get(key, ""), placeholder=HINTS[key], id=f"booking-{key}", compact=True,
                        select_on_focus=False, disabled=self._moving is not None and key in {"gpus", "note"},
                    )  # fmt: skip
            yield Static(id="booking-told")

    def on_mount(self) -> None:
        """Look at what stands there already."""
        for field in self.query(Input):
            field.cursor_blink = False
        self._looker.start()
        self._looker.ask(self._texts)
        self.query_one("#booking-from", Input).focus()

    def on_unmount(self) -> None:
        """Nobody asks any more."""
        self._looker.stop()

    def on_input_changed(self) -> None:
        """Look again."""
        self._texts = {key: self.query_one(f"#booking-{key}", Input).value for key in KEYS}
        self._confirms = False
        self._looker.ask(self._texts)

    def _look(self, texts: Mapping[str, str]) -> None:
        try:
            with self._setting.open_queue() as queue:
                looked = look(texts, queue, self._setting.now(), self._moving)
        except YolotuiError as error:
            looked = BookingLook(texts, sentences=(str(error),))
        self.post_message(BookingLooked(looked))

    def on_booking_looked(self, message: BookingLooked) -> None:
        """Show it, if it is of what stands there now."""
        if message.looked.texts != self._texts or not self.is_current:
            return
        self._looked = message.looked
        style = PLAIN if message.looked.free else CAUTION
        self.query_one("#booking-told", Static).update(
            Text("\n".join(message.looked.sentences[:MOST_SENTENCES]), style)
        )
        self._show(message.looked.ghosts)
        if self._confirms:
            self.on_input_submitted()

    def on_input_submitted(self) -> None:
        """Book it, as soon as it has been looked at; what can't be had stays to be changed."""
        looked = self._looked
        if looked is None or looked.texts != self._texts:
            self._confirms = True
        elif looked.free and looked.request:
            moved = self._moving
            self.dismiss(deeds.move_booking(moved, looked.request) if moved else deeds.reserve(looked.request))
        else:
            self._confirms = False
            self.app.bell()

    def action_wait(self) -> None:
        """Put it on the waitlist, where others hold the window."""
        looked = self._looked
        if looked and looked.texts == self._texts and looked.held and looked.request:
            self.dismiss(deeds.reserve(looked.request, waitlist=True))
        else:
            self.app.bell()

    def action_step(self, step: int) -> None:
        """To another field."""
        fields = [field for field in self.query(Input) if not field.disabled]
        if self.focused in fields:
            fields[(fields.index(self.focused) + step) % len(fields)].focus()

    def action_cancel(self) -> None:
        """Leave; nothing was booked."""
        self.dismiss(None)
