"""Reading the configuration file, with every mistake told at once; and its JSON schema, for editors."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
from msgspec import Struct

from yolotui.config import (
    BookingsConfig,
    Config,
    CostsConfig,
    GpusConfig,
    KeepConfig,
    LimitsConfig,
    NotifyConfig,
    NotifyEvent,
    PathsConfig,
    QueueConfig,
    QuotaConfig,
    QuotasConfig,
    SchedulingConfig,
    UiConfig,
)
from yolotui.config_notify import CHANNELS_SCHEMA, addresses, channels, messages, quiet_hours
from yolotui.errors import WrongFile
from yolotui.jobfile.lines import Path as KeyPath
from yolotui.jobfile.source import Mistakes, Source
from yolotui.nearest import did_you_mean
from yolotui.units import DAY_S, duration, size


class _Setting(NamedTuple):
    """A key: how its value is read (ValueError with a sentence), its schema, and its field if that has another name."""

    read: Callable[[Any], Any]
    schema: Mapping[str, Any]
    field: str | None = None


def _one_of(*words: str) -> _Setting:
    def choose(value: object) -> str:
        if value not in words:
            near = did_you_mean(value, words) if isinstance(value, str) else ""
            raise ValueError(f"must be one of {', '.join(words)}, not {value!r}{near}")
        return str(value)

    return _Setting(choose, {"enum": list(words)})


def _text(value: object) -> str:
    if not isinstance(value, str) or not value.strip() or "\0" in value:
        raise ValueError(f"must be a text in quotes, not {value!r}")
    return value


def _directory(value: object) -> str:
    try:
        path = Path(_text(value)).expanduser()
    except RuntimeError:  # ~nobody
        path = Path(_text(value))
    if not path.is_absolute():
        raise ValueError(f'must be an absolute path ("/data/runs", "~/runs"), not {value!r}')
    return str(path)


def _cards(value: object) -> tuple[int, ...]:
    cards = value if isinstance(value, list) else [value]
    for card in cards:
        if isinstance(card, bool) or not isinstance(card, int) or not 0 <= card < 1024:
            raise ValueError(f"must be a list of GPU numbers as nvidia-smi shows them ([0, 1]), not {value!r}")
    return tuple(dict.fromkeys(cards))


def _degrees(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 40 <= value <= 120:
        raise ValueError(f"must be a whole number of °C from 40 to 120, not {value!r}")
    return value


def _tenants(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= 8:
        raise ValueError(f"must be a whole number of jobs from 1 to 8, not {value!r}")
    return value


def _price(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 10**6:
        raise ValueError(f"must be a price: a number from 0 on, not {value!r}")
    return float(value)


def _quota(value: object) -> QuotaConfig:
    if not isinstance(value, dict):
        raise ValueError(f"must be a table: {{ gpus = 2, gpu_hours = 40 }}, not {value!r}")
    for key, limit in value.items():
        if key not in QuotaConfig.__struct_fields__:
            raise ValueError(f"there is no quota {key!r}{did_you_mean(key, QuotaConfig.__struct_fields__)}")
        is_number = isinstance(limit, int if key == "gpus" else int | float) and not isinstance(limit, bool)
        if not is_number or not 0 <= limit <= 10**9:
            raise ValueError(f"{key} must be a number of {'GPUs' if key == 'gpus' else 'hours'}, not {limit!r}")
    return QuotaConfig(**value)


def _quotas(value: object) -> dict[str, QuotaConfig]:
    if not isinstance(value, dict):
        raise ValueError("must be a table of names, each with its quota: { anna = { gpus = 2 } }")
    return {str(name): _quota(quota) for name, quota in value.items()}


def _refresh(value: object) -> float:
    seconds = duration(value)
    if not 0.1 <= seconds <= 60:
        raise ValueError(f"must be from 0.1 to 60 seconds, not {value!r}")
    return seconds


def _patience(value: object) -> float:
    seconds = duration(value)
    if seconds < 60:
        raise ValueError(f"must be a minute at least, not {value!r}")
    return seconds


def _keeping_time(value: object) -> float:
    seconds = duration(value)
    if seconds < DAY_S:
        raise ValueError(f"must be a day at least, not {value!r}")
    return seconds


def _log_size(value: object) -> int:
    amount = size(value)
    if amount < 1024**2:
        raise ValueError(f"must be 1MiB at least, not {value!r}")
    return amount


_CARDS_SCHEMA = {"type": "array", "items": {"type": "integer", "minimum": 0}}
_QUOTAS_SCHEMA = {
    "type": "object",
    "additionalProperties": {
        "type": "object",
        "additionalProperties": False,
        "properties": {"gpus": {"type": "integer", "minimum": 0}, "gpu_hours": {"type": "number", "minimum": 0}},
    },
}
_ADDRESSES = _Setting(addresses, {"type": "array", "items": {"type": "string", "format": "uri"}})

_SECTIONS: Mapping[str, tuple[type[Struct], Mapping[str, _Setting]]] = {
    "queue": (QueueConfig, {"confirm": _one_of("always", "marked", "never")}),
    "paths": (PathsConfig, {"runs": _Setting(_directory, {"type": "string"})}),
    "gpus": (
        GpusConfig,
        {
            "use": _Setting(_cards, _CARDS_SCHEMA),
            "exclude": _Setting(_cards, _CARDS_SCHEMA),
            "ignore_below": _Setting(size, {"type": ["string", "integer"]}, "ignore_below_bytes"),
            "too_hot": _Setting(_degrees, {"type": "integer", "minimum": 40, "maximum": 120}, "too_hot_c"),
        },
    ),
    "scheduling": (
        SchedulingConfig,
        {
            "preemption": _one_of("never", "queue", "evict"),
            "notice": _Setting(duration, {"type": ["string", "number"]}, "notice_s"),
            "checkpoint_wait": _Setting(duration, {"type": ["string", "number"]}, "checkpoint_wait_s"),
            "tenants": _Setting(_tenants, {"type": "integer", "minimum": 1, "maximum": 8}),
            "mode": _one_of("balanced", "throughput"),
            "preflight": _one_of("hold", "warn", "off"),
        },
    ),
    "bookings": (
        BookingsConfig,
        {
            "smallest": _Setting(duration, {"type": ["string", "number"]}, "smallest_s"),
            "expires": _Setting(duration, {"type": ["string", "number"]}, "expires_s"),
        },
    ),
    "quotas": (
        QuotasConfig,
        {"owners": _Setting(_quotas, _QUOTAS_SCHEMA), "groups": _Setting(_quotas, _QUOTAS_SCHEMA)},
    ),
    "limits": (
        LimitsConfig,
        {
            "stall": _Setting(_patience, {"type": ["string", "number"]}, "stall_s"),
            "log": _Setting(_log_size, {"type": ["string", "integer"]}, "log_bytes"),
        },
    ),
    "keep": (
        KeepConfig,
        {
            "runs": _Setting(_keeping_time, {"type": ["string", "number"]}, "runs_s"),
            "checkpoints": _Setting(_keeping_time, {"type": ["string", "number"]}, "checkpoints_s"),
        },
    ),
    "notify": (
        NotifyConfig,
        {
            **dict.fromkeys(NotifyEvent, _ADDRESSES),
            "channels": _Setting(channels, CHANNELS_SCHEMA),
            "quiet": _Setting(quiet_hours, {"type": "string"}),
            "digest": _Setting(duration, {"type": ["string", "number"]}, "digest_s"),
            "per_hour": _Setting(messages, {"type": "integer", "minimum": 1}),
        },
    ),
    "costs": (
        CostsConfig,
        {
            "kwh": _Setting(_price, {"type": "number", "minimum": 0}),
            "gpu_hour": _Setting(_price, {"type": "number", "minimum": 0}),
            "currency": _Setting(_text, {"type": "string"}),
        },
    ),
    "ui": (
        UiConfig,
        {
            "theme": _Setting(_text, {"type": "string"}),
            "refresh": _Setting(_refresh, {"type": "number", "minimum": 0.1, "maximum": 60}, "refresh_s"),
        },
    ),
}


def read(file: Path) -> Config:
    """Read one configuration file. Raises WrongFile with every mistake: `FILE:LINE: key: what is wrong`."""
    if file.exists() and not file.is_file():  # to open a pipe would mean to wait, in every verb and in the leader
        raise WrongFile([f"{file}: is no file: a folder, a pipe or a device"])
    source = Source(file)
    mistakes = source.mistakes()
    sections: dict[str, Any] = {}
    for name, table in source.document.items():
        if name not in {*_SECTIONS, "keys"}:
            near = did_you_mean(name, [*_SECTIONS, "keys"])
            mistakes.add((name,), f"there is no such section{near}")
        elif not isinstance(table, dict):
            mistakes.add((name,), f"must be a section: [{name}]")
        elif name == "keys":
            sections[name] = _keys(table, mistakes)
        else:
            sections[name] = _section(name, table, mistakes)
    if mistakes:
        raise WrongFile(mistakes.told)
    return Config(**sections)


def _section(name: str, table: Mapping[str, Any], mistakes: Mistakes) -> Struct:
    made, settings = _SECTIONS[name]
    values = {}
    for key, value in table.items():
        path: KeyPath = (name, key)
        setting = settings.get(key)
        if setting is None:
            mistakes.add(path, f"there is no such key{did_you_mean(key, settings)}")
            continue
        try:
            values[setting.field or key] = setting.read(value)
        except ValueError as error:
            mistakes.add(path, str(error))
    if name == "gpus" and {"use", "exclude"} <= table.keys():
        mistakes.add((name, "exclude"), "say use or exclude, not both")
    return made(**values)


def _keys(table: Mapping[str, Any], mistakes: Mistakes) -> dict[str, str]:
    for action, key in table.items():
        if not isinstance(key, str) or not key.strip():
            mistakes.add(("keys", action), f'must be the name of a key ("x", "ctrl+k"), not {key!r}')
    return dict(table)


def schema() -> dict[str, Any]:
    """A JSON schema (2020-12) of config.toml, for editors."""
    properties: dict[str, Any] = {
        name: {
            "type": "object",
            "description": made.__doc__,
            "additionalProperties": False,
            "properties": {key: _with_default(setting, key, made()) for key, setting in settings.items()},
        }
        for name, (made, settings) in _SECTIONS.items()
    }
    properties["keys"] = {
        "type": "object",
        "description": "[keys] Keys of the dashboard by the name of their action.",
        "additionalProperties": {"type": "string"},
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "yolotui configuration",
        "type": "object",
        "additionalProperties": False,
        "properties": properties,
    }


def _with_default(setting: _Setting, key: str, defaults: Struct) -> dict[str, Any]:
    default = msgspec.to_builtins(getattr(defaults, setting.field or key))
    return {**setting.schema} if default is None else {**setting.schema, "default": default}
