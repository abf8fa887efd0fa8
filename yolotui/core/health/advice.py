"""Advice that can be done as it is written: numbers that people use, arguments that Ultralytics obeys."""

from __future__ import annotations

from yolotui.core.health.view import RunView

LOOK_AT_LABELS = "Look at the labels: `yolotui check DATA`"


def usual_batch(most: float, gpus: int = 1) -> int:
    """The largest usual batch of at most `most` images: for each card a multiple of 8, below that a power of two."""
    each = max(1, int(most) // gpus)
    return gpus * (each - each % 8 if each >= 8 else 2 ** (each.bit_length() - 1))


def gentler_rate(run: RunView) -> str:
    """A third of the highest learning rate so far, as arguments."""
    if str(run.settings.get("optimizer", "auto")) != "auto":
        lr0 = run.setting("lr0")
        return f"lr0={lr0 / 3:.1g}" if lr0 else "a smaller lr0"
    highest = max((lr for _, lr in run.known(lambda epoch: epoch.lr)), default=0.0)
    third = f"lr0={highest / 3:.1g}" if highest > 0 else "a smaller lr0"
    return f"{third} with the optimizer named (optimizer=auto ignores lr0)"
