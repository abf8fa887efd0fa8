"""The panel of the selected job: what it is, how it goes, its curves, its log. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from yolotui.core.jobs import ACTIVE, Attempt, Failed, Job, Kind, Outcome, Running, Stopping
from yolotui.tui.glyphs import Glyphs
from yolotui.tui.palette import CAUTION, DIM, PINK, PLAIN, QUIET, RED, STATE_COLOURS, STRONG, YELLOW, ink
from yolotui.tui.panels.charts import charts_of, lay_out
from yolotui.tui.panels.findings import worst_row
from yolotui.tui.panels.log import log_rows
from yolotui.tui.panels.texts import cut, joined, pieces, spread, wrapped
from yolotui.tui.plot import Row
from yolotui.tui.run_view import RunView
from yolotui.tui.snapshot import Snapshot
from yolotui.tui.words import (
    ending_sentence,
    named,
    number,
    plain,
    reason,
    run_time_s,
    short_duration,
    squeeze,
    status_sentence,
    when,
)
from yolotui.units import format_bytes, format_clock

COMPACT_HEIGHT = 14
BLANK: Row = []


@dataclass(frozen=True)
class Subject:
    """The selected job with all that is known about it.

    `log_wanted`: a person asked to see its log. `health_key` opens what the health rules have found.
    """

    job: Job
    snapshot: Snapshot
    run: RunView
    now: float
    log_wanted: bool = False
    health_key: str = ""


def run_rows(subject: Subject, width: int, height: int, glyphs: Glyphs) -> list[Row]:
    """The panel in at most `height` rows."""
    job = subject.job
    facts = _facts(subject, width, glyphs)
    compact = height < COMPACT_HEIGHT
    if compact:
        facts = facts[: max(3, height // 2) if isinstance(job.status, Failed) or not _has_curves(subject) else 3]
    else:
        facts += [BLANK] if len(facts) < height - 3 else []
    room = height - len(facts)
    charts = charts_of(subject.run) if _has_curves(subject) else ()
    log_height = _log_height(subject, room, compact=compact, has_charts=bool(charts))
    chart_rows = lay_out(charts, width, room - log_height, glyphs) if room > log_height else []
    blank = [BLANK] if chart_rows and log_height > 4 else []
    log = log_rows(subject.run.log, subject.run.log_path, width, log_height - len(blank), glyphs) if log_height else []
    return [cut(row, width, glyphs.ellipsis) for row in [*facts, *chart_rows, *blank, *log]][:height]


def _has_curves(subject: Subject) -> bool:
    return bool(subject.run.epochs or subject.run.batch_losses) and subject.job.spec.kind is Kind.TRAIN


def _log_height(subject: Subject, room: int, *, compact: bool, has_charts: bool) -> int:
    """How many rows the log gets: none unless it was asked for, or is all there is to show of a run."""
    job = subject.job
    if not job.attempts:
        return 0
    told_by_log = not has_charts or isinstance(job.status, Failed)
    if not (subject.log_wanted or told_by_log):
        return 0
    if not has_charts or (compact and (subject.log_wanted or isinstance(job.status, Failed))):
        return room
    return max(4, room // 3)


def _facts(subject: Subject, width: int, glyphs: Glyphs) -> list[Row]:
    job, now = subject.job, subject.now
    rows = [_title(subject, width, glyphs)]
    if isinstance(job.status, ACTIVE) and job.spec.kind is Kind.TRAIN:
        rows.append(_progress_row(subject, width, glyphs))
    if job.complaint:
        rows.append(worst_row(job.progress.health, width, glyphs, subject.health_key))
    rows += _reason_rows(subject, width)
    if isinstance(job.status, ACTIVE):
        rows += [row for row in [_rates_row(subject.run, width, glyphs)] if row]
    if isinstance(job.status, Failed):
        rows += _failure(job, width, glyphs)
    if not job.ended and not isinstance(job.status, ACTIVE):
        rows += _expectation(subject, glyphs)
    rows += _request(job, width, now)
    rows += [_attempt_row(attempt, glyphs) for attempt in job.attempts[-3:] if _worth_telling(attempt)]
    return rows


def _reason_rows(subject: Subject, width: int) -> list[Row]:
    """Why it is where it is; of a job that is being ended, how far that has come."""
    job = subject.job
    if isinstance(job.status, Stopping):
        return wrapped(ending_sentence(job, subject.now), width, CAUTION)
    style = ink(STATE_COLOURS[job.state]) if job.state in {"failed", "unknown", "pausing"} else PLAIN
    return wrapped(reason(job, subject.snapshot.entries.get(job.id)), width, style)


def _title(subject: Subject, width: int, glyphs: Glyphs) -> Row:
    job, now = subject.job, subject.now
    ran = run_time_s(job, now)
    sign = f"{glyphs.state(job.state)} {job.state}"
    duration = f" {short_duration(ran)}" if ran is not None and isinstance(job.status, ACTIVE) else ""
    detail = f"P{int(job.priority)} {glyphs.separator} {plain(job.owner.name)}"
    left = pieces((sign, ink(STATE_COLOURS[job.state], bold=True)), (duration, QUIET), (f"  {named(job)}", STRONG))
    return spread(left, pieces((detail, QUIET)), width, glyphs.ellipsis)


def _progress_row(subject: Subject, width: int, glyphs: Glyphs) -> Row:
    """Epoch, batch or phase, and what is left; what doesn't fit is left out from the end."""
    job, batch = subject.job, subject.run.batch
    entry = subject.snapshot.entries.get(job.id)
    total = job.progress.epochs_total or job.spec.epochs or 0
    done = max([job.progress.epochs_done, *subject.run.epochs[-1:]])
    current = min(done + 1, total) if total else done + 1
    parts = [pieces((f"epoch {current}", PLAIN), (f"/{total}" if total else "", QUIET))]
    if total and width >= 60:
        full, empty = glyphs.progress(_fraction_done(done, total, subject.run), 10 if width < 80 else 20)
        parts[0] += pieces((" " + full, ink(STATE_COLOURS["running"])), (empty, DIM))
    if batch is not None and batch.epoch > done:
        parts.append(pieces((f"batch {batch.batch}", PLAIN), (f"/{batch.batches}", QUIET)))
    elif subject.run.phase not in {"", "train"}:
        parts.append(pieces((plain(subject.run.phase), PLAIN)))
    left = when(job, entry, subject.now, stale=subject.snapshot.stale(subject.now))
    if isinstance(job.status, Running) and left.endswith(("left", "moment")):
        parts += [pieces((left, PLAIN)), pieces((status_sentence(job, entry, subject.now), PLAIN))]
    return joined(parts, _separator(glyphs), width)


