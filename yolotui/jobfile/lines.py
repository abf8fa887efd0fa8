"""Which line of a TOML text a key stands on: tomllib doesn't say.

The text has been accepted by tomllib before, so this scanner only has to find its way, not to judge.
"""

from __future__ import annotations

import re
from typing import TypeAlias

Path: TypeAlias = tuple[str | int, ...]
"""Where a value is: keys, and positions in arrays of tables: `("job", 0, "train", "imgsz")`."""

_BLANK = re.compile(r"(?:[ \t\r\n]+|#[^\n]*)*")
_SPACE = re.compile(r"[ \t]*")
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
_STRING = re.compile(
    r'"""(?:[^\\]|\\.)*?"""(?:"{0,2}(?!"))|' r"'''.*?'''(?:'{0,2}(?!'))|" r'"(?:[^"\\\n]|\\.)*"|' r"'[^'\n]*'",
    re.DOTALL,
)
# Most pairs are as simple as this, and a file may have thousands.
_SIMPLE_PAIR = re.compile(r"""([A-Za-z0-9_-]+)[ \t]*=[ \t]*(?:"[^"\\\n]*"(?!")|[^\s"'\[{#,}\]][^\n#,}\]]*)""")
_SCALAR = re.compile(r"[^,\]}\n#]*")


def lines_of(text: str) -> dict[Path, int]:
    """Every table and key of a valid TOML text, with the line (from 1) on which it first stands."""
    return _Scanner(text).scan()


class _Scanner:
    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._lines: dict[Path, int] = {}
        self._array_lengths: dict[Path, int] = {}
        self._counted_to, self._line = 0, 1

    def scan(self) -> dict[Path, int]:
        table: Path = ()
        self._skip(_BLANK)
        while self._at < len(self._text):
            if self._text[self._at] == "[":
                table = self._header()
            else:
                self._pair(table)
            self._skip(_BLANK)
        return self._lines

    def _header(self) -> Path:
        """`[table]` or `[[array of tables]]`: the path that the keys below it belong to."""
        line = self._line_here()
        is_array = self._text.startswith("[[", self._at)
        self._at += 2 if is_array else 1
        keys = self._keys()
        self._at += 2 if is_array else 1
        path = self._entered(keys[:-1], line)
        if is_array:
            path = (*path, keys[-1])
            self._note(path, line)
            length = self._array_lengths.get(path, 0)
            self._array_lengths[path] = length + 1
            path = (*path, length)
        else:
            path = self._entered(keys, line)
        self._note(path, line)
        return path

    def _entered(self, keys: list[str], line: int) -> Path:
        """A header's keys as a path: what names an array of tables means its newest one."""
        path: Path = ()
        for key in keys:
            path = (*path, key)
            self._note(path, line)
            if length := self._array_lengths.get(path):
                path = (*path, length - 1)
        return path

    def _pair(self, table: Path) -> None:
        line = self._line_here()
        if simple := _SIMPLE_PAIR.match(self._text, self._at):
            self._note((*table, simple[1]), line)
            self._at = simple.end()
            return
        path = table
        for key in self._keys():
            path = (*path, key)
            self._note(path, line)
        self._at += 1  # the equals sign
        self._skip(_SPACE)
        self._value(path)

    def _keys(self) -> list[str]:
        keys = []
        while True:
            self._skip(_SPACE)
            pattern = _STRING if self._text[self._at] in "\"'" else _BARE_KEY
            key = self._take(pattern)
            keys.append(_unquoted(key))
            self._skip(_SPACE)
            if not self._text.startswith(".", self._at):
                return keys
            self._at += 1

    def _value(self, path: Path) -> None:
        first = self._text[self._at]
        if first in "\"'":
            self._take(_STRING)
        elif first in "[{":
            self._inside(path, closing="]" if first == "[" else "}")
        else:
            self._take(_SCALAR)

    def _inside(self, path: Path, *, closing: str) -> None:
        """An array's values or an inline table's pairs, to the closing bracket."""
        self._at += 1
        position = 0
        while True:
            self._skip(_BLANK)
            if self._text[self._at] == closing:
                self._at += 1
                return
            if self._text[self._at] == ",":
                self._at += 1
            elif closing == "}":
                self._pair(path)
            else:
                self._note((*path, position), self._line_here())
                self._value((*path, position))
                position += 1

    def _note(self, path: Path, line: int) -> None:
        self._lines.setdefault(path, line)

    def _line_here(self) -> int:
        self._line += self._text.count("\n", self._counted_to, self._at)
        self._counted_to = self._at
        return self._line

    def _skip(self, pattern: re.Pattern[str]) -> None:
        self._take(pattern)

    def _take(self, pattern: re.Pattern[str]) -> str:
        match = pattern.match(self._text, self._at)
        assert match, f"not TOML at character {self._at}"
        self._at = match.end()
        return match[0]


def _unquoted(key: str) -> str:
    if key[0] == "'":
        return key[1:-1]
    if key[0] == '"':
        import tomllib

        return next(iter(tomllib.loads(f"{key} = 0")))
    return key
