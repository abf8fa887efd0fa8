"""Moments and lengths of time given as options, read against the clock of one call."""

from __future__ import annotations

import re

from yolotui.errors import WrongUse
from yolotui.units import duration, moment

_TIME_OF_DAY = re.compile(r"\s*\d{1,2}:\d{2}\s*", re.ASCII)


def read_moment(text: str, name: str, now: float) -> float:
    """UTC seconds from what a person wrote under `name`. Raises WrongUse."""
    try:
        return moment(text, now)
    except ValueError as error:
        raise WrongUse(f"{name}: {error}.") from None


def read_length(text: str, name: str) -> float:
    """Seconds from `8h` or `1h30m`; below zero with a minus before it. Raises WrongUse."""
    try:
        return -duration(text[1:]) if text.startswith("-") else duration(text)
    except ValueError as error:
        raise WrongUse(f"{name}: {error}.") from None


def read_end(until: str | None, length: str | None, name: str, starts_at: float, now: float) -> float:
    """When a window ends that begins at `starts_at`: a bare time of day is the first such after that.

    Raises WrongUse unless exactly one of `until` and `length` (the option `name`) is given.
    """
    if (until is None) == (length is None):
        raise WrongUse(f'Say how long with {name} 8h, or until when with --until "06:00": one of both.')
    if until is None:
        assert length is not None
        return starts_at + read_length(length, name)
    return read_moment(until, "--until", max(starts_at, now) if _TIME_OF_DAY.fullmatch(until) else now)