def _separator(glyphs: Glyphs) -> Row:
    return pieces((f" {glyphs.separator} ", DIM))


def _fraction_done(done: int, total: int, run: RunView) -> float:
    within = run.batch.batch / run.batch.batches if run.batch and run.batch.batches and run.batch.epoch > done else 0.0
    return (done + min(within, 1.0)) / total


def _rates_row(run: RunView, width: int, glyphs: Glyphs) -> Row:
    """Throughput, data wait, learning rate, memory: with curves of them where there is room."""
    return joined(_rates(run, 8 if width >= 66 else 0, glyphs), _separator(glyphs), width)


def batch_row(run: RunView, width: int, glyphs: Glyphs) -> Row:
    """All that was told of the newest batch; what doesn't fit is left out from the end."""
    batch = run.batch
    if batch is None:
        return []
    parts = [pieces((f"batch {batch.batch}", PLAIN), (f"/{batch.batches}", QUIET)), *_rates(run, 0, glyphs)]
    if batch.step_s is not None:
        parts.insert(2, pieces((f"step {batch.step_s * 1000:.0f} ms", PLAIN)))
    if batch.gradient_norm is not None:
        parts.append(pieces((f"gradient {number(batch.gradient_norm)}", PLAIN)))
    return joined(parts, _separator(glyphs), width)


