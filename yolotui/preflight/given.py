"""Arguments of a training as numbers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import overload

from yolotui.core.jobs import Argument


@overload
def number(given: Mapping[str, Argument], name: str) -> float | None: ...


@overload
def number(given: Mapping[str, Argument], name: str, default: float) -> float: ...


def number(given: Mapping[str, Argument], name: str, default: float | None = None) -> float | None:
    """The number that was given; the default for an argument that was left out, or is no number."""
    value = given.get(name)
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else default
