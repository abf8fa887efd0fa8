"""What the threads tell the screen. Each carries a frozen value; a newer one replaces an older one that still waits."""

from __future__ import annotations

from collections.abc import Mapping

from textual.message import Message

from yolotui.tui.booking_look import BookingLook
from yolotui.tui.examining import Examined, FileLook
from yolotui.tui.run_book import RunBook
from yolotui.tui.run_view import RunView
from yolotui.tui.snapshot import Snapshot


class SnapshotRead(Message):
    """The queue looks different now."""

    def __init__(self, snapshot: Snapshot) -> None:
        super().__init__()
        self.snapshot = snapshot

    def can_replace(self, message: Message) -> bool:
        """Only the newest counts."""
        return isinstance(message, SnapshotRead)


class RunRead(Message):
    """The followed run has written something."""

    def __init__(self, run: RunView) -> None:
        super().__init__()
        self.run = run

    def can_replace(self, message: Message) -> bool:
        """Only the newest counts."""
        return isinstance(message, RunRead)


class BookRead(Message):
    """All there is to know of a run, anew."""

    def __init__(self, book: RunBook) -> None:
        super().__init__()
        self.book = book

    def can_replace(self, message: Message) -> bool:
        """Only the newest counts."""
        return isinstance(message, BookRead)


class CurvesRead(Message):
    """Curves of the main metric for rows in sight, by job id."""

    def __init__(self, curves: Mapping[int, tuple[float, ...]]) -> None:
        super().__init__()
        self.curves = curves

    def can_replace(self, message: Message) -> bool:
        """Only the newest counts: it holds all of them."""
        return isinstance(message, CurvesRead)


class VerbDone(Message):
    """A verb was done, or refused: a sentence either way."""

    def __init__(self, sentence: str, *, refused: bool = False) -> None:
        super().__init__()
        self.sentence = sentence
        self.refused = refused


class DraftExamined(Message):
    """A draft was looked at."""

    def __init__(self, examined: Examined) -> None:
        super().__init__()
        self.examined = examined


class FileLooked(Message):
    """A file of jobs was looked into."""

    def __init__(self, look: FileLook) -> None:
        super().__init__()
        self.look = look


class BookingLooked(Message):
    """A booking that is being written was looked at."""

    def __init__(self, looked: BookingLook) -> None:
        super().__init__()
        self.looked = looked
