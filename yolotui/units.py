"""Durations, sizes and clock times: as people write them, and as people read them. Pure."""

from __future__ import annotations

import re
from datetime import UTC, datetime, time, timedelta, tzinfo
from math import isfinite

SECONDS = {"w": 604800, "d": 86400, "h": 3600, "m": 60, "min": 60, "s": 1}
BYTES: dict[str, int] = {
    "B": 1,
    **{f"{letter}iB": 1024**power for power, letter in enumerate("KMGT", start=1)},
    **{f"{letter}B": 1000**power for power, letter in enumerate("KMGT", start=1)},
}
HOUR_S, DAY_S = 3600.0, 86400.0
GIB = 1024**3
LONGEST_S = 100 * 365 * DAY_S
LARGEST_BYTES = 2**63 - 1

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")

_TIME = re.compile(r"(\d{1,2}):(\d{2})", re.ASCII)
_DURATION_PART = re.compile(r"(\d{1,15}(?:\.\d{1,9})?)\s*([a-z]+)\s*", re.IGNORECASE | re.ASCII)
_SIZE = re.compile(r"(\d{1,20}(?:\.\d{1,9})?)\s*([a-z]+)", re.IGNORECASE | re.ASCII)


def duration(value: object) -> float:
    """Seconds from `"5m"`, `"1h30m"`, `"90s"` or a plain number of seconds. Raises ValueError with a sentence."""
    seconds = _seconds(value)
    if not (isfinite(seconds) and 0 <= seconds <= LONGEST_S):
        raise ValueError(f"{value!r} is not a possible duration")
    return seconds


def _seconds(value: object) -> float:
    complaint = ValueError(f'{value!r} is not a duration: write "90s", "5m", "1h30m" or a number of seconds')
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return float(min(value, 2 * LONGEST_S))
    if not isinstance(value, str):
        raise complaint
    text = value.strip()
    if re.fullmatch(r"\d{1,15}(\.\d{1,9})?", text, re.ASCII):
        return float(text)
    seconds, at = 0.0, 0
    while at < len(text):
        part = _DURATION_PART.match(text, at)
        unit = SECONDS.get(part[2].lower()) if part else None
        if part is None or unit is None:
            raise complaint
        seconds, at = seconds + float(part[1]) * unit, part.end()
    if not text:
        raise complaint
    return seconds


def size(value: object) -> int:
    """Bytes from `"10GiB"`, `"300MiB"`, `"10GB"` or a plain number of bytes. Raises ValueError with a sentence."""
    match value:
        case int() if not isinstance(value, bool):
            amount = int(value)
        case str() if parsed := _SIZE.fullmatch(value.strip()):
            amount = round(float(parsed[1]) * _unit_bytes(value, parsed[2]))
        case _:
            raise ValueError(f'{value!r} is not a size: write "10GiB", "300MiB" or a number of bytes')
    if not 0 <= amount <= LARGEST_BYTES:
        raise ValueError(f"{value!r} is not a possible size")
    return amount


def _unit_bytes(value: str, unit: str) -> int:
    by_folded = {name.lower(): factor for name, factor in BYTES.items()}
    if unit.lower() in by_folded:
        return by_folded[unit.lower()]
    if unit.upper() in {"K", "M", "G", "T"}:
        raise ValueError(f"{value!r} can be read in two ways: write {unit.upper()}iB (1024) or {unit.upper()}B (1000)")
    raise ValueError(f'{value!r} has an unknown unit {unit!r}: write "10GiB", "300MiB" or "10GB"')


def format_duration(seconds: float, *, parts: int | None = 2) -> str:
    """`"1h30m"`: the `parts` largest units from the first that counts, cut off and not rounded up; None gives all.

    With `parts=None` whole seconds survive the way back through `duration`.
    """
    if not isfinite(seconds):
        return "?"
    sign = "-" if seconds < 0 else ""
    rest = abs(seconds)
    if 0 < rest < 10 and rest != int(rest):
        return f"{sign}{rest:.1f}s"
    rest = int(rest)
    amounts: list[tuple[int, str]] = []
    for unit in ("d", "h", "m", "s"):
        amount, rest = divmod(rest, SECONDS[unit])
        if amount or amounts:
            amounts.append((int(amount), unit))
    shown = [f"{amount}{unit}" for amount, unit in amounts[:parts] if amount]
    return sign + "".join(shown) if shown else "0s"


