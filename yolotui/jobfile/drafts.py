"""A table of a file of jobs, read key by key: what was given and where, before defaults are put under it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from yolotui import ultralytics_args
from yolotui.core.jobs import Kind
from yolotui.jobfile.fields import NOT_IN_DEFAULTS, READERS, argument_complaint
from yolotui.jobfile.lines import Path
from yolotui.jobfile.source import Mistakes
from yolotui.nearest import did_you_mean

TABLES = {kind.value: kind for kind in Kind if kind is not Kind.COMMAND}
"""The tables of arguments, which choose the kind of a job."""


class Given(NamedTuple):
    """A value and the place that it was written at."""

    value: Any
    path: Path


@dataclass
class Draft:
    """A job's or the defaults' own keys: yolotui's, bare Ultralytics arguments, and tables of arguments by kind.

    `written` are all keys that stand there, those with wrong values too.
    """

    path: Path
    written: frozenset[str] = frozenset()
    fields: dict[str, Given] = field(default_factory=dict)
    bare: dict[str, Given] = field(default_factory=dict)
    tables: dict[Kind, dict[str, Given]] = field(default_factory=dict)

    def get(self, key: str, default: Any = None) -> Any:
        """The value of one of yolotui's keys."""
        return self.fields[key].value if key in self.fields else default

    def place(self, key: str) -> Path:
        """Where a key was written; where the job begins, if it was not."""
        return self.fields[key].path if key in self.fields else (*self.path, key)


def draft(table: Mapping[str, Any], path: Path, mistakes: Mistakes, *, is_defaults: bool = False) -> Draft:
    """Read one table; what is wrong with single keys goes to `mistakes`."""
    read = Draft(path, frozenset(table))
    for key, value in table.items():
        at = (*path, key)
        if key in TABLES and isinstance(value, dict):
            read.tables[TABLES[key]] = dict(_arguments(value, at, mistakes))
        elif key in READERS:
            if is_defaults and key in NOT_IN_DEFAULTS:
                mistakes.add(at, "belongs to one job, not to the defaults")
                continue
            try:
                read.fields[key] = Given(READERS[key](value), at)
            except ValueError as error:
                mistakes.add(at, str(error))
        elif key in ultralytics_args.arguments() or key in ultralytics_args.OWNED:
            read.bare |= dict(_arguments({key: value}, path, mistakes))
        elif key in TABLES:
            mistakes.add(at, f"must be a table of arguments: {key} = {{ … }}")
        else:
            mistakes.add(at, f"there is no such key{_meant(key)}")
    return read


def _meant(key: str) -> str:
    allowed = ultralytics_args.arguments().keys() - ultralytics_args.OWNED.keys()
    return did_you_mean(key, [*READERS, *TABLES]) or did_you_mean(key, sorted(allowed))


def _arguments(table: Mapping[str, Any], path: Path, mistakes: Mistakes) -> Iterator[tuple[str, Given]]:
    for key, value in table.items():
        if complaint := argument_complaint(value):
            mistakes.add((*path, key), complaint)
        else:
            yield key, Given(value, (*path, key))
