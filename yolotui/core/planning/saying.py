"""Counts and lengths of time, as sentences say them."""

from __future__ import annotations


def gpus_text(count: int) -> str:
    """A count of GPUs, as people say it."""
    return "1 GPU" if count == 1 else f"{count} GPUs"


def span(seconds: float) -> str:
    """A length of time as one or two units."""
    if seconds < 59.5:
        return f"{max(0, round(seconds))} s"
    minutes = round(seconds / 60)
    if minutes < 60:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02d} min" if hours < 48 else f"{hours // 24} d {hours % 24} h"


def size(count_bytes: int) -> str:
    """An amount of memory in GiB."""
    return f"{count_bytes / 1024**3:.3g} GiB"
