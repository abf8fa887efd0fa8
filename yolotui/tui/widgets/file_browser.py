"""The files that a run has left, and what the one under the cursor looks like."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from textual import work
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.message import Message
from textual.worker import get_current_worker

from yolotui.tui.glyphs import Glyphs
from yolotui.tui.palette import QUIET
from yolotui.tui.panels.run_facts import file_rows, place_of
from yolotui.tui.panels.searching import FoundLines
from yolotui.tui.panels.texts import pieces, wrapped
from yolotui.tui.plot import Row
from yolotui.tui.preview import Preview, preview
from yolotui.tui.run_book import RunFile
from yolotui.tui.widgets.lines import Lines
from yolotui.tui.widgets.pager import Pager


class FileBrowser(Horizontal):
    """A list of files on the left, a view of one on the right; the view can take the whole room."""

    class Looked(Message):
        """A file was looked into."""

        def __init__(self, seen: Preview) -> None:
            super().__init__()
            self.seen = seen

    def __init__(self, glyphs: Glyphs, now: Callable[[], float], *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._glyphs = glyphs
        self._now = now
        self._run_dir = ""
        self._files: Sequence[RunFile] = ()
        self._asked: tuple[Path, float, int, int] | None = None
        self._seen: Preview | None = None
        self.list = Pager(self._file_rows, glyphs, has_cursor=True, id="file-list")
        self.view = Lines(self._draw_view, id="file-view")

    def compose(self) -> ComposeResult:
        """List and view."""
        yield self.list
        yield self.view

    def show(self, files: Sequence[RunFile], run_dir: str) -> None:
        """Show these files from now on; the cursor stays on its file."""
        before = self.path
        self._files, self._run_dir = files, run_dir
        paths = [file.path for file in files]
        self.list.repaint(cursor=paths.index(before) if before in paths else None)
        self.look()

    @property
    def path(self) -> Path | None:
        """The file under the cursor."""
        return self._files[self.list.cursor].path if self.list.cursor < len(self._files) else None

    @property
    def place(self) -> str:
        """Where in the run's directory that is."""
        return place_of(self.path, self._run_dir) if self.path else ""

    def enlarge(self) -> None:
        """Give the view the whole room, or take it back."""
        self.toggle_class("enlarged")
        self.call_after_refresh(self.look)

    @property
    def is_enlarged(self) -> bool:
        """Whether the view has the whole room."""
        return self.has_class("enlarged")

    def look(self) -> None:
        """Have the file under the cursor looked into, unless that was done for what is there now."""
        width, height = self.view.size
        if self.path is None or not (self.display and width and height):
            return
        asked = (self.path, self._files[self.list.cursor].modified_at, width, height)
        if asked != self._asked:
            self._asked = asked
            pictures = self._glyphs.braille and not self.app.no_color
            self._look(partial(preview, self.path, width, height, pictures=pictures))

    @work(thread=True, exclusive=True, exit_on_error=True, group="preview")
    def _look(self, look: Callable[[], Preview]) -> None:
        worker = get_current_worker()
        seen = look()
        if not worker.is_cancelled:
            self.post_message(self.Looked(seen))

    def on_file_browser_looked(self, message: Looked) -> None:
        """Show it."""
        self._seen = message.seen
        self.view.repaint()

    def on_pager_moved(self) -> None:
        """Another file."""
        self.look()

    def on_resize(self) -> None:
        """Another room, another picture."""
        self.call_after_refresh(self.look)

    def _file_rows(self, width: int) -> Sequence[Row]:
        if not self._files:
            return [pieces(("It has left no files yet.", QUIET))]
        return file_rows(self._files, self._run_dir, self._now(), width, self._glyphs)

    def _draw_view(self, width: int, height: int) -> Sequence[Row]:
        seen = self._seen
        if seen is None or seen.path != self.path:
            return []
        if seen.trouble:
            return wrapped(seen.trouble, width, QUIET)
        return seen.rows or FoundLines(seen.lines[-height:], "", width, self._glyphs)