def _rates(run: RunView, points: int, glyphs: Glyphs) -> list[Row]:
    """The rates of the newest batch, each with a curve of so many points."""
    batch = run.batch
    if batch is None:
        return []
    parts: list[Row] = []
    if batch.images_per_s is not None:
        curve = glyphs.sparkline(run.images_per_s, points) if points else ""
        parts.append(pieces((f"{batch.images_per_s:.0f} img/s" + " " * bool(curve), PLAIN), (curve, ink(PINK))))
    if batch.wait_share is not None:
        slow = batch.wait_share > 0.3
        parts.append(pieces((f"data wait {batch.wait_share:.0%}", CAUTION if slow else PLAIN)))
    if batch.lr is not None:
        curve = glyphs.sparkline(squeeze(run.columns.get("lr/pg0", ()), points), points) if points else ""
        parts.append(pieces((f"lr {number(batch.lr)}" + " " * bool(curve), PLAIN), (curve, ink(YELLOW))))
    if batch.memory_bytes:
        parts.append(pieces((format_bytes(batch.memory_bytes), PLAIN)))
    return parts


def _failure(job: Job, width: int, glyphs: Glyphs) -> list[Row]:
    """Cause, exit code or signal, and what a person can do."""
    attempt = job.attempts[-1] if job.attempts else None
    assert isinstance(job.status, Failed)
    parts = [pieces((plain(job.status.cause), ink(RED)))]
    if attempt and attempt.exit_code is not None:
        parts.append(pieces((f"exit code {attempt.exit_code}", QUIET)))
    if attempt and attempt.signal is not None:
        parts.append(pieces((f"signal {attempt.signal}", QUIET)))
    parts.append(pieces(("can be retried", QUIET)))
    if attempt and attempt.progress.epochs_done:
        parts.append(pieces((f"after {attempt.progress.epochs_done} epochs", QUIET)))
    return [joined(parts, _separator(glyphs), width)]


def _expectation(subject: Subject, glyphs: Glyphs) -> list[Row]:
    """When a job that waits is expected to start, and what it hangs on."""
    job, snapshot = subject.job, subject.snapshot
    rows: list[Row] = []
    entry = snapshot.entries.get(job.id)
    expected = status_sentence(job, entry, subject.now)
    if expected and entry:
        names = {gpu.uuid: f"{gpu.index}" for gpu in snapshot.published.host.gpus} if snapshot.published else {}
        cards = ", ".join(names.get(uuid, "?") for uuid in entry.gpus)
        rows.append(pieces((expected, PLAIN), (f" on GPU {cards}" if cards else "", QUIET)))
        if snapshot.stale(subject.now) and snapshot.published:
            rows.append(pieces((f"as planned at {format_clock(snapshot.published.at, subject.now)}", CAUTION)))
    for needed in (snapshot.jobs.get(job_id) for job_id in job.after):
        if needed is not None:
            sign = f"{glyphs.state(needed.state)} {needed.state}"
            rows.append(
                pieces(("after ", QUIET), (sign, ink(STATE_COLOURS[needed.state])), (f" {named(needed)}", PLAIN))
            )
    rows += [pieces(("only if ", QUIET), (plain(str(gate)), PLAIN)) for gate in job.spec.when]
    return rows


def _request(job: Job, width: int, now: float) -> list[Row]:
    """What was asked for."""
    spec = job.spec
    if spec.command:
        return wrapped(plain(" ".join(spec.command)), width, QUIET, indent="  ")
    files = [plain(path.rpartition("/")[2]) for path in (spec.model, spec.data) if path]
    told = [f"{key} {spec.arguments[key]}" for key in ("imgsz", "batch") if key in spec.arguments]
    told += [f"{spec.gpus} GPUs"] if spec.gpus > 1 else []
    text = ", ".join([spec.kind.value, *files, *told])
    return wrapped(f"{text}; submitted {format_clock(job.submitted_at, now)}", width, QUIET, indent="  ")


def _worth_telling(attempt: Attempt) -> bool:
    """Whether an attempt's story is not just that it runs, or ran through, from the start."""
    return attempt.outcome not in {None, Outcome.SUCCEEDED} or bool(attempt.resumed_from_epoch)


def _attempt_row(attempt: Attempt, glyphs: Glyphs) -> Row:
    parts = [f"attempt {attempt.number}"]
    if attempt.resumed_from_epoch:
        parts.append(f"resumed from epoch {attempt.resumed_from_epoch}")
    if attempt.outcome is not None:
        parts.append(attempt.outcome.value.replace("_", " "))
    if attempt.explanation:
        parts.append(plain(attempt.explanation))
    return pieces((f" {glyphs.separator} ".join(parts), QUIET))
