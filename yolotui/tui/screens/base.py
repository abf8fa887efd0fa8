"""What every screen of the dashboard has: the queue as it is now, and the keys that work everywhere."""

from __future__ import annotations

from textual.widgets import Static

from yolotui.core.comparing_runs import FEWEST, MOST
from yolotui.tui.commands import ActionCommands
from yolotui.tui.live import Live
from yolotui.tui.messages import VerbDone
from yolotui.tui.panels.frame import header_row, keys_row
from yolotui.tui.plot import Row
from yolotui.tui.screens.acting import ActingScreen, Setting
from yolotui.tui.screens.help import HelpScreen
from yolotui.tui.snapshot import Snapshot
from yolotui.tui.widgets.lines import Draw, Lines

LEAST_WIDTH, LEAST_HEIGHT = 60, 15
WIDE, TALL = 110, 34


class DashboardScreen(ActingScreen):
    """A screen that fills the terminal. Only the one in sight is told of changes; the others catch up on return."""

    COMMANDS = {ActionCommands}  # noqa: RUF012 — Textual's way

    def __init__(self, setting: Setting, live: Live) -> None:
        super().__init__(setting)
        self.live = live
        self._glyphs = setting.glyphs
        self.lines: dict[str, Lines] = {}
        """The parts of the screen that are rows of text, by name. Every screen has `header` and `keys`."""
        self.add_lines(header=self.header, keys=lambda width, _height: [keys_row(self.actions, width, self._glyphs)])

    def add_lines(self, **draws: Draw) -> None:
        """More parts that are rows of text, each with what draws it; its name is its id in the styles."""
        self.lines |= {name: Lines(draw, id=name) for name, draw in draws.items()}

    def too_small(self, what: str = "The dashboard") -> Static:
        """What stands there instead of everything else where there is no room for it."""
        return Static(f"{what} needs at least {LEAST_WIDTH}{self._glyphs.times}{LEAST_HEIGHT}.", id="tiny")

    @property
    def snapshot(self) -> Snapshot:
        """The queue as it was last read."""
        return self.live.snapshot

    @property
    def start_key(self) -> str:
        """The key that starts a scheduler from here; empty where people write."""
        known = any(action.name == "start_scheduler" for action in self.actions)
        return self.key_of("start_scheduler") if known else ""

    def header(self, width: int, _height: int) -> list[Row]:
        """The first line of every screen."""
        seen_at, now = self.live.feed.seen_at, self.setting.now()
        return [header_row(self.snapshot, seen_at, now, width, self._glyphs, start_key=self.start_key)]

    @property
    def in_sight(self) -> bool:
        """Whether it is shown, be it below a dialog."""
        shown = [screen for screen in self.app.screen_stack if isinstance(screen, DashboardScreen)]
        return bool(shown) and shown[-1] is self

    def snapshot_changed(self) -> None:
        """The queue looks different, or the screen is in sight again."""

    def size_changed(self) -> None:
        """There is more room, or less; the classes of the styles say so already."""

    def left_sight(self) -> None:
        """Another screen covers this one: whatever reads for it rests."""

    def repaint(self) -> None:
        """Draw what may look different."""
        for lines in self.lines.values():
            lines.repaint()

    def _tick(self) -> None:
        """The clocks go on."""
        if self.in_sight:
            self.repaint()

    def on_resize(self) -> None:
        """Have the styles choose the arrangement that fits."""
        width, height = self.size
        self.set_class(width < LEAST_WIDTH or height < LEAST_HEIGHT, "tiny")
        self.set_class(width >= WIDE, "wide")
        self.set_class(height >= TALL, "tall")
        self.size_changed()

    def on_screen_resume(self) -> None:
        """Catch up."""
        self.snapshot_changed()

    def on_screen_suspend(self) -> None:
        """A dialog leaves it in sight, another screen doesn't."""
        if not self.in_sight:
            self.left_sight()

    def on_verb_done(self, message: VerbDone) -> None:
        """Say how it went, and look at once what became of it."""
        self.live.feed.look_now()
        self.notify(message.sentence, severity="error" if message.refused else "information", markup=False)

    # Other screens: each is imported when it is first opened

    def open_run(self, job_id: int, *, at_health: bool = False) -> None:
        """Show the run of a job, on its first page or at what was found in it."""
        from yolotui.tui.screens.run import Page, RunScreen

        self.app.push_screen(RunScreen(self.setting, self.live, job_id, Page.HEALTH if at_health else Page.CHARTS))

    def action_events(self) -> None:
        """Show what has happened."""
        from yolotui.tui.screens.events import EventsScreen

        self.app.push_screen(EventsScreen(self.setting, self.live))

    def action_report(self) -> None:
        """Show what the GPUs were used for."""
        from yolotui.tui.screens.report import ReportScreen

        self.app.push_screen(ReportScreen(self.setting, self.live))

    def action_compare(self) -> None:
        """Show the chosen runs beside one another."""
        jobs = self.chosen
        if not FEWEST <= len(jobs) <= MOST:
            self.notify(f"Mark {FEWEST} to {MOST} runs with Space, then V compares them.", severity="warning")
            return
        from yolotui.tui.screens.compare import CompareScreen

        self.app.push_screen(CompareScreen(self.setting, self.live, [job.id for job in jobs]))

    # The program

    def action_palette(self) -> None:
        """Search for a command."""
        self.app.action_command_palette()

    def action_help(self) -> None:
        """Show the keys."""
        self.app.push_screen(HelpScreen(self.PLACE, self.setting.actions, self._glyphs, readonly=self.setting.readonly))

    def action_quit(self) -> None:
        """Leave; nothing else ends."""
        self.app.exit(return_code=0)
