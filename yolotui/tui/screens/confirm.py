"""The dialog before anything that can't be undone. It keeps what it was opened for, whatever changes meanwhile."""

from __future__ import annotations

from collections.abc import Sequence

from rich.text import Text
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Button, Static

from yolotui.core.jobs import ACTIVE, Job, Kind, Paused
from yolotui.tui.palette import CAUTION, QUIET, STATE_COLOURS, STRONG, ink
from yolotui.tui.words import named, run_time_s, short_duration


class ConfirmDialog(ModalScreen[bool]):
    """Asks; Cancel has the focus, and only `y` or the other button confirms: never the key that opened it."""

    BINDINGS = [  # noqa: RUF012 — Textual's way
        ("y", "confirm", "Yes"),
        ("n,escape,q", "cancel", "Cancel"),
        ("left,up,right,down,h,j,k,l,tab", "other", "The other button"),
    ]

    def __init__(self, question: str, lines: Sequence[Text], confirm: str, *, decline: str = "Cancel") -> None:
        super().__init__()
        self._decline = decline
        self._question = question
        self._lines = lines
        self._confirm = confirm

    def compose(self) -> ComposeResult:
        """The question, what it is about, two buttons."""
        with Vertical(id="dialog"):
            yield Static(Text(self._question, STRONG), id="question")
            with VerticalScroll(id="about", can_focus=False):
                for line in self._lines:
                    yield Static(line)
            with Horizontal(id="buttons"):
                yield Button(f"{self._decline} (n)", id="cancel", compact=True)
                yield Button(f"{self._confirm} (y)", id="confirm", compact=True, variant="error")

    def on_mount(self) -> None:
        """The less destructive answer is the default."""
        self.query_one("#cancel", Button).focus()

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """One of the buttons."""
        self.dismiss(event.button.id == "confirm")

    def action_confirm(self) -> None:
        """Yes."""
        self.dismiss(True)

    def action_cancel(self) -> None:
        """No."""
        self.dismiss(False)

    def action_other(self) -> None:
        """To the other button."""
        cancel = self.query_one("#cancel", Button)
        (self.query_one("#confirm", Button) if cancel.has_focus else cancel).focus()


def kill_dialog(to_kill: Sequence[Job], to_cancel: Sequence[Job], now: float) -> ConfirmDialog:
    """Before jobs are ended: what each is, how long it ran, what would be lost."""
    verb = "Kill" if to_kill else "Cancel"
    jobs = [*to_kill, *to_cancel]
    question = f"{verb} {named(jobs[0])}?" if len(jobs) == 1 else f"{verb} these {len(jobs)} jobs?"
    lines = [text for job in jobs for text in _about(job, now)]
    if to_kill:
        lines.append(Text("TERM, a wait for the last checkpoint, then KILL over the whole process tree.", QUIET))
    if to_kill:
        return ConfirmDialog(question, lines, "Kill")
    # "Cancel" is what would be done to the jobs here: the button that does nothing needs another word.
    return ConfirmDialog(question, lines, "Cancel the jobs" if len(jobs) > 1 else "Cancel the job", decline="Keep")


def finish_dialog(jobs: Sequence[Job], now: float) -> ConfirmDialog:
    """Before trainings are cut short."""
    question = f"Finish {named(jobs[0])} now?" if len(jobs) == 1 else f"Finish these {len(jobs)} trainings now?"
    lines = [_name_line(job, now) for job in jobs]
    lines.append(Text("Final validation, best weights, succeeded. The epochs that are left are not trained.", QUIET))
    return ConfirmDialog(question, lines, "Finish now")


def _about(job: Job, now: float) -> list[Text]:
    return [
        _name_line(job, now),
        Text(f"   {loss_sentence(job, now)}", CAUTION if isinstance(job.status, ACTIVE) else QUIET),
    ]


def _name_line(job: Job, now: float) -> Text:
    ran, progress = run_time_s(job, now), job.progress
    parts = [job.state]
    if ran is not None:
        parts.append(f"ran {short_duration(ran)}")
    if progress.epochs_total:
        parts.append(f"{progress.epochs_done} of {progress.epochs_total} epochs")
    return Text.assemble((f"{named(job)}  ", STRONG), (", ".join(parts), ink(STATE_COLOURS[job.state])))


def loss_sentence(job: Job, now: float) -> str:
    """What ending the job now would cost."""
    if isinstance(job.status, Paused):
        return "Keeps its checkpoint; R would continue from it."
    if not isinstance(job.status, ACTIVE):
        return "Has no process: no work is lost."
    saved_at = job.progress.checkpoint_at
    ran = run_time_s(job, now)
    if job.spec.kind is not Kind.TRAIN:
        return f"Loses its run of {short_duration(ran or 0)}: it has no checkpoints."
    if saved_at is None:
        return f"No checkpoint yet: all {short_duration(ran or 0)} may be lost."
    return f"Last checkpoint {short_duration(now - saved_at)} ago: at most what came after it is lost."
