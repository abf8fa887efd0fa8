"""The audit log in words."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from yolotui.store import AuditRow

UUID = re.compile(r"GPU-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
FOR_UNDO = frozenset({"status", "held", "owner_uid"})
"""What is kept so that it can be put back; other words say it to people."""


def detail_text(row: AuditRow) -> str:
    """`priority=P0 was=P2`: what is on record of an act, beside who, when and why."""
    shown = {key: value for key, value in row.detail.items() if key not in FOR_UNDO and value not in (None, "", [], {})}
    return " ".join(f"{key}={_shown(key, value)}" for key, value in shown.items())


def clock_text(at: float) -> str:
    """A moment (UTC seconds) as the log has it: local date and time to the second."""
    return f"{datetime.fromtimestamp(at, UTC).astimezone():%Y-%m-%d %H:%M:%S}"


def _shown(key: str, value: object) -> object:
    """Moments as people read them, in tables within a row, too."""
    if key.endswith("_at") and isinstance(value, int | float):
        return clock_text(value)
    if isinstance(value, dict):
        inner = (f"{name}: {_shown(name, each)}" for name, each in value.items() if name not in FOR_UNDO)
        return "{" + ", ".join(inner) + "}"
    if isinstance(value, list):
        return ",".join(str(_shown(key, each)) for each in value)
    if isinstance(value, str) and UUID.fullmatch(value):
        return value[:12]
    return value
