"""Moments and lengths of time given as options, read against the clock of one call."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from yolotui.core.reporting import Period, bounds
from yolotui.errors import WrongUse
from yolotui.units import WEEKDAYS, duration, moment

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_BARE_NUMBER = re.compile(r"-?\d+(\.\d+)?", re.ASCII)
_TIME_OF_DAY = re.compile(r"\s*\d{1,2}:\d{2}\s*", re.ASCII)


def read_moment(text: str, name: str, now: float) -> float:
    """UTC seconds from what a person wrote under `name`. Raises WrongUse."""
    try:
        return moment(text, now)
    except ValueError as error:
        raise WrongUse(f"{name}: {error}.") from None


def read_past_moment(text: str, name: str, now: float) -> float:
    """UTC seconds of a time that has been, as people say it: the last such before `now`. Raises WrongUse.

    `yesterday 18:00`, `18:00`, `Mon 18:00`, `2026-11-30 18:00`, `8h` (ago), or where `yesterday`, `2026-11-30`,
    `today`, `night`, `week` begin.
    """
    said = " ".join(text.lower().split())
    if _BARE_NUMBER.fullmatch(said):
        raise WrongUse(f'{name}: {text!r} says no unit: write "18:00" for a time of day, "8h" for hours ago.')
    if said in list(Period):
        return bounds(Period(said), now)[0]
    try:
        return now - duration(said.removesuffix(" ago"))
    except ValueError:
        pass
    try:
        at = _last(said, now)
    except ValueError:
        raise WrongUse(
            f'{name}: {text!r} is not a time: write "yesterday 18:00", "18:00", "Mon 18:00", "8h", '
            "2026-11-30, yesterday, today, night, week."
        ) from None
    if at > now:
        raise WrongUse(f"{name}: {text!r} has not been yet.")
    return at


def _last(said: str, now: float) -> float:
    if said == "yesterday" or _DATE.fullmatch(said):
        said += " 00:00"
    day, _, clock = said.rpartition(" ")
    if day == "yesterday":
        return moment(f"today {clock}", _days_before(now, 1))
    is_clock = bool(_TIME_OF_DAY.fullmatch(said))
    at = moment(f"today {said}" if is_clock else said, now)
    if at > now and is_clock:
        return moment(f"today {said}", _days_before(now, 1))
    is_weekday = len(day) >= 3 and any(name.startswith(day) for name in WEEKDAYS)
    return moment(f"today {clock}", _days_before(at, 7)) if at > now and is_weekday else at


def _days_before(at: float, days: int) -> float:
    """About noon of the day so many before that of `at` in the calendar: some have 23 hours, some 25."""
    return (datetime.fromtimestamp(at, UTC).astimezone().replace(hour=12) - timedelta(days=days)).timestamp()


def read_length(text: str, name: str) -> float:
    """Seconds from `8h` or `1h30m`; below zero with a minus before it. Raises WrongUse, for a bare number, too."""
    if _BARE_NUMBER.fullmatch(text.strip()):
        raise WrongUse(f'{name}: {text!r} says no unit: write "{text.strip()}h" for hours, or m for minutes.')
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
