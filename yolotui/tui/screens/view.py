"""What the screens have in common that are opened from another one and go back to it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from textual.app import ComposeResult
from textual.widget import Widget
from textual.widgets import Static

from yolotui.tui.live import Live
from yolotui.tui.panels.frame import keys_row
from yolotui.tui.plot import Row
from yolotui.tui.screens.acting import Setting
from yolotui.tui.screens.base import LEAST_HEIGHT, LEAST_WIDTH, DashboardScreen
from yolotui.tui.widgets.lines import Draw, Lines
from yolotui.tui.widgets.search_bar import SearchBar

WIDE, TALL = 110, 34


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
        draws: dict[str, Draw] = {
            "header": self.header,
            "title": lambda width, _: [self.title_row(width)],
            "status": lambda width, _: [self.status_row(width)],
            "keys": lambda width, _: [keys_row(self.actions, width, self._glyphs)],
        }
        self.lines = {name: Lines(draw, id=name) for name, draw in draws.items()}
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

    def repaint(self) -> None:
        """Draw what may look different."""
        for lines in self.lines.values():
            lines.repaint()

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
        yield Static(f"The dashboard needs at least {LEAST_WIDTH}{self._glyphs.times}{LEAST_HEIGHT}.", id="tiny")

    def on_mount(self) -> None:
        """Let the clocks go on, and carry out what the keys ask for."""
        self._clerk.start()
        self.set_interval(self.setting.refresh_s, self._tick)

    def on_unmount(self) -> None:
        """What was asked for is still done."""
        self._clerk.stop()

    def on_resize(self) -> None:
        """Choose the arrangement that fits."""
        width, height = self.size
        self.set_class(width < LEAST_WIDTH or height < LEAST_HEIGHT, "tiny")
        self.set_class(width >= WIDE, "wide")
        self.set_class(height >= TALL, "tall")

    def snapshot_changed(self) -> None:
        """The queue looks different."""
        if self.is_mounted:
            self.repaint()

    def _tick(self) -> None:
        if self.in_sight:
            self.repaint()

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
