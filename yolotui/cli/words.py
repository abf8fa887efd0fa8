"""How jobs read to people: a word, a number or a sentence for each column. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from yolotui.cli.printing import Cell
from yolotui.core.jobs import (
    Cancelled,
    Failed,
    Held,
    Job,
    Paused,
    Skipped,
    Stopping,
    Unknown,
    Waiting,
)
from yolotui.core.timetable import Entry, Estimate
from yolotui.job_words import ending_text, run_time_s
from yolotui.remedies import group_remedy, group_sentence, held_sentence, remedy, room_sentence
from yolotui.units import format_clock, format_duration

LOOKS = {
    "held": ("■", "yellow"),
    "waiting": ("·", ""),
    "starting": ("◌", "cyan"),
    "running": ("▶", "cyan"),
    "pausing": ("◔", "yellow"),
    "paused": ("‖", "yellow"),
    "stopping": ("◍", "yellow"),
    "succeeded": ("✓", "green"),
    "failed": ("✗", "red"),
    "cancelled": ("-", "dim"),
    "skipped": ("»", "dim"),
    "unknown": ("?", "magenta"),
}
"""A glyph and a colour for each state; neither is ever shown without the word."""

Interval = tuple[float | None, float | None]
"""Two moments, UTC seconds."""

EN_DASH = "\N{EN DASH}"

HEADLINES = {
    "metrics/mAP50(B)": "mAP50",
    "metrics/mAP50-95(B)": "mAP50-95",
    "metrics/mAP50-95(M)": "mask mAP50-95",
    "metrics/mAP50-95(P)": "pose mAP50-95",
    "metrics/accuracy_top1": "top1",
}
"""The metrics that say what a run is worth, in this order, with the names that people use."""


def state_cell(state: str) -> Cell:
    """`▶ running`, in its colour; in a pipe only the word."""
    glyph, style = LOOKS[state]
    return Cell(state, style, glyph)


def epochs_text(job: Job) -> str:
    """`3/10`; nothing where epochs mean nothing."""
    done, total = job.progress.epochs_done, job.progress.epochs_total or job.spec.epochs
    if total:
        return f"{done}/{total}"
    return str(done) if done else ""


def metrics_text(metrics: Mapping[str, float], *, at_most: int = 2) -> str:
    """`mAP50 0.831 mAP50-95 0.612`: the headline metrics; failing those, the first ones that there are."""
    chosen = [(words, metrics[name]) for name, words in HEADLINES.items() if name in metrics]
    chosen = chosen or [(name.removeprefix("metrics/"), value) for name, value in metrics.items()]
    return " ".join(f"{words} {value:.3g}" for words, value in chosen[:at_most])


def best_text(job: Job, *, at_most: int = 2) -> str:
    """The best that the job has reached."""
    return metrics_text(job.progress.best, at_most=at_most)


def health_text(job: Job) -> str:
    """The worst that the health rules tell of a run that can still be mended, in short."""
    worst = job.complaint
    return f"{worst.severity}: {worst.rule} {worst.since}, `yolotui show {job.id}` tells more" if worst else ""


def findings_text(job: Job) -> list[str]:
    """A line for each finding of the health rules: what was seen and what to do, the worst first."""
    return [f"{each.severity}: {each.text} {each.advice} ({each.since}, {each.link})" for each in job.progress.health]


def why_of(job: Job, entry: Entry | None, held_because: str | None) -> str:  # noqa: PLR0911 — one a state
    """Why the job is in its state, as a sentence; empty where the state says it all.

    `held_because` is the reason for which its group is held, if it is.
    """
    match job.status:
        case Held(reason=reason):
            return held_sentence(job, reason)
        case Failed(reason=reason) | Skipped(reason=reason) | Unknown(reason=reason):
            return reason
        case Cancelled(by=by):
            return f"Cancelled by {by}."
        case Stopping(by=by):
            return f"Being stopped by {by}."
        case Waiting() if held_because is not None:
            return group_sentence(job.spec.group, held_because)
        case Waiting() | Paused():
            return entry.told if entry else ""
    return room_sentence(job)  # it runs, whatever the timetable said before it started; or it has succeeded


def remedy_of(job: Job, entry: Entry | None, held_because: str | None) -> str:
    """The change that would set the job going, as a sentence; empty where nobody can do anything, or need."""
    if isinstance(job.status, Waiting) and held_because is not None:
        return group_remedy(job.spec.group)
    return remedy(job) or (entry.why.remedy if entry and entry.why and isinstance(job.status, Waiting) else "")


def estimate_text(job: Job, estimate: Estimate | None) -> str:
    """`1h, a guess: nothing like it ran before`: how long it still takes, and from where that is known."""
    if job.ended:
        return ""
    if estimate is not None:
        left = "" if isinstance(job.status, Waiting | Held) and not job.attempts else " left"
        return f"{format_duration(round(estimate.remaining_s))}{left}, {estimate.source}"
    return f"{format_duration(job.spec.estimate_s)}, what its owner said" if job.spec.estimate_s else ""


def start_text(job: Job, entry: Entry | None, now: float) -> str:
    """When it started, or is expected to."""
    if (started := job.first_started_at) is not None:
        return format_clock(started, now)
    if job.ended or entry is None or entry.start_at is None:
        return ""
    return f"~{format_clock(max(entry.start_at, now), now)}"


def finish_text(job: Job, entry: Entry | None, now: float) -> str:
    """When it ended, or is expected to."""
    if job.ended:
        return format_clock(job.status.since, now)
    return f"~{format_clock(max(entry.finish_at, now), now)}" if entry and entry.finish_at is not None else ""


def foreseen_text(at: float | None, interval: Interval, now: float, *, rough: bool) -> str:
    """`02:10 (01:50-02:40)`: a moment of the timetable, and the interval that four out of five fall into.

    `~` says that it was only roughly placed. What lies behind us, on a timetable that has aged, is now.
    """
    if at is None:
        return ""
    text = ("~" if rough else "") + format_clock(max(at, now), now)
    low, high = interval
    if low is None or high is None or high <= now:
        return text
    return f"{text} ({format_clock(max(low, now), now)}{EN_DASH}{format_clock(high, now)})"


def run_time_text(job: Job, now: float) -> str:
    """How long it has run, for people."""
    seconds = run_time_s(job, now)
    if seconds is None:
        return ""
    return format_duration(round(seconds)) if seconds >= 0.5 else "<1s"


def resumption_text(job: Job, number: int) -> str:
    """How attempt `number` (2 or more) came to be: `resumed from epoch 4 after SIGKILL`."""
    attempt, before = job.attempts[number - 1], job.attempts[number - 2]
    epoch = attempt.resumed_from_epoch
    how = f"resumed from epoch {epoch}" if epoch else "started anew"
    return f"{how} after {ending_text(before)}"


def attempts_text(job: Job) -> str:
    """What a reader of the final table should know of how the job got there: its resumptions."""
    return "; ".join(resumption_text(job, attempt.number) for attempt in job.attempts[1:])
