"""A stand-in for Ultralytics under the real runner: epochs of milliseconds, and everything else as it really behaves.

Rows before checkpoints, saves through `write_bytes`, data workers that outlive their parent, a resume that refuses
what is damaged. $DOUBLE_BATCH_S is the length of a batch. $DOUBLE_NAIVE=1 saves past `write_bytes`, in two halves, as
a version would that the runner's atomic saves don't reach.
"""

from __future__ import annotations

import sys
from typing import Any

from ultralytics.engine.model import YOLO

__version__ = "8.4.190"
__all__ = ["YOLO", "settings"]

settings: dict[str, Any] = {}

# A save waits half a second for the disk, which is nothing beside an epoch, unless that lasts milliseconds.
if durable := sys.modules.get("yolotui_runner.durable"):
    durable.COMPANIONS_WRITTEN_AFTER_S = 0.01  # type: ignore[attr-defined]
