"""The keys of a job: how each value is read. A reader raises ValueError with what is wrong, in people's words."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import date, datetime, time
from math import isfinite
from typing import Any

from yolotui.core.jobs import AFTER_FIELDS, AfterMode, Kind, Priority
from yolotui.nearest import did_you_mean
from yolotui.units import duration, moment, size

MOST_GPUS = 1024
MOST_RETRIES = 1000
OWNED_VARIABLES = re.compile(r"CUDA_VISIBLE_DEVICES|CUDA_DEVICE_ORDER|YOLO_CONFIG_DIR|YOLOTUI_\w*")


def _shown(value: object) -> str:
    said = str(value).lower() if isinstance(value, bool) else repr(value)
    return said if len(said) <= 60 else said[:59] + "…"


def text(value: object) -> str:
    """A text that can be a path or a word: not empty, no NUL."""
    if not isinstance(value, str):
        raise ValueError(f"must be a text in quotes, not {_shown(value)}")
    if not value.strip() or "\0" in value:
        raise ValueError("must not be empty" if not value.strip() else "must not have a NUL character")
    return value


def name(value: object) -> str:
    """A name that can be told from an id, a range or a group, and that placeholders can hold."""
    word = text(value).strip()
    if not word.isprintable() or len(word) > 200:
        raise ValueError("must be one line of at most 200 printable characters")
    if re.fullmatch(r"[\d\s,-]+", word):
        raise ValueError(f"{word!r} looks like an id or a range of ids: put a letter into it")
    if word.startswith("@") or set(word) & set("{}"):
        raise ValueError(f"{word!r} must not start with @ nor have {{ or }} in it")
    return word


def flag(value: object) -> bool:
    """True or false."""
    if not isinstance(value, bool):
        raise ValueError(f"must be true or false, not {_shown(value)}")
    return value


def whole(least: int, most: int) -> Callable[[object], int]:
    """A reader of whole numbers within bounds."""

    def read(value: object) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            raise ValueError(f"must be a whole number from {least} to {most}, not {_shown(value)}")
        return value

    return read


def priority(value: object) -> Priority:
    """`"P0"` … `"P3"`."""
    said = str(value).strip().upper()
    if said not in Priority.__members__:
        raise ValueError(f'must be "P0", "P1", "P2" or "P3", not {_shown(value)}')
    return Priority[said]


def kind(value: object) -> Kind:
    """The name of a kind."""
    if not isinstance(value, str) or value not in set(Kind):
        meant = did_you_mean(value, [kind.value for kind in Kind]) if isinstance(value, str) else ""
        raise ValueError(f"must be one of {', '.join(Kind)}, not {_shown(value)}{meant}")
    return Kind(value)


def names(value: object) -> tuple[str, ...]:
    """One name or a list of names, each once."""
    listed = value if isinstance(value, (list, tuple)) else [value]
    said = [each.strip() for each in listed if isinstance(each, str)]
    if len(said) != len(listed) or not all(said):
        raise ValueError(f"must be a name or a list of names in quotes, not {_shown(value)}")
    return tuple(dict.fromkeys(said))


def after(value: object) -> dict[str, AfterMode]:
    """`["a", "b"]`: all succeed; or `{ all = […], any = […], finished = […], failed = […] }`. Each name once."""
    if not isinstance(value, dict):
        return dict.fromkeys(names(value), "all")
    modes: dict[str, AfterMode] = {}
    if unknown := [key for key in value if key not in AFTER_FIELDS]:
        said = ", ".join(f"{key!r}{did_you_mean(key, AFTER_FIELDS)}" for key in unknown)
        raise ValueError(f"has {', '.join(AFTER_FIELDS)}, not {said}")
    for mode in AFTER_FIELDS:
        for each in names(value.get(mode, [])):
            if modes.setdefault(each, mode) != mode:
                raise ValueError(f"{each!r} stands under {modes[each]} and under {mode}: one is enough")
    return modes


def gpu_model(value: object) -> str:
    """A part of a GPU model's name."""
    if isinstance(value, int):
        raise ValueError('must be a part of a model\'s name ("A100"); how many is gpus = 2')
    return text(value).strip()


def gpu_names(value: object) -> tuple[str, ...]:
    """GPUs by index, UUID or a part of the model's name: one or a list, each once."""
    listed = value if isinstance(value, (list, tuple)) else [value]
    said = [str(each).strip() for each in listed if isinstance(each, (int, str)) and not isinstance(each, bool)]
    if len(said) != len(listed) or not all(said):
        raise ValueError(f'must be GPUs by index, UUID or model: [0, "A100"], not {_shown(value)}')
    return tuple(dict.fromkeys(said))


def stretch(value: object) -> float:
    """Seconds that a job is thought to take, or may take; a second at least."""
    seconds = duration(value)
    if seconds < 1:
        raise ValueError(f'{_shown(value)} is less than a second: write "2h"')
    return seconds


