"""What is told of jobs: that they start, end, recover, make room, are late, or are not well."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from yolotui.config import NotifyEvent
from yolotui.core.health import Severity, since
from yolotui.core.jobs import Job, Kind, Outcome
from yolotui.core.planning.saying import gpus_text
from yolotui.notify.notification import SCHEDULER, Notification, in_words, lines, stated, why_of, words_of
from yolotui.store import AuditRow
from yolotui.units import format_clock, format_duration


def _started(row: AuditRow, job: Job) -> Notification | None:
    if row.detail.get("attempt") != 1:
        return None
    gpus = len(row.detail.get("gpus") or ())
    return Notification(
        event=NotifyEvent.STARTED,
        severity=Severity.INFO,
        title=f"{job.name} has started",
        body=f"Job {job.id}, {gpus_text(gpus)}.",
    )


def _runs(row: AuditRow, job: Job) -> Notification | None:
    """An attempt runs: good news where the one before it broke."""
    number = row.detail["attempt"]
    if number < 2:
        return None
    before, attempt = job.attempts[number - 2], job.attempts[number - 1]
    if before.outcome not in {Outcome.FAILED, Outcome.INTERRUPTED}:
        return None
    epoch = attempt.resumed_from_epoch
    return Notification(
        event=NotifyEvent.RECOVERED,
        severity=Severity.WARNING,
        title=f"{job.name} runs again",
        body=lines(
            f"Job {job.id}, attempt {number}, "
            + (f"continued after epoch {epoch}." if epoch is not None else "from the beginning."),
            f"Before: {stated(before.explanation)}" if before.explanation else "",
        ),
        details=in_words(before.explanation),
    )


def _ended(row: AuditRow, job: Job) -> Notification | None:
    attempt = job.attempts[row.detail["attempt"] - 1]
    is_training = job.spec.kind is Kind.TRAIN
    match row.detail["then"]:
        case "succeeded":
            best = attempt.progress.best
            figures = ", ".join(f"{name.removeprefix('metrics/')} {value:.4g}" for name, value in sorted(best.items()))
            weights = f"{job.run_dir}/train/weights/best.pt" if is_training else ""
            return Notification(
                event=NotifyEvent.FINISHED,
                severity=Severity.INFO,
                title=f"{job.name} has finished",
                body=lines(
                    f"{_effort(job)}.",
                    f"Best: {figures}." if figures else "",
                    f"Weights: {weights}" if weights else "",
                    f"Results: {job.run_dir}/train/results.csv" if weights else "",
                    f"More: yolotui show {job.id}",
                ),
                page_of=job.id if is_training else None,
            )
        case "failed":
            cause = str(row.detail.get("cause") or "no cause known").replace("_", " ")
            return Notification(
                event=NotifyEvent.FAILED,
                severity=Severity.ERROR,
                title=f"{job.name} has failed",
                body=lines(
                    f"{_effort(job)}, {cause}.",
                    why_of(row),
                    f"More: yolotui show {job.id}, yolotui logs {job.id}",
                ),
                details=words_of(row),
                page_of=job.id if is_training else None,
            )
    return None


def _effort(job: Job) -> str:
    """How long it ran; of a training also how far it came."""
    told = f"Job {job.id}, {format_duration(job.ran_s)}"
    if job.spec.kind is not Kind.TRAIN:
        return told
    return f"{told}, {job.progress.epochs_done} of {job.progress.epochs_total or job.spec.epochs or '?'} epochs"


def _out_of_sight(row: AuditRow, job: Job) -> Notification:
    return Notification(
        event=NotifyEvent.FAILED,
        severity=Severity.WARNING,
        title=f"{job.name} is out of sight",
        body=lines(f"Job {job.id}: nothing proves its process alive or dead.", why_of(row)),
    )


def _of_eviction(words: str) -> Callable[[AuditRow, Job], Notification]:
    def told(row: AuditRow, job: Job) -> Notification:
        due_at = row.detail.get("due_at")
        when = f"At {format_clock(due_at, row.at)}: " if due_at else ""
        return Notification(
            event=NotifyEvent.EVICTED,
            severity=Severity.INFO if row.verb == "withdraw-notice" else Severity.WARNING,
            title=f"{job.name} {words}",
            body=lines(f"Job {job.id}. {when}{why_of(row)}", "It keeps its place and continues from its checkpoint."),
        )

    return told


def _of_deadline(row: AuditRow, job: Job) -> Notification:
    is_safe = row.verb == "deadline-safe-again"
    deadline, finish = row.detail.get("deadline_at"), row.detail.get("expected_finish")
    times = (
        f"Due {format_clock(deadline, row.at)}, expected {format_clock(finish, row.at)}." if deadline and finish else ""
    )
    return Notification(
        event=NotifyEvent.DEADLINE,
        severity=Severity.INFO if is_safe else Severity.WARNING,
        title=f"{job.name}: its deadline is {'safe again' if is_safe else 'in danger'}",
        body=lines(f"Job {job.id}. {times}", why_of(row), str(row.detail.get("change") or "")),
    )


def _of_health(row: AuditRow, job: Job) -> Notification:
    found = job.attempts[row.detail["attempt"] - 1].progress.health
    finding = next((each for each in found if each.rule == row.detail["rule"]), None)  # it may have passed since
    return Notification(
        event=NotifyEvent.HEALTH,
        severity=Severity(row.detail["severity"]),
        title=f"{job.name}: {row.detail['rule']}",
        body=lines(
            f"Job {job.id}, {since(row.detail['epoch'])}.",
            why_of(row),
            finding.advice if finding else "",
            f"The rule: docs/health.md#{row.detail['rule']}",
        ),
    )


def _held(row: AuditRow, job: Job) -> Notification | None:
    """The check before the start has found errors: what people themselves hold is no news to them."""
    if row.actor != SCHEDULER:
        return None
    rules = row.detail.get("rules")
    of_rules = f" ({', '.join(rules)})" if rules else ""
    return Notification(
        event=NotifyEvent.FAILED,
        severity=Severity.WARNING,
        title=f"{job.name} is held",
        body=lines(
            f"Job {job.id} has not started: the check before the start has found errors{of_rules}.",
            f"More: yolotui show {job.id}; when they are mended: yolotui release {job.id}",
        ),
        details=in_words(str(row.detail.get("why") or "")),
    )


def _skipped(row: AuditRow, job: Job) -> Notification | None:
    """What it hangs on has not come."""
    return Notification(
        event=NotifyEvent.FAILED,
        severity=Severity.WARNING,
        title=f"{job.name} will not run",
        body=lines(f"Job {job.id} has not started.", why_of(row)),
    )


TELLERS: Mapping[str, Callable[[AuditRow, Job], Notification | None]] = {
    "start": _started,
    "run": _runs,
    "end": _ended,
    "lose-sight": _out_of_sight,
    "notice": _of_eviction("will have to make room"),
    "withdraw-notice": _of_eviction("need not make room after all"),
    "evict": _of_eviction("makes room"),
    "deadline-in-danger": _of_deadline,
    "deadline-safe-again": _of_deadline,
    "health": _of_health,
    "hold": _held,
    "skip": _skipped,
}
