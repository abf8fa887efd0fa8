"""A TOML file as its writer sees it: values, the lines they stand on, and the mistakes found in it."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import Any

from yolotui.errors import WrongFile
from yolotui.jobfile.lines import Path as KeyPath
from yolotui.jobfile.lines import lines_of

LARGEST_BYTES = 8 * 1024**2


class Mistakes:
    """Collects what is wrong, to be told all at once. `place` turns a path of keys into words for people."""

    def __init__(self, place: Callable[[KeyPath], str], *, order: Callable[[KeyPath], int] = lambda _: 0) -> None:
        self._place = place
        self._order = order
        self._found: dict[str, int] = {}

    def add(self, path: KeyPath, message: str) -> None:
        """Note a mistake. The same one again (of a default that many jobs share) counts once."""
        self._found.setdefault(f"{self._place(path)}: {message}", self._order(path))

    @property
    def told(self) -> list[str]:
        """One line a mistake, from the first line of the file to the last."""
        return sorted(self._found, key=self._found.__getitem__)

    def __bool__(self) -> bool:
        return bool(self._found)


class Source:
    """A TOML file that was read. Raises WrongFile where it can't be read or is not TOML."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._text = _read(path)
        try:
            self.document: dict[str, Any] = tomllib.loads(self._text)
        except tomllib.TOMLDecodeError as error:
            raise WrongFile([_syntax(path, str(error))]) from None
        except (RecursionError, ValueError) as error:  # nested too deep; a number with too many digits
            raise WrongFile([f"{path}:1: this can't be read as TOML: {error}"]) from None

    @cached_property
    def _lines(self) -> dict[KeyPath, int]:
        try:
            return lines_of(self._text.replace("\r\n", "\n"))
        except RecursionError:  # nested as no person nests: every mistake is then on line 1
            return {}

    def line(self, path: KeyPath) -> int:
        """The line of a key, or of the nearest table around it that is written in the file."""
        while path and path not in self._lines:
            path = path[:-1]
        return self._lines.get(path, 1)

    def mistakes(self) -> Mistakes:
        """An empty collection that names places in this file."""
        return Mistakes(self._place, order=self.line)

    def _place(self, path: KeyPath) -> str:
        keys = ".".join(str(key) for key in path if isinstance(key, str) and key not in {"job", "defaults"})
        return f"{self.path}:{self.line(path)}" + (f": {keys}" if keys else "")


def _read(path: Path) -> str:
    try:
        with path.open("rb") as file:
            raw = file.read(LARGEST_BYTES + 1)
    except OSError as error:
        raise WrongFile([f"{path}: can't be read: {error.strerror or error}"]) from None
    if len(raw) > LARGEST_BYTES:
        raise WrongFile([f"{path}: is too big to be a file that a person wrote"])
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise WrongFile([f"{path}:{line}: this is not UTF-8 text"]) from None


def _syntax(path: Path, message: str) -> str:
    """tomllib says "… (at line 3, column 5)" or "… (at end of document)"."""
    match = re.fullmatch(r"(.*) \(at line (\d+), column \d+\)", message, re.DOTALL)
    if match is None:
        return f"{path}: this is not TOML: {message}"
    return f"{path}:{match[2]}: this is not TOML: {match[1]}"