def kept_epochs(value: object) -> int | tuple[int, ...]:
    """`10`: every tenth epoch; `[10, 20, 40, 80]`: these. Epochs count from 1."""
    if isinstance(value, int) and not isinstance(value, bool) and value >= 1:
        return value
    listed = value if isinstance(value, (list, tuple)) else ()
    if not listed or any(isinstance(each, bool) or not isinstance(each, int) or each < 1 for each in listed):
        raise ValueError(f"must be a number of epochs (10) or a list of epochs ([10, 20, 40]), not {_shown(value)}")
    return tuple(sorted(set(listed)))


def command(value: object) -> tuple[str, ...]:
    """An argument list, or a text that is split as a shell splits words (and run without a shell)."""
    if isinstance(value, str):
        try:
            words: list[Any] = shlex.split(value)
        except ValueError as error:
            raise ValueError(f"can't be split into words: {str(error).lower()}") from None
    elif isinstance(value, (list, tuple)) and all(isinstance(word, str) for word in value):
        words = list(value)
    else:
        raise ValueError('must be a text or a list of texts: ["python", "deploy.py", "--epochs", "3"]')
    if not words or not words[0].strip():
        raise ValueError("must name a command")
    if any("\0" in word for word in words):
        raise ValueError("must not have a NUL character")
    return tuple(words)


def variables(value: object) -> dict[str, str]:
    """Environment variables: a table of texts."""
    if not isinstance(value, dict):
        raise ValueError(f'must be a table of texts: {{ NAME = "value" }}, not {_shown(value)}')
    for key, each in value.items():
        if not isinstance(each, str):
            raise ValueError(f'{key} must be a text in quotes: {key} = "{each}"')
        if not key or "=" in key or "\0" in key + each:
            raise ValueError(f"{key!r} can't be the name of a variable with that value")
        if OWNED_VARIABLES.fullmatch(key):
            raise ValueError(f"{key} is yolotui's own: it gives each job its GPUs and directories")
    return dict(value)


def variable_names(value: object) -> tuple[str, ...]:
    """Names of environment variables: one or a list, each once."""
    said = names(value)
    if wrong := [each for each in said if "=" in each or "\0" in each]:
        raise ValueError(f"takes names alone, their values are those of your shell: not {_shown(wrong[0])}")
    return said


def deadline(value: object) -> str:
    """A time of day or a date and time: TOML's own, or as text. Given back as text: it counts from the submission."""
    if isinstance(value, datetime):
        return value.isoformat(timespec="minutes")
    if isinstance(value, time):
        return f"{value:%H:%M}"
    if isinstance(value, str):
        said = value.strip()
        if re.fullmatch(r"([01]?\d|2[0-3]):[0-5]\d", said, re.ASCII):
            return said.zfill(5)
        with suppress(ValueError):
            moment(said, 0.0)  # whether it is a time: from when it counts is of no matter here
            return said
    example = ", not a date alone" if isinstance(value, date) else f", not {_shown(value)}"
    raise ValueError(f'must be a time ("08:00") or a date and time ("2026-12-24T08:00"){example}')


def _vram(value: object) -> int:
    amount = size(value)
    if amount < 1024**2:
        raise ValueError(f'{_shown(value)} is less than a MiB: write "10GiB"')
    return amount


READERS: Mapping[str, Callable[[object], Any]] = {
    "name": name,
    "kind": kind,
    "group": name,
    "model": text,
    "data": text,
    "run": command,
    "priority": priority,
    "gpus": whole(0, MOST_GPUS),
    "vram": _vram,
    "gpu": gpu_model,
    "avoid": gpu_names,
    "prefer": gpu_names,
    "estimate": stretch,
    "time_limit": stretch,
    "keep": kept_epochs,
    "after": after,
    "when": names,
    "retries": whole(0, MOST_RETRIES),
    "retry_delay": duration,
    "preemptible": flag,
    "deadline": deadline,
    "hold": flag,
    "python": text,
    "cwd": text,
    "env": variables,
    "keep_env": variable_names,
}
"""Every key of a job but Ultralytics' own arguments."""

_FIELDS = {
    "retry_delay": "retry_delay_s",
    "vram": "vram_bytes",
    "gpu": "gpu_model",
    "estimate": "estimate_s",
    "time_limit": "time_limit_s",
}

NOT_IN_DEFAULTS = frozenset({"name", "kind", "run", "after", "when"})
"""What belongs to one job alone."""


def spec_field(key: str) -> str:
    """The field in which a spec keeps what a key says: it names its unit, the key does not."""
    return _FIELDS.get(key, key)


def argument_complaint(value: object) -> str | None:
    """Why a TOML value can't be handed to Ultralytics at all, if so."""
    match value:
        case bool() | str() | None:
            return None
        case int():
            return None if abs(value) < 2**63 else "is too big a number"
        case float():
            return None if isfinite(value) else "must be a finite number"
        case list():
            return next(filter(None, map(argument_complaint, value)), None)
        case dict():
            return next(filter(None, map(argument_complaint, value.values())), None)
    return f"must not be a date or a time: {_shown(str(value))}"
