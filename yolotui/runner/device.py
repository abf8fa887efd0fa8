"""The `device` argument that keeps a training on its own GPUs, whichever Ultralytics is installed.

The scheduler gives the GPUs by UUID in CUDA_VISIBLE_DEVICES. Since 8.4.120 Ultralytics reads `device` as indices
within them. Before, `select_device` overwrites the variable with the given text: `device=0` would mean GPU 0 of the
machine, perhaps somebody else's (and a UUID is spoilt: the text is lower-cased).
"""

from __future__ import annotations

import re

INDICES_ARE_RELATIVE_SINCE = (8, 4, 120)


def device_argument(version: str, gpus: int, *, cpu: bool) -> str:
    """What to pass as `device`: "cpu", indices within our GPUs, or "" for an older version with one GPU.

    "" leaves the variable alone and takes the first visible GPU. Several GPUs must be listed in any version, since
    Ultralytics counts the ranks by them; see `needs_anchor`.
    """
    if cpu:
        return "cpu"
    if gpus <= 1 and not relative_indices(version):
        return ""
    return ",".join(str(index) for index in range(max(gpus, 1)))


def needs_anchor(version: str, gpus: int, *, cpu: bool) -> bool:
    """Must CUDA be initialised before Ultralytics sees `device`?

    The driver reads CUDA_VISIBLE_DEVICES once; what an older version writes into it afterwards changes nothing.
    """
    return not cpu and gpus > 1 and not relative_indices(version)


def relative_indices(version: str) -> bool:
    """Does this version take `device` as indices within CUDA_VISIBLE_DEVICES?"""
    numbers = tuple(int(number) for number in re.findall(r"\d+", version)[:3])
    return numbers >= INDICES_ARE_RELATIVE_SINCE
