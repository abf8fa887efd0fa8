"""What `$YOLOTUI_GPUS` may say: read by who opens the devices, and by who would start a scheduler that must."""

from __future__ import annotations

import re
from typing import NamedTuple

from yolotui.errors import WrongUse

SELECTOR = "YOLOTUI_GPUS"
MOST_DEVICES = 64

_SIMULATED = re.compile(r"sim:(?P<count>\d+)x(?P<gib>\d+(?:\.\d+)?)GiB", re.IGNORECASE)
_CPU = re.compile(r"cpu:(?P<count>\d+)", re.IGNORECASE)


class Selection(NamedTuple):
    """So many simulated GPUs with so much memory each; without memory so many CPU slots."""

    devices: int
    memory_bytes: int | None = None


def read_selector(text: str | None) -> Selection | None:
    """`sim:4x24GiB`, `cpu:2`; None for nothing: the cards of the machine. Raises WrongUse for anything else."""
    selector = (text or "").strip()
    if not selector:
        return None
    if match := _SIMULATED.fullmatch(selector):
        return Selection(_count(match["count"], selector), int(float(match["gib"]) * 1024**3))
    if match := _CPU.fullmatch(selector):
        return Selection(_count(match["count"], selector))
    raise WrongUse(
        f"{SELECTOR}={selector!r} names no devices: write sim:4x24GiB for four simulated GPUs, cpu:2 for two CPU "
        "slots, or leave it out for the NVIDIA cards of this machine."
    )


def _count(text: str, selector: str) -> int:
    if 1 <= (count := int(text)) <= MOST_DEVICES:
        return count
    raise WrongUse(f"{SELECTOR}={selector!r}: the number of devices is from 1 to {MOST_DEVICES}.")
