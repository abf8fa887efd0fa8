"""The main screen: GPUs, the job table, the panel of the selected run; and what the keys do there."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Container, Horizontal
from textual.widgets import Input, Static

from yolotui.core.jobs import Held, Job, Waiting
from yolotui.tui.actions import Place, bindings
from yolotui.tui.arranging import Arranged, Order, RowId, arrange
from yolotui.tui.draft import Draft, filled_from
from yolotui.tui.follow import CurveOf, Follower
from yolotui.tui.group_row import member_rows
from yolotui.tui.live import Live
from yolotui.tui.messages import CurvesRead, RunRead, VerbDone
from yolotui.tui.panels.frame import View, empty_rows, status_row
from yolotui.tui.panels.gpus import gpu_rows, strip_height
from yolotui.tui.panels.run import Subject, run_rows
from yolotui.tui.plot import Row
from yolotui.tui.run_reading import Followed
from yolotui.tui.run_view import RunView
from yolotui.tui.screens.acting import Setting
from yolotui.tui.screens.base import DashboardScreen
from yolotui.tui.screens.form import FormScreen
from yolotui.tui.screens.jobs_file import JobsFileScreen
from yolotui.tui.screens.timetable import TimetableScreen
from yolotui.tui.widgets.job_table import JobTable
from yolotui.tui.words import named

RUNS_KEPT = 8
LAST_VERB_S = 1.0


class QueueScreen(DashboardScreen):
    """What trains, how well, what comes next, what needs a person."""

    PLACE = Place.QUEUE
    BINDINGS = [*bindings(Place.QUEUE)]  # noqa: RUF012 — Textual's way
    AUTO_FOCUS = "JobTable"

    def __init__(self, setting: Setting, live: Live) -> None:
        super().__init__(setting, live)
        self._arranged = Arranged()
        self._folded: frozenset[str] = frozenset()
        self._runs: dict[int, RunView] = {}
        self._order = Order.QUEUE
        self._needle = ""
        self._log_wanted = False
        self._unsent = Draft()
        self.table = JobTable(self._glyphs, id="jobs")
        self.add_lines(gpus=self._gpus, empty=self._empty, run=self._run, status=self._status)
        self._follower = Follower(
            lambda run: self.post_message(RunRead(run)), lambda curves: self.post_message(CurvesRead(curves))
        )

    def compose(self) -> ComposeResult:
        """From top to bottom; styles decide where the run's panel stands."""
        yield self.lines["header"]
        yield self.lines["gpus"]
        with Container(id="body"):
            with Container(id="list"):
                yield self.table
                yield self.lines["empty"]
            yield self.lines["run"]
        yield self.lines["status"]
        with Horizontal(id="filter"):
            yield Static("/")
            yield Input(placeholder="words of name, state, owner, @group, P1", compact=True)
        yield self.lines["keys"]
        yield self.too_small()

    def on_mount(self) -> None:
        """Start to read."""
        self.query_one(Input).cursor_blink = False
        for thread in (self.live.feed, self._follower, self._clerk):
            thread.start()
        self.set_interval(self.setting.refresh_s, self._tick)

    def on_unmount(self) -> None:
        """Stop to read; what was asked for is still done, if the queue lets it."""
        for thread in (self.live.feed, self._follower, self._clerk):
            thread.stop()
        self._clerk.join(LAST_VERB_S)

    def size_changed(self) -> None:
        """Other cards fit, and other rows are in sight."""
        self._fit_gpus()
        self._follow()

    # What is shown

    @property
    def chosen(self) -> list[Job]:
        """The jobs that a verb is meant for."""
        return [self.snapshot.jobs[job_id] for job_id in self.table.chosen if job_id in self.snapshot.jobs]

    @property
    def _read(self) -> bool:
        """Whether the queue has been read at all: before that, nothing is said to be empty."""
        return bool(self.snapshot.read_at)

    def snapshot_changed(self) -> None:
        """The queue looks different."""
        self._fit_gpus()
        # A job that no longer matches stays while the cursor is on it: the next key is meant for it, not for another.
        self._arrange(keep=self.table.cursor)
        self._follow()

    def left_sight(self) -> None:
        """Nothing is read for a screen that is not seen."""
        self._follower.follow(None)
        self._follower.want_curves(())

    def on_run_read(self, message: RunRead) -> None:
        """The run has written something."""
        self._runs.pop(message.run.job_id, None)
        self._runs[message.run.job_id] = message.run
        while len(self._runs) > RUNS_KEPT:
            del self._runs[next(iter(self._runs))]
        self._repaint("run")

    def on_curves_read(self, message: CurvesRead) -> None:
        """Curves of rows in sight."""
        self.table.show_curves(message.curves)

    def on_job_table_moved(self) -> None:
        """Another job is selected, or other rows are in sight."""
        self._follow()
        self._repaint("run", "status")

    def _arrange(self, *, keep: RowId | None = None) -> None:
        self._arranged = arrange(self.snapshot, self._order, self._needle, keep=keep, folded=self._folded)
        self.set_class(not self._arranged.rows, "nothing")
        self.table.show(self.snapshot, self._arranged, self.setting.now())
        self._repaint("header", "gpus", "run", "status", "empty")

    def _tick(self) -> None:
        if not self.in_sight:
            return
        self.table.tick(self.setting.now())
        self._repaint("header", "gpus", "run", "status")

    def _repaint(self, *names: str) -> None:
        for name in names:
            self.lines[name].repaint()

    def _fit_gpus(self) -> None:
        published = self.snapshot.published
        rows = strip_height(len(published.host.gpus) if published else 1, self.size.height)
        self.lines["gpus"].styles.height = rows

    def _follow(self) -> None:
        """Have read what is on the screen, and nothing else."""
        job = self.table.job
        hidden = self.has_class("tiny")
        self._follower.follow(Followed.of(job) if job and not hidden else None)
        in_sight = [self.snapshot.jobs[job_id] for job_id in self.table.in_sight if job_id in self.snapshot.jobs]
        self._follower.want_curves([curve for curve in map(CurveOf.of, in_sight) if curve and not hidden])

    def _empty(self, width: int, _height: int) -> list[Row]:
        known = self._read and not self.snapshot.reading
        keys = {name: self.key_of(name) for name in ("add", "jobs_file", "help")}
        return empty_rows(self._needle, width, keys) if known else []

    def _gpus(self, width: int, height: int) -> list[Row]:
        return gpu_rows(self.snapshot, self.setting.now(), width, height, self._glyphs) if self._read else []

    def _run(self, width: int, height: int) -> list[Row]:
        job = self.table.job
        if job is None:
            group = self.table.folded_group
            return member_rows(group, width, height, self._glyphs) if group else []
        run = self._runs.get(job.id) or RunView(job.id)
        now, key = self.setting.now(), self.key_of("health")
        subject = Subject(job, self.snapshot, run, now, log_wanted=self._log_wanted, health_key=key)
        return run_rows(subject, width, height, self._glyphs)

    def _status(self, width: int, _height: int) -> list[Row]:
        view = View(
            needle=self._needle,
            order=self._order,
            marked=len(self.table.marked),
            in_range=self.table.in_range,
            place=(self.table.cursor_row or 0) + 1,
            rows=len(self._arranged.rows),
            jobs=self._arranged.jobs,
            readonly=self.setting.readonly,
        )
        return [status_row(self.snapshot, view, width, self._glyphs)]

    # Moving and looking

    def action_up(self) -> None:
        """To the job above."""
        self.table.move(-1)

    def action_down(self) -> None:
        """To the job below."""
        self.table.move(1)

    def action_page_up(self) -> None:
        """A screenful up."""
        self.table.move_page(-1)

    def action_page_down(self) -> None:
        """A screenful down."""
        self.table.move_page(1)

    def action_first(self) -> None:
        """To the first job."""
        self.table.move_to_end(last=False)

    def action_last(self) -> None:
        """To the last job."""
        self.table.move_to_end(last=True)

    def action_mark(self) -> None:
        """Mark the job."""
        self.table.toggle_mark()
        self._repaint("status")

    def action_mark_range(self) -> None:
        """Begin a range of marks, or end it."""
        self.table.toggle_range()
        self._repaint("status")

    def action_fold(self) -> None:
        """Show the group of this job in one row, or its jobs again."""
        if group := self.table.group:
            self._fold(self._folded ^ {group})

    def action_fold_all(self) -> None:
        """Show every group in one row, or all jobs again."""
        groups = frozenset(job.spec.group for job in self.snapshot.jobs.values())
        self._fold(frozenset() if self._folded else groups)

    def _fold(self, groups: frozenset[str]) -> None:
        self._folded = groups
        self._arrange()
        self._follow()

    def action_sort(self) -> None:
        """Take the next order."""
        self._order = self._order.next()
        self._arrange()
        self._follow()

    def action_open_run(self) -> None:
        """Open the run's own screen."""
        if job := self.table.job:
            self.open_run(job.id)

    def action_health(self) -> None:
        """Open the run at what the health rules have found."""
        if job := self.table.job:
            self.open_run(job.id, at_health=True)

    def action_zoom(self) -> None:
        """Give the run's panel the whole screen, and back."""
        if self.table.job is not None:
            self.toggle_class("zoomed")

    def action_log(self) -> None:
        """Show or hide the log."""
        self._log_wanted = not self._log_wanted
        self._repaint("run")

    def action_back(self) -> None:
        """Undo one way of looking, the newest first."""
        if self.has_class("zoomed"):
            self.remove_class("zoomed")
        elif self.has_class("filtering") or self._needle:
            self.query_one(Input).value = ""
            self._leave_filter()
        else:
            self.table.unmark()
            self._repaint("status")

    def action_filter(self) -> None:
        """Ask for the words of the filter."""
        self.remove_class("zoomed")
        self.add_class("filtering")
        self.set_focus(self.query_one(Input))  # at once: the next keys are words

    def on_input_changed(self, event: Input.Changed) -> None:
        """Filter while the words are being written."""
        self._needle = event.value.strip()
        before = self.table.cursor
        self._arrange()
        if self.table.cursor != before:
            self.table.move_to_end(last=False)
        self._follow()

    def on_input_submitted(self) -> None:
        """Back to the table, with what is left in it."""
        self._leave_filter()

    def _leave_filter(self) -> None:
        self.remove_class("filtering")
        self.table.focus()
        self._repaint("status")

    def action_add(self) -> None:
        """Write a new job; what was begun the last time is there again."""
        if self._may_change():
            self._open_form(self._unsent)

    def action_clone(self) -> None:
        """Write the like of this job."""
        if (job := self.table.job) and self._may_change():
            names = {each.name for each in self.snapshot.jobs.values()}
            self._open_form(filled_from(job, names))

    def action_edit(self) -> None:
        """Change this job."""
        job = self.table.job
        if job is None or not self._may_change():
            return
        if not isinstance(job.status, Waiting | Held) or job.attempts:
            self.notify(f"{named(job)} is {job.state}: only a job that has not started can be changed. C clones it.",
                        severity="warning", markup=False)  # fmt: skip
        else:
            self._open_form(filled_from(job, to_edit=True))

    def _open_form(self, draft: Draft) -> None:
        def left(written: Draft | None) -> None:
            if draft.source is None:
                self._unsent = written or Draft()

        self.app.push_screen(FormScreen(self.setting, self.live, draft, left))

    def action_jobs_file(self) -> None:
        """Look into a file of jobs."""
        if self._may_change():
            self.app.push_screen(JobsFileScreen(self.setting, self.live))

    def action_timetable(self) -> None:
        """Show the GPUs over time, with the cursor on this job."""
        job = self.table.job
        self.app.push_screen(TimetableScreen(self.setting, self.live, self.table.go_to, job.id if job else None))

    def action_copy(self) -> None:
        """Copy the run's directory, through the terminal (OSC 52)."""
        if job := self.table.job:
            self.app.copy_to_clipboard(job.run_dir)
            self.notify(f"Copied {job.run_dir}", markup=False)

    def on_verb_done(self, message: VerbDone) -> None:
        """What was marked has been dealt with."""
        if not message.refused:
            self.table.unmark()
