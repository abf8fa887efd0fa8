"""The screen of one run: curves with a cursor, what is wrong with it, log, what was asked for, what it left."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import StrEnum

from textual.widget import Widget

from yolotui.core.health import Finding
from yolotui.core.jobs import ACTIVE, Job
from yolotui.tui.actions import Place, bindings
from yolotui.tui.live import Live
from yolotui.tui.messages import BookRead
from yolotui.tui.palette import QUIET, STRONG
from yolotui.tui.panels.findings import worst_row
from yolotui.tui.panels.run import batch_row
from yolotui.tui.panels.run_charts import reading_row
from yolotui.tui.panels.run_facts import asked_rows, health_rows, history_rows, tabs_row, title_of
from yolotui.tui.panels.texts import pieces, spread
from yolotui.tui.plot import Row
from yolotui.tui.run_book import RunBook
from yolotui.tui.run_view import RunView
from yolotui.tui.run_watch import RunWatcher
from yolotui.tui.screens.acting import Setting
from yolotui.tui.screens.view import Moves, ViewScreen
from yolotui.tui.widgets.chart_board import ChartBoard
from yolotui.tui.widgets.file_browser import FileBrowser
from yolotui.tui.widgets.log_pager import LogPager
from yolotui.tui.widgets.pager import Pager
from yolotui.tui.words import reason, without_curves


class Page(StrEnum):
    """What of the run is shown."""

    CHARTS = "Charts"
    HEALTH = "Health"
    LOG = "Log"
    ASKED = "Arguments"
    HISTORY = "Attempts"
    FILES = "Files"


class RunScreen(ViewScreen):
    """One run, page by page. The verbs of its keys are for this run."""

    PLACE = Place.RUN
    BINDINGS = [*bindings(Place.RUN)]  # noqa: RUF012 — Textual's way
    SEARCH = "words in the log"

    def __init__(self, setting: Setting, live: Live, job_id: int, page: Page = Page.CHARTS) -> None:
        super().__init__(setting, live)
        self.job_id = job_id
        self.page = page
        self.book = RunBook(RunView(job_id))
        self.charts = ChartBoard(self._glyphs, setting.now, id="charts")
        self.log_page = LogPager(self._glyphs, id="log")
        self.files = FileBrowser(self._glyphs, setting.now, id="files")
        self._texts = {
            Page.HEALTH: Pager(self._health, self._glyphs, id="health"),
            Page.ASKED: Pager(self._asked, self._glyphs, id="asked"),
            Page.HISTORY: Pager(self._history, self._glyphs, id="history"),
        }
        self.add_lines(tabs=self._tabs, worst=self._worst, batch=self._batch)
        self._watcher = RunWatcher(setting.open_queue, lambda book: self.post_message(BookRead(book)))

    def body(self) -> Iterable[Widget]:
        """All pages, of which one is shown."""
        return (
            self.lines["tabs"],
            self.lines["worst"],
            self.lines["batch"],
            self.charts,
            self.log_page,
            *self._texts.values(),
            self.files,
        )

    def on_mount(self) -> None:
        """Start to read."""
        self._show_page(self.page)
        self._watcher.start()

    def on_unmount(self) -> None:
        """Stop to read."""
        self._watcher.stop()

    @property
    def job(self) -> Job | None:
        """The job, as the queue has it now."""
        return self.snapshot.jobs.get(self.job_id)

    @property
    def chosen(self) -> list[Job]:
        """What the verbs are for."""
        return [self.job] if self.job else []

    # What is shown

    def snapshot_changed(self) -> None:
        """The queue looks different, or the screen is in sight again."""
        self._watcher.watch(self.job)
        super().snapshot_changed()

    def left_sight(self) -> None:
        """Nothing is read for a screen that is not seen."""
        self._watcher.watch(None)

    def on_book_read(self, message: BookRead) -> None:
        """The run has written something."""
        self.book = message.book
        self.repaint()

    def repaint(self) -> None:
        """Draw what is in sight."""
        at_work = self.job is not None and isinstance(self.job.status, ACTIVE)
        self.lines["worst"].display = self.page is Page.CHARTS and bool(self._findings)
        self.lines["batch"].display = self.page is Page.CHARTS and at_work and self.book.run.batch is not None
        super().repaint()
        match self.page:
            case Page.CHARTS:
                why = reason(self.job, self.snapshot.entries.get(self.job_id)) if self.job else ""
                self.charts.show(self.book, without_curves(self.job) if self.job else "", why)
            case Page.LOG:
                self.log_page.show(self.book.run.log)
            case Page.FILES:
                self.files.show(self.book.artefacts, self.job.run_dir if self.job else "")
            case Page.HEALTH | Page.ASKED | Page.HISTORY:
                self._texts[self.page].repaint()
        self.lines["status"].repaint()

    def title_row(self, width: int) -> Row:
        """Which run it is."""
        return title_of(self.job, self.setting.now(), width, self._glyphs) if self.job else []

    def status_row(self, width: int) -> Row:
        """What is under the cursor, or where one is."""
        match self.page:
            case Page.CHARTS if not self.charts.is_empty:
                said = reading_row(self.book, self.charts.cursor, self.setting.now(), self._glyphs)
                hint = f"{self.charts.hidden} more charts: Down " if self.charts.hidden else ""
                return spread(said, pieces((hint, QUIET)), width, self._glyphs.ellipsis)
            case Page.LOG:
                return self._log_status()
            case Page.FILES if self.files.path:
                return pieces((f" {self.files.place}   y copies the whole path", QUIET))
        return []

    def _log_status(self) -> Row:
        words = self.log_page.words
        row = pieces((" following" if self.log_page.follows else " End follows again", QUIET))
        if words:
            lines = len(self.log_page.matches)
            row += pieces((f"   /{words}", STRONG), (f" in {lines} {'line' if lines == 1 else 'lines'}: n N", QUIET))
        return row + pieces((f"   {self.book.run.log_path}", QUIET))

    @property
    def _findings(self) -> Sequence[Finding]:
        return self.job.progress.health if self.job else ()

    def _tabs(self, width: int, _height: int) -> list[Row]:
        count = len(self._findings)
        names = {page: f"{page} {count}" if page is Page.HEALTH and count else page.value for page in Page}
        return [tabs_row([*names.values()], names[self.page], width)]

    def _worst(self, width: int, _height: int) -> list[Row]:
        return [pieces((" ", QUIET)) + worst_row(self._findings, width - 1, self._glyphs, self.key_of("health"))]

    def _batch(self, width: int, _height: int) -> list[Row]:
        return [pieces((" ", QUIET)) + batch_row(self.book.run, width - 1, self._glyphs)]

    def _health(self, width: int) -> Sequence[Row]:
        return health_rows(self.job, self.book, self.setting.now(), width, self._glyphs) if self.job else []

    def _asked(self, width: int) -> Sequence[Row]:
        return asked_rows(self.job, self.book, self.snapshot, self.setting.now(), width) if self.job else []

    def _history(self, width: int) -> Sequence[Row]:
        if self.job is None:
            return []
        return history_rows(self.job, self.book, self.snapshot, self.setting.now(), width, self._glyphs)

    # Pages

    def _show_page(self, page: Page) -> None:
        self.page = page
        pages: dict[Page, Widget] = {Page.CHARTS: self.charts, Page.LOG: self.log_page, Page.FILES: self.files}
        for each, widget in {**pages, **self._texts}.items():
            widget.display = each is page
        self.call_after_refresh(self.repaint)

    def _turn(self, step: int) -> None:
        pages = list(Page)
        self._show_page(pages[(pages.index(self.page) + step) % len(pages)])

    def action_next_page(self) -> None:
        """The next page."""
        self._turn(1)

    def action_previous_page(self) -> None:
        """The page before."""
        self._turn(-1)

    def action_health(self) -> None:
        """What was found in the run; once more: back to its curves."""
        self._show_page(Page.CHARTS if self.page is Page.HEALTH else Page.HEALTH)

    # Moving

    @property
    def moves(self) -> Moves:
        """What the keys for moving are for."""
        match self.page:
            case Page.CHARTS:
                return self.charts
            case Page.LOG:
                return self.log_page
            case Page.FILES:
                return self.files.list
            case _:
                return self._texts[self.page]

    def action_left(self) -> None:
        """One epoch back."""
        if self.page is Page.CHARTS:
            self.charts.move_cursor(-1)
            self.lines["status"].repaint()

    def action_right(self) -> None:
        """One epoch on."""
        if self.page is Page.CHARTS:
            self.charts.move_cursor(1)
            self.lines["status"].repaint()

    def action_back(self) -> None:
        """Undo one way of looking; else back."""
        if self.page is Page.CHARTS and self.charts.cursor is not None:
            self.charts.move_to_end(last=True)
            self.lines["status"].repaint()
        elif self.page is Page.FILES and self.files.is_enlarged:
            self.files.enlarge()
        else:
            super().action_back()

    # Log and files

    def action_search(self) -> None:
        """Search in the log."""
        self._show_page(Page.LOG)
        super().action_search()

    def looked_for(self, words: str) -> None:
        """Go to the newest line that has the words."""
        self.log_page.look_for(words)
        self.lines["status"].repaint()

    def action_next_match(self) -> None:
        """The next line that has the words."""
        self._go_to_match(1)

    def action_previous_match(self) -> None:
        """The line before that has the words."""
        self._go_to_match(-1)

    def _go_to_match(self, step: int) -> None:
        if not self.log_page.go_to_match(step):
            self.notify("Nothing was found: / asks for words to look for in the log.", severity="warning")

    def action_enlarge(self) -> None:
        """Give the picture the whole room, and back."""
        if self.page is Page.FILES:
            self.files.enlarge()

    def action_copy(self) -> None:
        """Copy the path of the file under the cursor, else of the run, through the terminal (OSC 52)."""
        path = str(self.files.path) if self.page is Page.FILES and self.files.path else self.job and self.job.run_dir
        if path:
            self.app.copy_to_clipboard(path)
            self.notify(f"Copied {path}", markup=False)
