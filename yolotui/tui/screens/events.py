"""The screen of what has happened: the audit log, and above it what needs attention."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import overload

from textual import work
from textual.message import Message
from textual.widget import Widget

from yolotui.core.jobs import Job
from yolotui.errors import YolotuiError
from yolotui.store import AuditRow
from yolotui.tui.actions import Place, bindings
from yolotui.tui.live import Live
from yolotui.tui.palette import CAUTION, QUIET, STRONG
from yolotui.tui.panels.events import attention_row, event_row
from yolotui.tui.panels.frame import attention
from yolotui.tui.panels.texts import Piece, pieces, spread
from yolotui.tui.plot import Row
from yolotui.tui.screens.acting import Setting
from yolotui.tui.screens.view import Moves, ViewScreen
from yolotui.tui.widgets.pager import Pager

PAGE_ROWS = 200


class EventsScreen(ViewScreen):
    """Newest first. Older pages are read when the cursor comes near them, newer rows when the queue has changed."""

    PLACE = Place.EVENTS
    BINDINGS = [*bindings(Place.EVENTS)]  # noqa: RUF012 — Textual's way
    SEARCH = "words of who, what, job, why"

    class Read(Message):
        """A page for these words: rows newer than those that are known, or older ones."""

        def __init__(self, words: str, rows: Sequence[AuditRow], *, newer: bool) -> None:
            super().__init__()
            self.words = words
            self.rows = rows
            self.newer = newer

    class Unreadable(Message):
        """The queue could not be read."""

        def __init__(self, trouble: str) -> None:
            super().__init__()
            self.trouble = trouble

    def __init__(self, setting: Setting, live: Live) -> None:
        super().__init__(setting, live)
        self._words = ""
        self._events: list[AuditRow] = []
        self._all_read = False
        self._loading = False
        self._trouble = ""
        self.list = Pager(self._rows, self._glyphs, has_cursor=True, id="events")

    def body(self) -> Iterable[Widget]:
        """One list."""
        return (self.list,)

    @property
    def moves(self) -> Moves:
        """What the keys for moving are for."""
        return self.list

    @property
    def chosen(self) -> list[Job]:
        """The job of the event under the cursor, if it has one."""
        place = self.list.cursor - len(self._notices)
        event = self._events[place] if 0 <= place < len(self._events) else None
        job = self.snapshot.jobs.get(event.job) if event and event.job is not None else None
        return [job] if job else []

    # Reading

    def snapshot_changed(self) -> None:
        """Something was done: read what is newer."""
        self._load(newer=True)
        super().snapshot_changed()

    def on_pager_moved(self) -> None:
        """Read on before the end comes into sight."""
        if not (self._all_read or self._loading) and self.list.count - self.list.cursor < PAGE_ROWS // 2:
            self._load(newer=False)

    def looked_for(self, words: str) -> None:
        """Begin anew with other words."""
        self._words, self._events, self._all_read = words, [], False
        self.list.repaint(cursor=0)
        self._load(newer=False)

    def _load(self, *, newer: bool) -> None:
        newest = self._events[0].id if self._events else 0
        oldest = self._events[-1].id if self._events else None
        if newer and not self._events:
            newer = False
        self._loading = True
        self._read(self._words, newest if newer else None, oldest)

    @work(thread=True, group="events")
    def _read(self, words: str, after_id: int | None, before_id: int | None) -> None:
        try:
            with self.setting.open_queue() as queue:
                if after_id is None:
                    rows = queue.events(words, before_id=before_id, limit=PAGE_ROWS)
                else:
                    rows = queue.events(words, after_id=after_id, limit=PAGE_ROWS)
        except YolotuiError as error:
            self.post_message(self.Unreadable(str(error)))
        else:
            self.post_message(self.Read(words, rows, newer=after_id is not None))

    def on_events_screen_read(self, message: Read) -> None:
        """Show the page, unless other words are looked for by now. The cursor stays on its event."""
        self._loading, self._trouble = False, ""
        if message.words != self._words:
            return
        known = {event.id for event in self._events}
        rows = [event for event in message.rows if event.id not in known]
        cursor = self.list.cursor
        if message.newer:
            self._events = [*rows, *self._events]
            cursor += len(rows) if cursor > len(self._notices) else 0
        else:
            self._events += rows
            self._all_read = len(message.rows) < PAGE_ROWS
        self.list.repaint(cursor=cursor)
        super().repaint()

    def on_events_screen_unreadable(self, message: Unreadable) -> None:
        """Say so; what was read stays."""
        self._loading, self._trouble = False, message.trouble
        self.repaint()

    # What is shown

    def repaint(self) -> None:
        """Draw what is in sight."""
        super().repaint()
        self.list.repaint()

    @property
    def _notices(self) -> list[Piece]:
        if self._words:
            return []
        return attention(self.snapshot, self.live.feed.seen_at, self.setting.now(), start_key=self.start_key)

    def title_row(self, width: int) -> Row:
        """How many events are known, and what is looked for."""
        shown = f"{len(self._events):,}{'' if self._all_read else '+'}"
        left = pieces((" Events ", STRONG), (f"newest first, {shown} read", QUIET))
        return spread(left, pieces((f"/{self._words} " if self._words else "", STRONG)), width, self._glyphs.ellipsis)

    def status_row(self, width: int) -> Row:  # noqa: ARG002
        """What Enter would open."""
        if self._trouble:
            return pieces((f" {self._trouble}", CAUTION))
        return pieces((f" Enter opens #{self.chosen[0].id}", QUIET)) if self.chosen else []

    def _rows(self, width: int) -> Sequence[Row]:
        notices = self._notices
        if not (self._events or notices):
            if self._words and self._all_read:
                return [pieces((f"No event has {self._words!r}. Esc shows all again.", QUIET))]
            said = "Nothing has happened yet: `yolotui add` submits a job, and that shows up here."
            return [pieces((said if self._all_read else "Reading.", QUIET))]
        return _EventRows(self, notices, self._events, width)

    def draw(self, event: AuditRow, width: int) -> Row:
        """An event as a row."""
        return event_row(event, self.snapshot, self._words, self.setting.now(), width, self._glyphs)

    def draw_notice(self, notice: Piece, width: int) -> Row:
        """Something that needs attention as a row."""
        return attention_row(notice, width, self._glyphs)


class _EventRows(Sequence[Row]):
    """Rows that are made when they come into sight."""

    def __init__(self, screen: EventsScreen, notices: list[Piece], events: list[AuditRow], width: int) -> None:
        self._screen, self._notices, self._events, self._width = screen, notices, events, width

    def __len__(self) -> int:
        return len(self._notices) + len(self._events)

    @overload
    def __getitem__(self, place: int) -> Row: ...

    @overload
    def __getitem__(self, place: slice) -> Sequence[Row]: ...

    def __getitem__(self, place: int | slice) -> Row | Sequence[Row]:
        if isinstance(place, slice):
            return [self[each] for each in range(*place.indices(len(self)))]
        if place < len(self._notices):
            return self._screen.draw_notice(self._notices[place], self._width)
        return self._screen.draw(self._events[place - len(self._notices)], self._width)
