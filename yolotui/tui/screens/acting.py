"""What the keys do to jobs, for a screen that knows which jobs are chosen."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual.screen import Screen

from yolotui.config import Confirm, is_to_ask
from yolotui.core.jobs import Job
from yolotui.queue import Queue
from yolotui.tui import deeds
from yolotui.tui.actions import Action, Place, at
from yolotui.tui.clerk import Clerk, Deed
from yolotui.tui.glyphs import Glyphs
from yolotui.tui.messages import VerbDone
from yolotui.tui.screens.confirm import ConfirmDialog, finish_dialog, kill_dialog


@dataclass(frozen=True)
class Setting:
    """How the dashboard was opened. `now` answers in UTC seconds; `refresh_s` is how often the clocks go on."""

    open_queue: Callable[[], Queue]
    actions: Sequence[Action]
    glyphs: Glyphs
    readonly: bool
    refresh_s: float
    now: Callable[[], float]
    confirm: Confirm = "marked"


class ActingScreen(Screen[None]):
    """Carries out verbs on the chosen jobs through a clerk; refuses all of them when it is read-only."""

    PLACE: ClassVar[Place] = Place.QUEUE

    def __init__(self, setting: Setting) -> None:
        super().__init__()
        self.setting = setting
        self.actions = at(self.PLACE, setting.actions)
        """What its keys do: footer, help and palette show these."""
        self._clerk = Clerk(setting.open_queue, lambda s, refused: self.post_message(VerbDone(s, refused=refused)))

    def key_of(self, name: str) -> str:
        """The key of an action as people read it, wherever a sentence names it: they may have chosen another."""
        return next(action.key_sign for action in self.setting.actions if action.name == name)

    @property
    def chosen(self) -> list[Job]:
        """The jobs that a verb is meant for."""
        raise NotImplementedError

    def _may_change(self) -> bool:
        if self.setting.readonly:
            self.notify("This is a read-only dashboard: nothing can be changed from here.", severity="warning")
        return not self.setting.readonly

    def _do(self, deed_for: Callable[[Sequence[int]], Deed]) -> None:
        ids = [job.id for job in self.chosen]
        if ids and self._may_change():
            self._clerk.ask(deed_for(ids))

    def _ask(self, dialog: ConfirmDialog, deed: Deed, *, harmless: bool = False) -> None:
        """Do it if a person says yes, or need not be asked. The deed holds the ids that the dialog has named."""
        if not is_to_ask(self.setting.confirm, harmless=harmless):
            self._clerk.ask(deed)
            return

        def answered(confirmed: bool | None) -> None:
            if confirmed and self._may_change():
                self._clerk.ask(deed)

        self.app.push_screen(dialog, answered)

    def action_raise_priority(self) -> None:
        """More urgent."""
        self._do(lambda ids: deeds.shift_priority(ids, -1))

    def action_lower_priority(self) -> None:
        """Less urgent."""
        self._do(lambda ids: deeds.shift_priority(ids, +1))

    def action_pause(self) -> None:
        """Pause or resume."""
        self._do(deeds.pause_or_resume)

    def action_hold(self) -> None:
        """Hold or release."""
        self._do(deeds.hold_or_release)

    def action_undo(self) -> None:
        """Take back the last change."""
        if self._may_change():
            self._clerk.ask(deeds.undo)

    def action_retry(self) -> None:
        """Try again."""
        self._do(deeds.retry)

    def action_checkpoint(self) -> None:
        """Write a checkpoint now."""
        self._do(deeds.checkpoint)

    def action_kill(self) -> None:
        """End what runs, cancel what waits, after a question."""
        jobs = self.chosen
        kill, cancel = deeds.to_kill(jobs), deeds.to_cancel(jobs)
        if not (kill or cancel):
            self.notify("No job is chosen that runs or waits.", severity="warning")
        elif self._may_change():
            deed = deeds.end([job.id for job in kill], [job.id for job in cancel])
            # A single waiting job loses nothing, and u takes it back.
            self._ask(kill_dialog(kill, cancel, self.setting.now()), deed, harmless=not kill and len(cancel) == 1)

    def action_finish(self) -> None:
        """Cut trainings short, after a question."""
        jobs = deeds.trainings_running(self.chosen)
        if not jobs:
            self.notify("No job is chosen that trains.", severity="warning")
        elif self._may_change():
            self._ask(finish_dialog(jobs, self.setting.now()), deeds.finish([job.id for job in jobs]))

    def action_start_scheduler(self) -> None:
        """Start a scheduler."""
        if self._may_change():
            self._clerk.ask(deeds.start_scheduler)
