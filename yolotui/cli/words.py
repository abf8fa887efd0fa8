"""How jobs read to people: a word, a number or a sentence for each column. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from yolotui.cli.printing import Cell
from yolotui.core.jobs import (
    Attempt,
    Cancelled,
    Failed,
    Held,
    Job,
    JobSpec,
    Outcome,
    Paused,
    Skipped,
    Stopping,
    Unknown,
    Waiting,
)
from yolotui.core.timetable import Entry, Estimate
from yolotui.remedies import held_sentence, remedy, room_sentence
from yolotui.units import format_bytes, format_clock, format_duration

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

SIGNALS = {1: "SIGHUP", 2: "SIGINT", 6: "SIGABRT", 7: "SIGBUS", 9: "SIGKILL", 11: "SIGSEGV", 15: "SIGTERM"}


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
            return f"Its group {job.spec.group} is held ({held_because}): {remedy_of(job, entry, held_because)}"
        case Waiting() | Paused():
            return entry.told if entry else ""
    return room_sentence(job)  # it runs, whatever the timetable said before it started; or it has succeeded


def remedy_of(job: Job, entry: Entry | None, held_because: str | None) -> str:
    """The change that would set the job going, as a sentence; empty where nobody can do anything, or need."""
    if isinstance(job.status, Waiting) and held_because is not None:
        return f"`yolotui release @{job.spec.group}` lets it go."
    return remedy(job) or (entry.why.remedy if entry and entry.why and isinstance(job.status, Waiting) else "")


def estimate_text(job: Job, estimate: Estimate | None) -> str:
    """`1h, a guess: nothing like it ran before`: how long it still takes, and from where that is known."""
    if job.ended:
        return ""
    if estimate is not None:
        left = "" if isinstance(job.status, Waiting | Held) and not job.attempts else " left"
        return f"{format_duration(round(estimate.remaining_s))}{left}, {estimate.source}"
    return f"{format_duration(job.spec.estimate_s)}, what its owner said" if job.spec.estimate_s else ""


def after_text(job: Job) -> str:
    """`3, 4, any of 5, 6, end of 7, failure of 8`: what it hangs on, and what it asks of those."""
    words = {"all": "", "any": "any of ", "finished": "end of ", "failed": "failure of "}
    by_mode = {mode: [need for need in job.after if job.after_modes.get(need, "all") == mode] for mode in words}
    return ", ".join(words[mode] + ", ".join(map(str, needs)) for mode, needs in by_mode.items() if needs)


def gpus_text(spec: JobSpec) -> str:
    """`2, A100, with 40 GiB, not 0, rather 3`: how many GPUs it asks for, and of which kind."""
    parts = [
        str(spec.gpus),
        spec.gpu_model,
        f"with {format_bytes(spec.vram_bytes)}" if spec.vram_bytes else "",
        f"not {' '.join(spec.avoid)}" if spec.avoid else "",
        f"rather {' '.join(spec.prefer)}" if spec.prefer else "",
    ]
    return ", ".join(filter(None, parts))


def start_text(job: Job, entry: Entry | None, now: float) -> str:
    """When it started, or is expected to."""
    if (started := first_start(job)) is not None:
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


def first_start(job: Job) -> float | None:
    """When its first attempt that really started did so."""
    return next((attempt.started_at for attempt in job.attempts if attempt.started_at is not None), None)


def run_time_s(job: Job, now: float) -> float | None:
    """How long it has run, all attempts together, pauses and waits left out; None if it never ran."""
    spans = [(a.ended_at or now) - a.started_at for a in job.attempts if a.started_at is not None]
    return sum(max(span, 0.0) for span in spans) if spans else None


def run_time_text(job: Job, now: float) -> str:
    """How long it has run, for people."""
    seconds = run_time_s(job, now)
    if seconds is None:
        return ""
    return format_duration(round(seconds)) if seconds >= 0.5 else "<1s"


def ending_text(attempt: Attempt) -> str:
    """How an attempt ended, in a word or two: `SIGKILL`, `exit code 2`, `paused`."""
    if attempt.signal:
        return SIGNALS.get(attempt.signal, f"signal {attempt.signal}")
    if attempt.outcome is Outcome.FAILED and attempt.exit_code:
        return f"exit code {attempt.exit_code}"
    return attempt.outcome.value.replace("_", " ") if attempt.outcome else "running"


def resumption_text(job: Job, number: int) -> str:
    """How attempt `number` (2 or more) came to be: `resumed from epoch 4 after SIGKILL`."""
    attempt, before = job.attempts[number - 1], job.attempts[number - 2]
    epoch = attempt.resumed_from_epoch
    how = f"resumed from epoch {epoch}" if epoch else "started anew"
    return f"{how} after {ending_text(before)}"


def attempts_text(job: Job) -> str:
    """What a reader of the final table should know of how the job got there: its resumptions."""
    return "; ".join(resumption_text(job, attempt.number) for attempt in job.attempts[1:])
