"""What makes trainings make room."""

from __future__ import annotations

from typing import Any

from yolotui.core.jobs import Notice


def notice(**options: Any) -> Notice:
    """A notice that is due at once."""
    given = {"given_at": 0.0, "due_at": 0.0, "why": "Job 99 goes first.", "for_job": 99, "loses_s": 120.0}
    return Notice(**{**given, **options})
