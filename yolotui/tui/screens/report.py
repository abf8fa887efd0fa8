"""The screen that tells what the GPUs were used for over a period."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from textual import work
from textual.message import Message
from textual.widget import Widget

from yolotui.core.jobs import Job
from yolotui.core.reporting import Period, Report, bounds, report
from yolotui.tui.actions import Place, bindings
from yolotui.tui.live import Live
from yolotui.tui.palette import QUIET, STRONG
from yolotui.tui.panels.gpus import short_name
from yolotui.tui.panels.report import Line, report_lines, rows_of, total_text
from yolotui.tui.panels.texts import pieces, spread
from yolotui.tui.plot import Row
from yolotui.tui.screens.acting import Setting
from yolotui.tui.screens.view import Moves, ViewScreen
from yolotui.tui.widgets.pager import Pager
from yolotui.units import format_clock

AGAIN_AFTER_S = 10.0


class ReportScreen(ViewScreen):
    """GPU-hours by owner, group and project, idle gaps, runs with their results."""

    PLACE = Place.REPORT
    BINDINGS = [*bindings(Place.REPORT)]  # noqa: RUF012 — Textual's way

    class Made(Message):
        """A report."""

        def __init__(self, period: Period, report: Report) -> None:
            super().__init__()
            self.period = period
            self.report = report

    def __init__(self, setting: Setting, live: Live) -> None:
        super().__init__(setting, live)
        self.period = Period.TODAY
        self.report: Report | None = None
        self._made_at = float("-inf")
        self._lines: list[Line] = []
        self.list = Pager(self._rows, self._glyphs, has_cursor=True, id="report")

    def body(self) -> Iterable[Widget]:
        """One list."""
        return (self.list,)

    @property
    def moves(self) -> Moves:
        """What the keys for moving are for."""
        return self.list

    @property
    def chosen(self) -> list[Job]:
        """The job of the row under the cursor, if it is about one."""
        job_id = self._lines[self.list.cursor][1] if self.list.cursor < len(self._lines) else None
        job = self.snapshot.jobs.get(job_id) if job_id is not None else None
        return [job] if job else []

    # Reckoning

    def snapshot_changed(self) -> None:
        """Reckon anew, but not each time that a run has told of an epoch."""
        if self.setting.now() - self._made_at >= AGAIN_AFTER_S:
            self._make()
        super().snapshot_changed()

    def _make(self) -> None:
        self._made_at = self.setting.now()
        published = self.snapshot.published
        cards = {gpu.uuid: f"{gpu.index} {short_name(gpu)}" for gpu in published.host.gpus} if published else {}
        self._reckon(self.period, list(self.snapshot.jobs.values()), cards)

    @work(thread=True, exclusive=True, group="report")
    def _reckon(self, period: Period, jobs: Sequence[Job], cards: Mapping[str, str]) -> None:
        since, until = bounds(period, self._made_at)
        self.post_message(self.Made(period, report(jobs, cards, since, until)))

    def on_report_screen_made(self, message: Made) -> None:
        """Show it, unless another period is asked for by now."""
        if message.period is self.period:
            self.report = message.report
            self.repaint()

    # What is shown

    def repaint(self) -> None:
        """Draw what is in sight."""
        super().repaint()
        self.list.repaint()

    def title_row(self, width: int) -> Row:
        """The period and its total."""
        left = pieces((f" Report: {self.period.value} ", STRONG))
        if self.report is None:
            return left
        now = self.setting.now()
        span = f"{format_clock(self.report.since, now)} to {format_clock(self.report.until, now)}"
        right = pieces((f"{total_text(self.report)} ", STRONG))
        return spread([*left, *pieces((span, QUIET))], right, width, self._glyphs.ellipsis)

    def status_row(self, width: int) -> Row:  # noqa: ARG002
        """What Enter would open."""
        hint = f" Enter opens #{self.chosen[0].id}" if self.chosen else " t: today, the night, the week"
        return pieces((hint, QUIET))

    def _rows(self, width: int) -> Sequence[Row]:
        if self.report is None:
            return [pieces(("Reckoning.", QUIET))]
        self._lines = report_lines(self.report, self.setting.now(), width, self._glyphs)
        return rows_of(self._lines)

    # Keys

    def action_period(self) -> None:
        """The next period."""
        periods = list(Period)
        self.period = periods[(periods.index(self.period) + 1) % len(periods)]
        self.report = None
        self._make()
        self.repaint()
