"""Reading [notify]: addresses, channels, quiet hours. Each raises ValueError with a sentence."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from yolotui.config import ChannelConfig, NotifyEvent
from yolotui.core.health import Severity
from yolotui.nearest import did_you_mean
from yolotui.units import duration

_HOURS = re.compile(r"(\d{1,2}):(\d{2})\s*-\s*(\d{1,2}):(\d{2})", re.ASCII)


def addresses(value: object) -> tuple[str, ...]:
    """Apprise URLs."""
    listed = value if isinstance(value, list) else [value]
    if not all(isinstance(address, str) and "://" in address for address in listed):
        raise ValueError(f'must be a list of addresses (["wecombot://…"]), not {value!r}')
    return tuple(listed)


def quiet_hours(value: object) -> str:
    """`"22:00-07:00"`: two times of the local day, over midnight where the second is earlier."""
    parsed = _HOURS.fullmatch(value.strip()) if isinstance(value, str) else None
    hours, minutes = ([int(part) for part in parsed.groups()[at::2]] for at in (0, 1)) if parsed else ([24], [0])
    begins_ends = [hour * 60 + minute for hour, minute in zip(hours, minutes, strict=True)]
    if max(hours) > 23 or max(minutes) > 59 or len(set(begins_ends)) < 2:
        raise ValueError(f'must be two times of the day ("22:00-07:00"), not {value!r}')
    return "-".join(f"{hour:02}:{minute:02}" for hour, minute in zip(hours, minutes, strict=True))


def messages(value: object) -> int:
    """How many messages."""
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= 10_000:
        raise ValueError(f"must be a whole number of messages from 1 to 10000, not {value!r}")
    return value


def channels(value: object) -> dict[str, ChannelConfig]:
    """[notify.channels.NAME] tables."""
    if not isinstance(value, dict):
        raise ValueError('must be tables, each a channel: [notify.channels.team] to = ["wecombot://…"]')
    return {str(name): _channel(str(name), table) for name, table in value.items()}


def _channel(name: str, table: object) -> ChannelConfig:
    if not isinstance(table, dict) or table.get("to", []) == []:
        raise ValueError(f'{name} must be a table that says to whom: to = ["wecombot://…"]')
    values: dict[str, Any] = {}
    for key, said in table.items():
        if key not in _CHANNEL_KEYS:
            raise ValueError(f"{name}: there is no key {key!r}{did_you_mean(key, _CHANNEL_KEYS)}")
        field, read = _CHANNEL_KEYS[key]
        try:
            values[field] = read(said)
        except ValueError as error:
            raise ValueError(f"{name}.{key} {error}") from error
    return ChannelConfig(**values)


def _events(value: object) -> tuple[NotifyEvent, ...]:
    listed = value if isinstance(value, list) else [value]
    if not listed:
        raise ValueError("is empty: leave it out to be told of every event")
    for word in listed:
        if word not in list(NotifyEvent):
            near = did_you_mean(word, list(NotifyEvent)) if isinstance(word, str) else ""
            raise ValueError(f"must be a list of {', '.join(NotifyEvent)}, not {word!r}{near}")
    return tuple(NotifyEvent(str(word)) for word in listed)


def _severity(value: object) -> Severity:
    if value not in list(Severity):
        raise ValueError(f"must be one of {', '.join(Severity)}, not {value!r}")
    return Severity(str(value))


def _names(value: object) -> tuple[str, ...]:
    listed = value if isinstance(value, list) else [value]
    if not all(isinstance(name, str) and name for name in listed):
        raise ValueError(f'must be a list of names (["anna"]), not {value!r}')
    return tuple(listed)


def _yes_or_no(value: object) -> bool:
    if not isinstance(value, bool):
        raise ValueError(f"must be true or false, not {value!r}")
    return value


_CHANNEL_KEYS: Mapping[str, tuple[str, Callable[[object], object]]] = {
    "to": ("to", addresses),
    "events": ("events", _events),
    "severity": ("severity", _severity),
    "owners": ("owners", _names),
    "quiet": ("quiet", quiet_hours),
    "digest": ("digest_s", duration),
    "per_hour": ("per_hour", messages),
    "details": ("details", _yes_or_no),
}

_WORDS: Mapping[str, Any] = {"type": "array", "items": {"type": "string"}}
CHANNELS_SCHEMA: Mapping[str, Any] = {
    "type": "object",
    "additionalProperties": {
        "type": "object",
        "additionalProperties": False,
        "required": ["to"],
        "properties": {
            "to": {"type": "array", "minItems": 1, "items": {"type": "string", "format": "uri"}},
            "events": {"type": "array", "minItems": 1, "items": {"enum": list(NotifyEvent)}},
            "severity": {"enum": list(Severity)},
            "owners": _WORDS,
            "quiet": {"type": "string"},
            "digest": {"type": ["string", "number"]},
            "per_hour": {"type": "integer", "minimum": 1},
            "details": {"type": "boolean"},
        },
    },
}
