"""The dialog before anything that can't be undone. It keeps what it was opened for, whatever changes meanwhile."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from rich.text import Text
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Button, Static

from yolotui.core.jobs import ACTIVE, Job, Kind, Paused
from yolotui.tui.palette import CAUTION, QUIET, STATE_COLOURS, STRONG, ink
from yolotui.tui.words import in_said_order, named, run_time_s, short_duration

NAMED_AT_MOST = 50


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
    lines = [text for job in jobs[:NAMED_AT_MOST] for text in _about(job, now)]
    if len(jobs) > NAMED_AT_MOST:
        lines.append(Text(f"and {len(jobs) - NAMED_AT_MOST} more: {_more(jobs[NAMED_AT_MOST:])}", QUIET))
    if not to_kill:
        # "Cancel" is what would be done to the jobs here: the button that does nothing needs another word.
        lines.append(Text("Undo takes it back, as long as nothing else has changed.", QUIET))
        confirm = "Cancel the jobs" if len(jobs) > 1 else "Cancel the job"
        return ConfirmDialog(question, lines, confirm, decline="Keep")
    if len(to_kill) > 1:
        lines.append(Text(_total_loss(to_kill, now), CAUTION))
    lines.append(Text("TERM, a wait for the last checkpoint, then KILL over the whole process tree.", QUIET))
    return ConfirmDialog(question, lines, "Kill")


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


def _more(jobs: Sequence[Job]) -> str:
    counts = Counter(job.state for job in jobs)
    return ", ".join(f"{counts[state]} {state}" for state in in_said_order(counts))


def loss_s(job: Job, now: float) -> float:
    """The work that ending the job now may lose, in seconds: what came after its last checkpoint, else all of it."""
    if not isinstance(job.status, ACTIVE):
        return 0.0
    saved_at = job.progress.checkpoint_at if job.spec.kind is Kind.TRAIN else None
    return max(0.0, now - saved_at) if saved_at is not None else run_time_s(job, now) or 0.0


def loss_sentence(job: Job, now: float) -> str:
    """What ending the job now would cost."""
    if isinstance(job.status, Paused):
        return "Keeps its checkpoint: a retry would continue from it."
    if not isinstance(job.status, ACTIVE):
        return "Has no process: no work is lost."
    lost = short_duration(loss_s(job, now))
    if job.spec.kind is not Kind.TRAIN:
        return f"Loses its run of {lost}: it has no checkpoints."
    if job.progress.checkpoint_at is None:
        return f"No checkpoint yet: all {lost} may be lost."
    epochs = f", {loss_s(job, now) / job.progress.epoch_s:.1f} epochs" if job.progress.epoch_s else ""
    return f"Loses at most {lost}{epochs}: what came after its last checkpoint."


def _total_loss(jobs: Sequence[Job], now: float) -> str:
    ran = sum(run_time_s(job, now) or 0.0 for job in jobs)
    lost = sum(loss_s(job, now) for job in jobs)
    return f"In all at most {short_duration(lost)} of {short_duration(ran)} that they ran."
