"""Quotas: how much of the machine an owner or a group may have."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, tzinfo
from enum import StrEnum
from typing import NamedTuple

from msgspec import Struct


class QuotaScope(StrEnum):
    """Whom a quota is for."""

    OWNER = "owner"
    GROUP = "group"


class Quota(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What `name` (an owner's or a group's) may have: GPUs at once, GPU-seconds a week; None is no limit.

    `used_gpu_s` were used since the week began; what still runs counts up to now. The next begins at `week_ends_at`
    (UTC seconds; weeks begin on Monday, local time).
    """

    scope: QuotaScope
    name: str
    gpus: int | None = None
    weekly_gpu_s: float | None = None
    used_gpu_s: float = 0.0
    week_ends_at: float = 0.0


class Week(NamedTuple):
    """The week that quotas are counted by: from Monday to Monday, local time; UTC seconds."""

    starts_at: float
    ends_at: float


def week_of(now: float, zone: tzinfo | None = None) -> Week:
    """The week that `now` lies in; `zone` is the local time zone if None."""
    today = datetime.fromtimestamp(now, UTC).astimezone(zone).replace(tzinfo=zone)
    monday = datetime.combine(today - timedelta(days=today.weekday()), datetime.min.time(), zone)
    return Week(monday.timestamp(), (monday + timedelta(days=7)).timestamp())
