"""A file of jobs: choose it, see what it would submit, submit it."""

from __future__ import annotations

from pathlib import Path

from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.widgets import Input, Static

from yolotui.core.jobs import Job
from yolotui.errors import YolotuiError
from yolotui.tui import deeds
from yolotui.tui.actions import Place, bindings
from yolotui.tui.completing import Completer
from yolotui.tui.examining import FileLook, look_into
from yolotui.tui.live import Live
from yolotui.tui.messages import FileLooked, VerbDone
from yolotui.tui.newest import Newest
from yolotui.tui.panels.form import advice_row, file_rows
from yolotui.tui.plot import Row
from yolotui.tui.screens.acting import Setting
from yolotui.tui.screens.base import DashboardScreen
from yolotui.tui.screens.form import FieldSuggester


class JobsFileScreen(DashboardScreen):
    """The path of a file, and below what stands in it."""

    PLACE = Place.FILE
    BINDINGS = [*bindings(Place.FILE)]  # noqa: RUF012 — Textual's way
    AUTO_FOCUS = "Input"

    def __init__(self, setting: Setting, live: Live) -> None:
        super().__init__(setting, live)
        self._look: FileLook | None = None
        self._first = 0
        self._submits = False
        self._candidates: list[str] = []
        self._completer = Completer(live.snapshot.jobs, live.snapshot.published, Path.cwd())
        self._reader = Newest("file", self._read)
        self.add_lines(
            advice=lambda width, _height: [advice_row(self._candidates, self._path, width, self._glyphs)],
            content=lambda width, height: self._rows(width)[self._first :][:height],
        )

    def compose(self) -> ComposeResult:
        """The path above what it leads to."""
        yield self.lines["header"]
        with Horizontal(classes="field"):
            yield Static("file")
            yield Input(placeholder="jobs.toml", compact=True, suggester=FieldSuggester("file", self._complete))
        for name in ("advice", "content", "keys"):
            yield self.lines[name]
        yield self.too_small("A file")

    def on_mount(self) -> None:
        """Offer what there is."""
        self.query_one(Input).cursor_blink = False
        for thread in (self._clerk, self._reader):
            thread.start()
        self.run_worker(lambda: self._complete("file", ""), thread=True)

    def on_unmount(self) -> None:
        """What was asked for is still done."""
        self._clerk.stop()
        self._reader.stop()

    def snapshot_changed(self) -> None:
        """Only the header tells of it."""
        self.lines["header"].repaint()

    @property
    def chosen(self) -> list[Job]:
        """None: nothing of the file is in the queue yet."""
        return []

    @property
    def _path(self) -> str:
        return self.query_one(Input).value

    def _rows(self, width: int) -> list[Row]:
        return file_rows(self._look, self.key_of("submit"), width, self._glyphs)

    def _complete(self, key: str, text: str) -> list[str]:
        found = self._completer.candidates(key, text)
        self.app.call_from_thread(self._show_candidates, text, found)
        return found

    def _show_candidates(self, text: str, found: list[str]) -> None:
        if self.is_mounted and text == self._path:
            self._candidates = found
            self.lines["advice"].repaint()

    def on_input_changed(self, event: Input.Changed) -> None:
        """Look into it while its name is being written."""
        self._submits = False
        self._first = 0
        self._reader.ask(event.value.strip())

    def _read(self, path: str) -> None:
        try:
            with self.setting.open_queue() as queue:
                look = look_into(path, queue)
        except (YolotuiError, OSError) as error:
            look = FileLook(path, mistakes=(str(error),))
        self.post_message(FileLooked(look))

    def on_file_looked(self, message: FileLooked) -> None:
        """Show what stands in it, if it is still the one that is meant."""
        if message.look.path == self._path.strip():
            self._look = message.look if message.look.path else None
            self.lines["content"].repaint()
            if self._submits:
                self.action_submit()

    def action_submit(self) -> None:
        """Submit all of it, as soon as it has been read."""
        if not self._may_change():
            return
        look = self._look
        if look is None or look.path != self._path.strip():
            self._submits = bool(self._path.strip())
            return
        self._submits = False
        if look.mistakes:
            self.notify(look.mistakes[0], severity="error", markup=False)
        else:
            self._clerk.ask(deeds.submit_file(look.path))

    def on_input_submitted(self) -> None:
        """Take the completion, where there is one."""
        if self._candidates and self._look is not None and self._look.mistakes:
            field = self.query_one(Input)
            field.value = self._candidates[0]
            field.action_end()

    def action_rows_up(self) -> None:
        """Towards the first job."""
        self._scroll(-1)

    def action_rows_down(self) -> None:
        """Towards the last job."""
        self._scroll(1)

    def _scroll(self, pages: int) -> None:
        height = max(1, self.lines["content"].size.height)
        rows = len(self._rows(self.size.width))
        self._first = min(max(0, rows - height), max(0, self._first + pages * (height - 1)))
        self.lines["content"].repaint()

    def on_verb_done(self, message: VerbDone) -> None:
        """Leave when it is done."""
        super().on_verb_done(message)
        if not message.refused:
            self.dismiss(None)

    def action_leave_file(self) -> None:
        """Back to the queue."""
        self.dismiss(None)
