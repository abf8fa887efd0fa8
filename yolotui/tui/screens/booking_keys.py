"""What the keys do to bookings, for a screen that knows which one is under the cursor."""

from __future__ import annotations

from math import ceil

from rich.text import Text

from yolotui.core.bookings import Booking
from yolotui.tui import deeds
from yolotui.tui.clerk import Deed
from yolotui.tui.live import Live
from yolotui.tui.panels.timetable_details import told_booking
from yolotui.tui.screens.acting import Setting
from yolotui.tui.screens.base import DashboardScreen
from yolotui.tui.screens.booking import BookingDialog
from yolotui.tui.screens.confirm import ConfirmDialog
from yolotui.tui.screens.line import LineDialog
from yolotui.tui.tracks import Span
from yolotui.units import format_duration, format_moment, moment

QUARTER_S = 900.0


class BookingKeys(DashboardScreen):
    """Books, moves, extends, hands over and takes back. `cursor_at` is the moment (UTC seconds) under the cursor."""

    def __init__(self, setting: Setting, live: Live) -> None:
        super().__init__(setting, live)
        self.cursor_at = setting.now()

    @property
    def booking(self) -> Booking | None:
        """The booking under the cursor."""
        raise NotImplementedError

    def show_ghosts(self, ghosts: tuple[Span, ...]) -> None:
        """Show what is only thought of."""
        raise NotImplementedError

    def action_book(self) -> None:
        """Book from the cursor on."""
        if self._may_change():
            begin = max(self.cursor_at, self.setting.now() + QUARTER_S)
            begin = ceil(begin / QUARTER_S) * QUARTER_S
            self._open_booking({"from": format_moment(begin), "for": "2h", "gpus": "1", "note": ""})

    def action_move_booking(self) -> None:
        """Another window for the booking under the cursor."""
        if booking := self._booking_to_change():
            length = format_duration(booking.ends_at - booking.starts_at, parts=None)
            texts = {
                "from": format_moment(booking.starts_at),
                "for": length,
                "gpus": str(booking.count),
                "note": booking.note,
            }
            self._open_booking(texts, booking)

    def action_extend_booking(self) -> None:
        """Another end for the booking under the cursor."""
        if booking := self._booking_to_change():
            now = self.setting.now()

            def meant(text: str) -> Deed:
                return deeds.extend_booking(booking.id, moment(text, max(now, booking.starts_at)), now)

            title, hint = f"Let booking {booking.id} end later, or sooner", "22:00, tomorrow 06:00, Wed 18:00"
            self._open_line(LineDialog(title, "until", format_moment(booking.ends_at), hint, meant))

    def action_transfer_booking(self) -> None:
        """Another owner for the booking under the cursor."""
        if booking := self._booking_to_change():

            def meant(text: str) -> Deed:
                if not text:
                    raise ValueError("Say whose it is to be.")
                return deeds.transfer_booking(booking.id, text)

            title = f"Make booking {booking.id} of {booking.owner.name} somebody else's"
            self._open_line(LineDialog(title, "whose", "", "an account of this machine, or an owner of jobs", meant))

    def action_unbook(self) -> None:
        """Take the booking under the cursor back, after a question."""
        if booking := self._booking_to_change():
            lines = [Text(line) for line in told_booking(booking, self.setting.now())]
            question = f"Take booking {booking.id} back?"
            self._ask(ConfirmDialog(question, lines, "Take it back", decline="Keep"), deeds.unreserve(booking.id))

    def _booking_to_change(self) -> Booking | None:
        """The booking under the cursor, if there is one and it may be changed from here; else it is said why not."""
        booking = self.booking
        if booking is None:
            self.notify("No booking is under the cursor.", severity="warning")
        return booking if booking and self._may_change() else None

    def _open_booking(self, texts: dict[str, str], moving: Booking | None = None) -> None:
        def answered(deed: Deed | None) -> None:
            self.show_ghosts(())
            self._do_if_any(deed)

        self.app.push_screen(BookingDialog(self.setting, texts, moving, self.show_ghosts), answered)

    def _open_line(self, dialog: LineDialog) -> None:
        self.app.push_screen(dialog, self._do_if_any)

    def _do_if_any(self, deed: Deed | None) -> None:
        if deed is not None:
            self._clerk.ask(deed)
