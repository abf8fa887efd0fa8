"""The command that would set a job going again, by its state: the same words wherever a reason is shown. Pure."""

from __future__ import annotations

from yolotui.core.jobs import Cancelled, Failed, Held, Job, Notice, Paused, Pausing, Running, Skipped
from yolotui.core.planning.leaving import loses
from yolotui.units import format_weekday


def remedy(job: Job) -> str:
    """`` `yolotui release 3` lets it go. ``; empty where the state alone does not say what would help."""
    match job.status:
        case Held():
            return f"`yolotui release {job.id}` lets it go."
        case Paused():
            return f"`yolotui resume {job.id}` continues it."
        case Failed() | Cancelled() | Skipped():
            return f"`yolotui retry {job.id}` tries it again."
    return ""


def held_sentence(job: Job, reason: str) -> str:
    """Why a held job does not start, and what lets it go. The reason comes first: a narrow column shows no more."""
    return f"{reason[:1].upper()}{reason[1:].rstrip('. ')}: {remedy(job)}"


def group_sentence(group: str, reason: str) -> str:
    """Why nothing of a held group starts, and what lets it go."""
    return f"Its group {group} is held ({reason}): {group_remedy(group)}"


def group_remedy(group: str) -> str:
    """`` `yolotui release @night` lets it go. ``."""
    return f"`yolotui release @{group}` lets it go."


def room_sentence(job: Job) -> str:
    """For whom a running job has to make room, when, and what it loses; empty where nobody has told it to."""
    match job.status:
        case Running(notice=Notice() as notice) | Pausing(notice=Notice() as notice):
            whom = f"booking {notice.for_booking}" if notice.for_booking is not None else f"job {notice.for_job}"
            return f"Makes room for {whom} ({format_weekday(notice.due_at)}). {loses(notice.loses_s)}"
    return ""
