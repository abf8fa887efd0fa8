"""What is told of the machine: of its GPUs, of its driver, of groups that are held."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from yolotui.config import NotifyEvent
from yolotui.core.health import Severity
from yolotui.notify.notification import SCHEDULER, Notification, Records, lines, why_of, words_of
from yolotui.store import AuditRow


def _of_group(row: AuditRow, _records: Records) -> Notification | None:
    if row.actor != SCHEDULER:
        return None
    group = row.detail.get("group")
    return Notification(
        event=NotifyEvent.FAILED,
        severity=Severity.WARNING,
        title=f"The group {group} is held",
        body=lines(why_of(row) or row.reason, f"`yolotui release @{group}` lets it go."),
    )


def _of_gpu(row: AuditRow, records: Records) -> Notification:
    is_over = row.verb == "end-quarantine"
    return Notification(
        event=NotifyEvent.GPU,
        severity=Severity.INFO if is_over else Severity.ERROR,
        title=f"{_gpu_name(str(row.detail.get('gpu')), records)} is {'used again' if is_over else 'out of use'}",
        body=why_of(row),
    )


def _of_ailment(row: AuditRow, records: Records) -> Notification:
    gpu, what = str(row.detail.get("gpu") or ""), row.detail.get("what")
    who = f"{_gpu_name(gpu, records)}: {what}" if gpu else "The driver of the GPUs fails"
    is_over = row.verb == "gpu-well"
    return Notification(
        event=NotifyEvent.GPU,
        severity=Severity.INFO if is_over else Severity.WARNING if gpu else Severity.ERROR,
        title=f"{who}{' no more' if is_over else ''}",
        body=why_of(row),
    )


def _of_gpu_error(row: AuditRow, records: Records) -> Notification | None:
    if row.job is None:
        return None
    job = records.job(row.job)
    gpus = " and ".join(_gpu_name(gpu, records) for gpu in row.detail.get("gpus") or ())
    return Notification(
        event=NotifyEvent.GPU,
        severity=Severity.WARNING,
        title=f"{job.name} met an error of {gpus or 'its GPU'}",
        body=lines(f"Job {job.id}, attempt {row.detail.get('attempt')}.", why_of(row)),
        details=words_of(row),
        owner=job.owner,
    )


def _gpu_name(uuid: str, records: Records) -> str:
    """`GPU 1`; of one that is gone, the beginning of its UUID."""
    index = next((gpu.index for gpu in records.cards() if gpu.uuid == uuid), None)
    return f"GPU {uuid[:12] if index is None else index}"


TELLERS: Mapping[str, Callable[[AuditRow, Records], Notification | None]] = {
    **dict.fromkeys(("quarantine", "end-quarantine"), _of_gpu),
    **dict.fromkeys(("gpu-trouble", "gpu-well"), _of_ailment),
    "gpu-error": _of_gpu_error,
    "hold-group": _of_group,
}
