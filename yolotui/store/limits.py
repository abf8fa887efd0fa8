"""What no start may break, however old the plan is that asks for it: looked at under the write lock."""

from __future__ import annotations

import json
from collections.abc import Mapping

from msgspec import Struct

from yolotui.core.jobs import Attempt, Job
from yolotui.core.quotas import Quota, QuotaScope, week_of
from yolotui.core.timetable import Estimate
from yolotui.store import bookings, gpu_marks
from yolotui.store.database import Transaction
from yolotui.store.usage import gpu_seconds


class StartLimits(Struct, frozen=True, kw_only=True):
    """What a start has to keep to. `room_bytes` is the memory by UUID that can be promised to those who share a card,
    `tenants` how many they may be, `quotas` what owners and groups may have.
    """

    room_bytes: Mapping[str, int] = {}
    tenants: int = 2
    quotas: tuple[Quota, ...] = ()


NO_LIMITS = StartLimits()


def keep_from_starting(
    write: Transaction, job: Job, attempt: Attempt, limits: StartLimits, estimate: Estimate | None
) -> bool:
    """Whether a person's word, somebody else's window, a full card or a quota is against this start."""
    if write.execute("SELECT 1 FROM held_groups WHERE name = ?", (job.spec.group,)).fetchone():
        return True
    ends_at = write.now + (estimate.remaining_s if estimate else 0.0)
    return (
        gpu_marks.keeps_out(write.connection, attempt.gpus, ends_at)
        or _is_booked_by_another(write, job, attempt)
        or _is_too_full(write, attempt, limits)
        or any(_is_used_up(write, job, attempt, quota) for quota in limits.quotas)
    )


def _is_booked_by_another(write: Transaction, job: Job, attempt: Attempt) -> bool:
    """Until the leader has ended a window, its buffer included, its cards are its holder's."""
    begun = (each for each in bookings.read(write.connection) if each.holds and each.starts_at <= write.now)
    return any(set(each.gpus) & set(attempt.gpus) and not each.is_for(job.id, job.owner.name) for each in begun)


def _is_too_full(write: Transaction, attempt: Attempt, limits: StartLimits) -> bool:
    """Whether sharing tenants would be too many, or promised more than there is; the database keeps others apart."""
    if attempt.promised_bytes is None:
        return False
    query = "SELECT count(*) AS tenants, coalesce(sum(promised_bytes), 0) AS promised FROM leases WHERE gpu = ?"
    for gpu in attempt.gpus:
        tenants, promised = write.execute(query, (gpu,)).fetchone()
        room = limits.room_bytes.get(gpu)
        if tenants >= limits.tenants or (room is not None and promised + attempt.promised_bytes > room):
            return True
    return False


def _is_used_up(write: Transaction, job: Job, attempt: Attempt, quota: Quota) -> bool:
    mine = job.owner.name if quota.scope is QuotaScope.OWNER else job.spec.group
    if mine != quota.name or not attempt.gpus:
        return False
    if quota.gpus is not None and _gpus_at_once(write, quota, attempt) > quota.gpus:
        return True
    if quota.weekly_gpu_s is None:
        return False
    usage = gpu_seconds(write.connection, week_of(write.now).starts_at, write.now)
    used = usage.owners if quota.scope is QuotaScope.OWNER else usage.groups
    return used.get(quota.name, 0.0) >= quota.weekly_gpu_s


def _gpus_at_once(write: Transaction, quota: Quota, attempt: Attempt) -> int:
    """How many cards an owner or a group would have with this start; one that its own jobs share counts once."""
    column = "owner" if quota.scope is QuotaScope.OWNER else "group_name"
    rows = write.execute(
        f"SELECT gpu FROM leases l JOIN jobs j ON j.id = l.job WHERE j.{column} = ? "  # noqa: S608 — one of two words
        "UNION SELECT value FROM json_each(?)",
        (quota.name, json.dumps(attempt.gpus)),
    ).fetchall()
    return len(rows)
