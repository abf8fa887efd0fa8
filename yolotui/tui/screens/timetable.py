"""The timetable: a track per GPU with what was, what runs, what comes and what is booked."""

from __future__ import annotations

from collections.abc import Callable

from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.widgets import Input, Static

from yolotui.core.bookings import Booking
from yolotui.core.gpus import Gpu
from yolotui.core.jobs import Job
from yolotui.tui.actions import Place, bindings
from yolotui.tui.arranging import matches
from yolotui.tui.live import Live
from yolotui.tui.owners import ColourBy, signs
from yolotui.tui.panels.timetable import (
    View,
    coming_rows,
    empty_rows,
    label_width,
    legend_row,
    track_rows,
    visible_tracks,
)
from yolotui.tui.panels.timetable_details import gap_rows, span_rows
from yolotui.tui.plot import Row
from yolotui.tui.screens.acting import Setting
from yolotui.tui.screens.booking_keys import BookingKeys
from yolotui.tui.tracks import Span, SpanKind, TrackMaker, Tracks, following
from yolotui.tui.window import Window

PAGE = 0.75
LEAST_COMING = 4
LEAST_AHEAD_S = 3600.0


class TimetableScreen(BookingKeys):
    """Who has which GPU when. The cursor is a moment on a track; what it lies on is the chosen job."""

    PLACE = Place.TIMETABLE
    BINDINGS = [*bindings(Place.TIMETABLE)]  # noqa: RUF012 — Textual's way
    AUTO_FOCUS = ""

    def __init__(self, setting: Setting, live: Live, show_job: Callable[[int], object], job_id: int | None) -> None:
        """`show_job` brings a job up on the screen before; the cursor begins on `job_id` if it is on a track."""
        super().__init__(setting, live)
        self._show_job = show_job
        self._begin_with = job_id
        self._maker = TrackMaker()
        self._tracks: Tracks = {}
        self._window: Window | None = None
        self._cursor_gpu = ""
        self._first = 0
        self._by = ColourBy.OWNER
        self._ghosts: tuple[Span, ...] = ()
        self.add_lines(
            tracks=self._draw_tracks,
            details=self._draw_details,
            legend=lambda width, _height: [legend_row(self._view(), width)] if self._window else [],
        )

    def compose(self) -> ComposeResult:
        """From top to bottom."""
        for name in ("header", "tracks", "details", "legend"):
            yield self.lines[name]
        with Horizontal(id="find"):
            yield Static("/")
            yield Input(placeholder="id or words of a job", compact=True)
        yield self.lines["keys"]
        yield self.too_small("The timetable")

    def on_mount(self) -> None:
        """Begin where there is most to see."""
        self.query_one(Input).cursor_blink = False
        self._clerk.start()
        self.set_interval(self.setting.refresh_s, self._tick)

    def on_unmount(self) -> None:
        """What was asked for is still done."""
        self._clerk.stop()

    def size_changed(self) -> None:
        """Show as much of it as there is room for."""
        self._fit()

    def snapshot_changed(self) -> None:
        """The queue looks different."""
        self._tracks = self._maker.tracks(self.snapshot, self.setting.now())
        if self._cursor_gpu not in self._tracks and self._gpus:
            self._cursor_gpu = self._gpus[0].uuid
        self._fit()
        if self._begin_with is not None and self._tracks:
            self._go_to_job(self._begin_with)
            self._begin_with = None
        self.repaint()

    # What is shown

    @property
    def chosen(self) -> list[Job]:
        """The job under the cursor, as it is now."""
        span = self._span
        job = self.snapshot.jobs.get(span.job.id) if span and span.job else None
        return [job] if job else []

    @property
    def _gpus(self) -> tuple[Gpu, ...]:
        return self.snapshot.published.host.gpus if self.snapshot.published else ()

    @property
    def _span(self) -> Span | None:
        """What the cursor lies on: a job rather than a booking around it."""
        if self._window is None:
            return None
        at, cell_s = self.cursor_at, self._window.cell_s
        here = [span for span in self._tracks.get(self._cursor_gpu, ()) if span.overlaps(at, at + cell_s)]
        return max(here, key=lambda span: (span.kind is not SpanKind.BOOKED, span.starts_at), default=None)

    def _fit(self) -> None:
        """As many cells as there is room for; at first, so many that the end of all plans is seen."""
        width = self.size.width - label_width(self.size.width)
        if width < 2 or not self._gpus:
            return
        self._window = self._window.resized(width) if self._window else self._window_of_all_plans(width)

    def _window_of_all_plans(self, width: int) -> Window:
        """From now until the end of all that is known of, an hour at least."""
        now = self.setting.now()
        known = [span.ends_at for spans in self._tracks.values() for span in spans]
        return Window.around(now, max([*known, now + LEAST_AHEAD_S]), width)

    def _view(self) -> View:
        assert self._window is not None
        shown = [span for spans in self._tracks.values() for span in spans
                 if span.overlaps(self._window.starts_at, self._window.ends_at)]  # fmt: skip
        return View(
            gpus=self._gpus, tracks=self._tracks, window=self._window, now=self.setting.now(),
            cursor_gpu=self._cursor_gpu, cursor_at=self.cursor_at, by=self._by,
            signs=signs(self._by.of(span) for span in (*shown, *self._ghosts)), glyphs=self._glyphs,
            ghosts={gpu.uuid: tuple(s for s in self._ghosts if s.gpu == gpu.uuid) for gpu in self._gpus},
            selected=self._span,
        )  # fmt: skip

    def _draw_tracks(self, width: int, height: int) -> list[Row]:
        if self._window is None:
            return empty_rows(width) if self.snapshot.read_at else []
        view = self._view()
        rows = track_rows(view, height, self._first)
        left = height - len(rows)
        return [*rows, *(coming_rows(view, width, left) if left >= LEAST_COMING else ())]

    def _draw_details(self, width: int, height: int) -> list[Row]:
        if self._window is None or not self._gpus:
            return []
        now, span = self.setting.now(), self._span
        if span is not None:
            return span_rows(span, self.snapshot, now, width, self._glyphs)[:height]
        gpu = next((gpu for gpu in self._gpus if gpu.uuid == self._cursor_gpu), self._gpus[0])
        return gap_rows(gpu, self._tracks.get(gpu.uuid, ()), self.cursor_at, now)[:height]

    # Bookings

    @property
    def booking(self) -> Booking | None:
        """The booking under the cursor, also below a job."""
        if self._window is None:
            return None
        at = self.cursor_at
        spans = self._tracks.get(self._cursor_gpu, ())
        return next((s.booking for s in spans if s.booking and s.overlaps(at, at + self._window.cell_s)), None)

    def show_ghosts(self, ghosts: tuple[Span, ...]) -> None:
        """Show what is only thought of, and bring it into sight."""
        self._ghosts = ghosts
        if ghosts and self._window:
            self._window = self._window.showing(ghosts[0].ends_at).showing(ghosts[0].starts_at)
        self.repaint()

    # Moving

    def action_earlier(self) -> None:
        """A cell to the left."""
        self._move(-1)

    def action_later(self) -> None:
        """A cell to the right."""
        self._move(1)

    def action_earlier_page(self) -> None:
        """Most of a screen to the left."""
        self._move(-PAGE, pages=True)

    def action_later_page(self) -> None:
        """Most of a screen to the right."""
        self._move(PAGE, pages=True)

    def action_track_above(self) -> None:
        """To the GPU above."""
        self._change_track(-1)

    def action_track_below(self) -> None:
        """To the GPU below."""
        self._change_track(1)

    def action_previous_span(self) -> None:
        """To the job before."""
        self._go_along(-1)

    def action_next_span(self) -> None:
        """To the job after."""
        self._go_along(1)

    def action_finer(self) -> None:
        """Less time in more room."""
        self._zoom(-1)

    def action_coarser(self) -> None:
        """More time in less room."""
        self._zoom(1)

    def action_to_now(self) -> None:
        """Back to now."""
        if self._window:
            self.cursor_at = self.setting.now()
            self._window = self._window_of_all_plans(self._window.width)
            self.repaint()

    def action_colour_by(self) -> None:
        """By owner, by group."""
        self._by = ColourBy.GROUP if self._by is ColourBy.OWNER else ColourBy.OWNER
        self.repaint()

    def action_find_job(self) -> None:
        """Ask for a job."""
        self.add_class("finding")
        self.set_focus(self.query_one(Input))  # at once: the next keys are words

    def action_show_job(self) -> None:
        """Leave for the job under the cursor."""
        if self.chosen:
            job_id = self.chosen[0].id
            self.dismiss(None)
            self._show_job(job_id)

    def action_leave_timetable(self) -> None:
        """Leave the search, else the screen."""
        if self.has_class("finding"):
            self._leave_find()
        else:
            self.dismiss(None)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Go to the job that was asked for: by id, else the next whose words fit."""
        needle = event.value.strip().lstrip("#")
        self._leave_find()
        on_tracks = {span.job.id: span.job for spans in self._tracks.values() for span in spans if span.job}
        found = [job for job in on_tracks.values() if str(job.id) == needle]
        found = found or [job for job in on_tracks.values() if needle and matches(job, needle)]
        if found:
            self._go_to_job(max(found, key=lambda job: job.id).id)
        elif needle:
            self.notify(f"No job on these tracks matches {needle!r}.", severity="warning", markup=False)

    def _leave_find(self) -> None:
        self.remove_class("finding")
        self.query_one(Input).value = ""
        self.set_focus(None)

    def _move(self, cells: float, *, pages: bool = False) -> None:
        if self._window is None:
            return
        steps = round(cells * self._window.width) if pages else cells
        self.cursor_at += steps * self._window.cell_s
        self._window = self._window.moved(steps) if pages else self._window.showing(self.cursor_at)
        self.repaint()

    def _zoom(self, steps: int) -> None:
        if self._window:
            self._window = self._window.zoomed(steps, self.cursor_at)
            self.repaint()

    def _change_track(self, step: int) -> None:
        uuids = [gpu.uuid for gpu in self._gpus]
        if self._cursor_gpu in uuids:
            row = min(len(uuids) - 1, max(0, uuids.index(self._cursor_gpu) + step))
            self._cursor_gpu = uuids[row]
            fits = visible_tracks(len(uuids), self.lines["tracks"].size.height)
            self._first = min(max(self._first, row - fits + 1), row)
            self.repaint()

    def _go_along(self, step: int) -> None:
        """To the start of the next span on this track, or of the one before."""
        here = self._span
        at = self.cursor_at
        if here is not None:
            at = here.starts_at if step < 0 else max(here.starts_at, at) + 1e-3
        if span := following(self._tracks.get(self._cursor_gpu, ()), at, step):
            self._go_to(span)

    def _go_to_job(self, job_id: int) -> None:
        """To what is newest of a job."""
        spans = [span for spans in self._tracks.values() for span in spans if span.job and span.job.id == job_id]
        if spans:
            newest = max(spans, key=lambda span: span.starts_at)
            self._go_to(next(span for span in spans if span.starts_at == newest.starts_at))

    def _go_to(self, span: Span) -> None:
        if self._window is None:
            return
        self._cursor_gpu = span.gpu
        self.cursor_at = span.starts_at
        if span.kind is SpanKind.RUNNING:
            self.cursor_at = max(span.starts_at, min(self.setting.now(), span.ends_at))
        self._window = self._window.showing(self.cursor_at)
        self.repaint()