def format_bytes(amount: float) -> str:
    """`"10.5 GiB"`: binary units, one decimal where it says something."""
    sign, rest = ("-", -amount) if amount < 0 else ("", amount)
    unit = "B"
    for bigger in ("KiB", "MiB", "GiB", "TiB"):
        if rest < 1023.95:
            break
        rest, unit = rest / 1024, bigger
    return f"{sign}{rest:.1f}".removesuffix(".0") + f" {unit}"


def moment(value: object, now: float, *, zone: tzinfo | None = None) -> float:
    """UTC seconds from a time as people say it at `now`, always one to come where no date is given.

    `"22:00"`, `"tomorrow 22:00"`, `"Wed 18:00"`, `"in 2h"`, `"now"`, `"2026-11-30 18:00"`, also with an offset. `zone`
    is the local time zone if None. Raises ValueError with a sentence.
    """
    text = " ".join(value.lower().split()) if isinstance(value, str) else ""
    if text == "now":
        return now
    try:
        if text.startswith("in "):
            return now + duration(text[3:])
        return _clock_time(text, now, zone) or _date_and_time(text, zone)
    except (ValueError, OverflowError, OSError):
        pass
    raise ValueError(
        f'{value!r} is not a time: write "22:00", "tomorrow 22:00", "Wed 18:00", "in 2h" or "2026-11-30 18:00"'
    )


def _clock_time(text: str, now: float, zone: tzinfo | None) -> float | None:
    """A time of day, with or without a word for the day; None if it is something else."""
    day, _, clock = text.rpartition(" ")
    parsed = _TIME.fullmatch(clock)
    if parsed is None or not (day in {"", "today", "tomorrow"} or _weekday(day) is not None):
        return None
    today = datetime.fromtimestamp(now, UTC).astimezone(zone).date()
    at = time(int(parsed[1]), int(parsed[2]))
    weekday = _weekday(day)
    ahead = 1 if day == "tomorrow" else 0 if weekday is None else (weekday - today.weekday()) % 7
    then = datetime.combine(today + timedelta(days=ahead), at, zone)
    if then.timestamp() <= now and day != "today":
        then += timedelta(days=1 if weekday is None else 7)
    return then.timestamp()


def _weekday(word: str) -> int | None:
    """0 for `mon`, `monday` and what lies between; None for any other word."""
    found = [number for number, name in enumerate(WEEKDAYS) if len(word) >= 3 and name.startswith(word)]
    return found[0] if found else None


def _date_and_time(text: str, zone: tzinfo | None) -> float:
    if not re.match(r"\d{4}-\d{2}-\d{2}[t ]", text, re.ASCII):
        raise ValueError(text)
    then = datetime.fromisoformat(text.upper())
    return (then if then.tzinfo else then.replace(tzinfo=zone)).timestamp()


def format_clock(at: float, now: float, *, zone: tzinfo | None = None) -> str:
    """When `at` (UTC seconds) is, as said at `now`: `"22:05"`, `"tomorrow 02:10"`, `"Mon 02:10"`, `"2026-11-30 02:10"`.

    `zone` is the local time zone if None.
    """
    then, today = (datetime.fromtimestamp(t, UTC).astimezone(zone) for t in (at, now))
    days = (then.date() - today.date()) // timedelta(days=1)
    if days == 0:
        return f"{then:%H:%M}"
    if days in {-1, 1}:
        return f"{'tomorrow' if days == 1 else 'yesterday'} {then:%H:%M}"
    if 1 < days < 7:
        return f"{then:%a %H:%M}"
    return format_moment(at, zone=zone)


def format_moment(at: float, *, zone: tzinfo | None = None) -> str:
    """`"2026-11-30 02:10"`: a moment (UTC seconds) in full, as `moment` reads it; `zone` is the local one if None."""
    return f"{datetime.fromtimestamp(at, UTC).astimezone(zone):%Y-%m-%d %H:%M}"


def format_weekday(at: float, *, zone: tzinfo | None = None) -> str:
    """`"Mon 02:10"`: a moment (UTC seconds) in a sentence that is kept, and read on another day than it was written.

    `zone` is the local time zone if None.
    """
    return f"{datetime.fromtimestamp(at, UTC).astimezone(zone):%a %H:%M}"
