"""yolotui: a queue, a scheduler and a dashboard for YOLO trainings on one workstation."""

from __future__ import annotations

from typing import TYPE_CHECKING

__version__ = "0.1.0"
__all__ = ["JobSpec", "Kind", "Priority", "Queue", "__version__"]

if TYPE_CHECKING:
    from yolotui.core.jobs import JobSpec, Kind, Priority
    from yolotui.queue import Queue


def __getattr__(name: str) -> object:
    """Import the class only when it is used: `import yolotui` stays cheap."""
    if name == "Queue":
        from yolotui.queue import Queue

        return Queue
    if name in {"JobSpec", "Kind", "Priority"}:
        from yolotui.core import jobs

        return getattr(jobs, name)
    raise AttributeError(f"module 'yolotui' has no attribute {name!r}")
