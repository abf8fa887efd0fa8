"""Every sign that is not a letter, in two sets: Unicode, and plain ASCII for terminals that can't show it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Final


@dataclass(frozen=True)
class Glyphs:
    """A set of signs, each one cell wide.

    `bar` goes from empty to full, `spark` from lowest to highest. `braille` says that charts may use dots within a
    cell; without it each line is drawn with its own sign from `lines`.
    """

    states: Mapping[str, str]
    bar: str
    spark: str
    braille: bool
    lines: str
    mark: str
    folded: str
    cursor: str
    attention: str
    told: str
    free: str
    foreign: str
    lost: str
    excluded: str
    booked: str
    foreign_bar: str
    promised_bar: str
    separator: str
    times: str
    degree: str
    ellipsis: str
    none: str
    stroke: str

    def state(self, state: str) -> str:
        """The sign of a job's state."""
        return self.states.get(state, "?")

    def progress(self, fraction: float, width: int) -> tuple[str, str]:
        """A bar of `width` cells as its filled and its empty part."""
        steps = len(self.bar) - 1
        filled = round(min(1.0, max(0.0, fraction)) * width * steps)
        whole, part = divmod(filled, steps)
        full = self.bar[-1] * whole + (self.bar[part] if part else "")
        return full, self.bar[0] * (width - len(full))

    def sparkline(self, values: Sequence[float], width: int) -> str:
        """The newest `width` values in one row, highest to lowest of those shown; gaps where a value is not finite."""
        shown = values[-width:]
        finite = [value for value in shown if isfinite(value)]
        if not finite:
            return ""
        low, high = min(finite), max(finite)
        top = len(self.spark) - 1
        if high == low:
            return "".join(self.spark[top // 2] if isfinite(value) else " " for value in shown)
        scale = top / (high - low)
        return "".join(self.spark[round((value - low) * scale)] if isfinite(value) else " " for value in shown)


UNICODE: Final = Glyphs(
    states={
        "held": "◇",
        "waiting": "○",
        "starting": "◐",
        "running": "●",
        "pausing": "◑",
        "paused": "‖",
        "stopping": "▼",
        "succeeded": "✓",
        "failed": "✗",
        "cancelled": "⊘",
        "skipped": "↷",
        "unknown": "?",
    },
    bar="─╸━",
    spark="▁▂▃▄▅▆▇",
    braille=True,
    lines="",
    mark="◆",
    folded="▸",
    cursor="▌",
    attention="▲",
    told="✓",
    free="○",
    foreign="◆",
    lost="✗",
    excluded="⊘",
    booked="▣",
    foreign_bar="═",
    promised_bar="╍",
    separator="·",
    times="×",  # noqa: RUF001
    degree="°",
    ellipsis="…",
    none="–",  # noqa: RUF001
    stroke="│",
)

ASCII: Final = Glyphs(
    states={
        "held": "H",
        "waiting": ".",
        "starting": "^",
        "running": ">",
        "pausing": "~",
        "paused": "=",
        "stopping": "v",
        "succeeded": "+",
        "failed": "x",
        "cancelled": "-",
        "skipped": "/",
        "unknown": "?",
    },
    bar="-=#",
    spark="_.:-=+*#",
    braille=False,
    lines="*o+x",
    mark="*",
    folded="]",
    cursor="|",
    attention="!",
    told="+",
    free=".",
    foreign="%",
    lost="x",
    excluded="/",
    booked="&",
    foreign_bar="%",
    promised_bar=":",
    separator="|",
    times="x",
    degree="",
    ellipsis="~",
    none="-",
    stroke="|",
)
