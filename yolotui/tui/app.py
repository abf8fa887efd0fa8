"""The Textual application: theme, styles, the main screen, and how it leaves."""

from __future__ import annotations

import time
from asyncio import AbstractEventLoop, get_running_loop
from collections.abc import Callable, Iterable, Sequence

from textual import events
from textual.app import App, SystemCommand
from textual.filter import LineFilter
from textual.notifications import SeverityLevel
from textual.screen import Screen
from textual.theme import Theme
from textual.widgets import Input

from yolotui.config import Confirm
from yolotui.queue import Queue
from yolotui.tui.actions import ACTIONS, Action
from yolotui.tui.feed import Feed
from yolotui.tui.glyphs import ASCII, UNICODE
from yolotui.tui.live import Live
from yolotui.tui.messages import SnapshotRead
from yolotui.tui.palette import THEME
from yolotui.tui.screens.acting import Setting
from yolotui.tui.screens.base import DashboardScreen
from yolotui.tui.screens.queue import QueueScreen
from yolotui.tui.themes import Recolouring


class Dashboard(App[None]):
    """A face of the queue: a client like any other, that can vanish at any moment."""

    TITLE = "yolotui"
    CSS_PATH = ["styles/dashboard.tcss", "styles/views.tcss"]  # noqa: RUF012 — Textual's way

    def __init__(
        self,
        open_queue: Callable[[], Queue],
        *,
        actions: Sequence[Action] = ACTIONS,
        readonly: bool = False,
        ascii_only: bool = False,
        refresh_s: float = 1.0,
        confirm: Confirm = "marked",
        theme: Theme = THEME,
        now: Callable[[], float] = time.time,
    ) -> None:
        """`open_queue` is called in each thread that needs one; `now` answers in UTC seconds."""
        super().__init__()
        self.setting = Setting(
            open_queue=open_queue,
            actions=actions,
            glyphs=ASCII if ascii_only else UNICODE,
            readonly=readonly,
            refresh_s=refresh_s,
            now=now,
            confirm=confirm,
        )
        self.live = Live(Feed(open_queue, lambda snapshot: self.post_message(SnapshotRead(snapshot)), now))
        self.greeting = ""
        """What is told at the start, if anything."""
        self._running_in: AbstractEventLoop | None = None
        self.register_theme(theme)
        self.theme = theme.name
        self._recolouring = Recolouring(theme)

    def get_line_filters(self) -> Sequence[LineFilter]:
        """What is drawn in the colours of our palette appears in those of the theme."""
        filters = super().get_line_filters()
        return [self._recolouring, *filters] if self._recolouring.enabled else filters

    def get_default_screen(self) -> Screen[None]:
        """The main screen."""
        return QueueScreen(self.setting, self.live)

    def on_mount(self) -> None:
        """Remember the loop, for signals that arrive outside it."""
        self._running_in = get_running_loop()
        self.set_keymap({action.name: ",".join(action.keys) for action in self.setting.actions})
        if self.greeting:
            self.notify(self.greeting, severity="warning")

    async def on_event(self, event: events.Event) -> None:
        """Carry out each key before the next one is looked at: a slow line delivers `/pause` in one piece.

        Textual hands keys on to the screen first, and would take all but the first for commands.
        """
        if isinstance(event, events.Key) and not event.is_forwarded:
            if self.return_code is not None:
                return  # typed ahead of the key that left
            if isinstance(self.screen, DashboardScreen) and not isinstance(self.focused, Input):
                active = self.screen.active_bindings.get(event.key)
                if active and await self.run_action(active.binding.action, active.node):
                    return
        await super().on_event(event)

    def on_snapshot_read(self, message: SnapshotRead) -> None:
        """The queue looks different: the screen in sight shows it."""
        self.live.snapshot = message.snapshot
        for screen in reversed(self.screen_stack):
            if isinstance(screen, DashboardScreen):
                screen.snapshot_changed()
                break

    def notify(
        self,
        message: str,
        *,
        title: str = "",
        severity: SeverityLevel = "information",
        timeout: float | None = None,
        markup: bool = True,  # noqa: ARG002 — what is told is never markup: names come from outside
    ) -> None:
        """Tell something, with a sign for how it went; what was told before gives way."""
        glyphs = self.setting.glyphs
        signs = {"error": glyphs.lost, "warning": glyphs.attention, "information": glyphs.told}
        self.clear_notifications()
        super().notify(f"{signs[severity]} {message}", title=title, severity=severity, timeout=timeout, markup=False)

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:  # noqa: ARG002
        """None: the palette holds the registry's actions and nothing else."""
        return ()

    def leave(self, code: int) -> None:
        """Ask the loop to end with an exit code; can be called from a signal handler at any moment."""
        if self._running_in is None:
            raise SystemExit(code)
        self._running_in.call_soon_threadsafe(lambda: self.exit(return_code=code))
