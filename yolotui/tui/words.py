"""How the dashboard says things: durations, states, reasons. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import isfinite

from rich.cells import cell_len, set_cell_size

from yolotui.core.jobs import (
    STATES,
    Cancelled,
    Failed,
    Held,
    Job,
    Kind,
    Pausing,
    Running,
    Skipped,
    Starting,
    Stopping,
    Succeeded,
    Unknown,
    Waiting,
    kill_after_s,
)
from yolotui.core.timetable import Entry
from yolotui.remedies import held_sentence, room_sentence
from yolotui.units import format_clock, format_duration

SAID_ORDER = ("running", "starting", "stopping", "pausing", "unknown", "waiting", "held", "paused", "failed")


def in_said_order(states: Iterable[str]) -> list[str]:
    """States in the order in which people care for them."""
    return sorted(
        states, key=lambda state: (SAID_ORDER.index(state) if state in SAID_ORDER else 99, STATES.index(state))
    )


def plain(text: str) -> str:
    """Text from outside, without anything that a terminal would obey: control characters become `?`."""
    return text if text.isprintable() else "".join(c if c.isprintable() else "?" for c in text)


def fit(text: str, width: int, ellipsis: str) -> str:
    """`text` in exactly `width` cells: padded, or cut with an ellipsis."""
    if width <= 0:
        return ""
    if cell_len(text) > width:
        return set_cell_size(text, width - cell_len(ellipsis)) + ellipsis if width > 1 else set_cell_size(text, width)
    return set_cell_size(text, width)


def fit_ends(text: str, width: int, ellipsis: str) -> str:
    """`text` in exactly `width` cells, cut in its middle: names of a series differ at their end."""
    if cell_len(text) <= width or width < 6:
        return fit(text, width, ellipsis)
    tail = text
    while cell_len(tail) > (width - cell_len(ellipsis)) // 2:
        tail = tail[1:]
    return fit(text, width - cell_len(tail), ellipsis) + tail


def short_duration(seconds: float) -> str:
    """`"42s"`, `"12m"`, `"1h5m"`, `"3d4h"`: steady, so that nothing flickers."""
    seconds = max(0.0, seconds)
    return format_duration(int(seconds) if seconds < 60 else seconds - seconds % 60)


def number(value: float) -> str:
    """A value in at most six cells or so: `0.512`, `12.3`, `1.2e-05`."""
    if not isfinite(value):
        return str(value)
    if value == 0:
        return "0"
    size = abs(value)
    if size < 0.001 or size >= 100_000:
        return f"{value:.1e}".replace("e-0", "e-").replace("e+0", "e").replace("e+", "e")
    return f"{value:.3f}" if size < 10 else f"{value:.1f}" if size < 1000 else f"{value:.0f}"


def metric_name(column: str) -> str:
    """`metrics/mAP50-95(B)` as people say it: `mAP50-95`."""
    return column.rpartition("/")[2].removesuffix("(B)")


def squeeze(values: Sequence[float], width: int) -> Sequence[float]:
    """The whole series in at most `width` values: means of neighbours."""
    count = len(values)
    if count <= width:
        return values
    parts = (values[at * count // width : (at + 1) * count // width] for at in range(width))
    return [sum(part) / len(part) for part in parts]


def when(job: Job, entry: Entry | None, now: float, *, stale: bool) -> str:
    """The one time that matters: what is left of a run, until a start, since an end. Empty where nobody knows."""
    if job.ended:
        return f"{short_duration(now - job.status.since)} ago"
    if isinstance(job.status, Stopping | Starting | Unknown | Pausing):
        return f"for {short_duration(now - job.status.since)}"
    if entry is None or stale:
        return f"for {short_duration(now - job.status.since)}" if isinstance(job.status, Running) else ""
    about = "~" if entry.rough else ""
    if isinstance(job.status, Running):
        return _until(entry.finish_at, now, "", " left", about)
    return _until(entry.start_at, now, "in ", "", about)


def interval(job: Job, entry: Entry | None, now: float, *, stale: bool, dash: str) -> str:
    """Between what and what the time of `when` lies, four times out of five; empty where nobody knows."""
    if entry is None or stale or job.ended:
        return ""
    low, high = entry.start_low_at, entry.start_high_at
    if isinstance(job.status, Running):
        low, high = entry.finish_low_at, entry.finish_high_at
    if low is None or high is None or isinstance(job.status, Stopping | Starting | Unknown | Pausing):
        return ""
    return f"{short_duration(low - now)}{dash}{short_duration(high - now)}" if high > low else ""


def _until(at: float | None, now: float, before: str, after: str, about: str) -> str:
    if at is None:
        return ""
    return f"{before}{about}{short_duration(at - now)}{after}" if at - now >= 1 else "any moment"


def reason(job: Job, entry: Entry | None) -> str:  # noqa: PLR0911 — one a state
    """Why the job is where it is, in a sentence; empty for one that simply runs or ended well."""
    match job.status:
        case Held(reason=text):
            return plain(held_sentence(job, text))
        case Failed(reason=text) | Skipped(reason=text) | Unknown(reason=text):
            return plain(text)
        case Cancelled(by=by):
            return f"cancelled by {plain(by)}"
        case Stopping(by=by):
            return f"ended by {plain(by)}: TERM is sent, KILL follows"
        case Pausing():
            return room_sentence(job) or "stops at the end of this epoch"
        case Running(request=request) if request is not None:
            return f"asked to {request.value}"
        case Starting() | Running() | Succeeded():
            return room_sentence(job)
    if entry is None and isinstance(job.status, Waiting):
        return "No scheduler has planned it yet."
    return plain(entry.told) if entry else ""


def state_word(job: Job, entry: Entry | None) -> str:
    """The state of a job in at most nine letters; of one whose data is being checked, how far that is."""
    if isinstance(job.status, Waiting) and entry and entry.checking and entry.checking.of:
        return f"check {entry.checking.percent}%"
    return job.state


def ending_sentence(job: Job, now: float) -> str:
    """How far the ending of a job has come: TERM, then a wait, then KILL. Empty for one that nobody ends."""
    if not isinstance(job.status, Stopping):
        return ""
    waited = max(0.0, now - job.status.since)
    left = kill_after_s(job.spec.kind) - waited
    kill = f"KILL in {short_duration(left)} to what is left" if left > 0 else "KILL to all that is left of it"
    return f"TERM {short_duration(waited)} ago, asked by {plain(job.status.by)}; {kill}."


def status_sentence(job: Job, entry: Entry | None, now: float) -> str:
    """When the job is expected to start and to finish, or when it did."""
    if isinstance(job.status, Running) and entry and entry.finish_at:
        between = _between(entry.finish_low_at, entry.finish_high_at, now)
        return f"ends {format_clock(entry.finish_at, now)}{between}"
    if isinstance(job.status, Waiting) and entry and entry.start_at:
        finish = f", ends {format_clock(entry.finish_at, now)}" if entry.finish_at else ""
        finish = _between(entry.start_low_at, entry.start_high_at, now) + finish
        return f"starts {'about ' if entry.rough else ''}{format_clock(entry.start_at, now)}{finish}"
    if job.ended:
        return format_clock(job.status.since, now)
    return ""


def _between(low: float | None, high: float | None, now: float) -> str:
    if low is None or high is None or high <= low:
        return ""
    return f" ({format_clock(max(low, now), now)} to {format_clock(high, now)})"


def run_time_s(job: Job, now: float) -> float | None:
    """How long the newest attempt has run, or ran; None before a start."""
    if not job.attempts or job.attempts[-1].started_at is None:
        return None
    attempt = job.attempts[-1]
    return (attempt.ended_at or now) - (attempt.started_at or now)


def named(job: Job) -> str:
    """A job as people call it: `#12 night-n`."""
    return f"#{job.id} {plain(job.name)}"


def without_curves(job: Job) -> str:
    """What stands in the place of curves where there are none."""
    log = "Tab leads to the log."
    if job.spec.kind is not Kind.TRAIN:
        return f"Only trainings have curves; this job runs {job.spec.kind.value}. {log}"
    if job.ended:
        return f"It ended before its first epoch: there are no curves. {log}"
    return f"No epoch yet: curves show up here by themselves. {log}"
