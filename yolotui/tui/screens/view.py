"""What the screens have in common that are opened from another one and go back to it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from textual.app import ComposeResult
from textual.widget import Widget

from yolotui.tui.live import Live
from yolotui.tui.plot import Row
from yolotui.tui.screens.acting import Setting
from yolotui.tui.screens.base import DashboardScreen
from yolotui.tui.widgets.search_bar import SearchBar


class Moves(Protocol):
    """Something that the keys for moving move."""

    def move(self, rows: int) -> None: ...

    def move_page(self, pages: int) -> None: ...

    def move_to_end(self, *, last: bool) -> None: ...


class ViewScreen(DashboardScreen):
    """Header, title, a body of its own, status, keys.

    Textual calls the `on_…` handlers of all classes, the derived one's first: none calls its parent's.
    """

    AUTO_FOCUS = ""
    SEARCH = ""
    """What can be searched for here, as a hint; empty where nothing can."""

    def __init__(self, setting: Setting, live: Live) -> None:
        super().__init__(setting, live)
        self.add_lines(
            title=lambda width, _height: [self.title_row(width)],
            status=lambda width, _height: [self.status_row(width)],
        )
        self.search = SearchBar(self.SEARCH, id="search")

    # For the screens themselves

    def body(self) -> Iterable[Widget]:
        """What stands between title and status."""
        raise NotImplementedError

    def title_row(self, width: int) -> Row:
        """What the screen is about."""
        raise NotImplementedError

    def status_row(self, width: int) -> Row:  # noqa: ARG002
        """What is under the cursor."""
        return []

    @property
    def moves(self) -> Moves:
        """What the keys for moving are for."""
        raise NotImplementedError

    def looked_for(self, words: str) -> None:
        """Other words are looked for."""

    # The frame

    def compose(self) -> ComposeResult:
        """From top to bottom."""
        yield self.lines["header"]
        yield self.lines["title"]
        yield from self.body()
        yield self.lines["status"]
        yield self.search
        yield self.lines["keys"]
        yield self.too_small()

    def on_mount(self) -> None:
        """Let the clocks go on, and carry out what the keys ask for."""
        self._clerk.start()
        self.set_interval(self.setting.refresh_s, self._tick)

    def on_unmount(self) -> None:
        """What was asked for is still done."""
        self._clerk.stop()

    def snapshot_changed(self) -> None:
        """The queue looks different."""
        if self.is_mounted:
            self.repaint()

    def action_open_run(self) -> None:
        """Open the run of what is under the cursor, if that is about one."""
        if self.chosen:
            self.open_run(self.chosen[0].id)

    # Searching

    def action_search(self) -> None:
        """Ask for words."""
        self.lines["status"].display = False
        self.search.open()

    def on_search_bar_changed(self, message: SearchBar.Changed) -> None:
        """Look while they are being written."""
        self.looked_for(message.words)

    def on_search_bar_closed(self) -> None:
        """Back to the rows."""
        self.lines["status"].display = True
        self.call_after_refresh(self.repaint)

    # Moving

    def action_up(self) -> None:
        """Up."""
        self.moves.move(-1)
        self.lines["status"].repaint()

    def action_down(self) -> None:
        """Down."""
        self.moves.move(1)
        self.lines["status"].repaint()

    def action_page_up(self) -> None:
        """A screenful up."""
        self.moves.move_page(-1)
        self.lines["status"].repaint()

    def action_page_down(self) -> None:
        """A screenful down."""
        self.moves.move_page(1)
        self.lines["status"].repaint()

    def action_first(self) -> None:
        """To the start."""
        self.moves.move_to_end(last=False)
        self.lines["status"].repaint()

    def action_last(self) -> None:
        """To the end."""
        self.moves.move_to_end(last=True)
        self.lines["status"].repaint()

    def on_pager_moved(self) -> None:
        """Say where."""
        self.lines["status"].repaint()

    def action_back(self) -> None:
        """Take the search back; else back to where one came from."""
        if self.search.is_open:
            self.search.clear()
            self.search.close()
            self.on_search_bar_closed()
        elif self.search.words:
            self.search.clear()
        else:
            self.dismiss()
