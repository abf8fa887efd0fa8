"""What systemd does to a user's processes at logout, from the files in which it is told: see logind.conf(5)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

# From the strongest to the weakest: a file hides those of the same name behind it.
_FOLDERS = ("etc/systemd", "run/systemd", "usr/local/lib/systemd", "usr/lib/systemd", "lib/systemd")
_YES = frozenset({"1", "yes", "y", "true", "t", "on"})
_UPSTREAM = {"KillUserProcesses": "yes", "KillOnlyUsers": "", "KillExcludeUsers": "root"}


@dataclass(frozen=True)
class LogoutPolicy:
    """`kills`: logging out ends what the session started. `lingers`: the user's own units outlive the sessions."""

    kills: bool
    lingers: bool


def logout_policy(user: str, root: Path = Path("/")) -> LogoutPolicy | None:
    """The policy for `user`; None on a machine that systemd doesn't run."""
    if not (root / "run/systemd/system").is_dir():
        return None
    settings = _settings(root)
    only, excluded = settings["KillOnlyUsers"].split(), settings["KillExcludeUsers"].split()
    concerned = user not in excluded and (not only or user in only)
    return LogoutPolicy(
        kills=concerned and settings["KillUserProcesses"].casefold() in _YES,
        lingers=(root / "var/lib/systemd/linger" / user).exists(),
    )


def _settings(root: Path) -> dict[str, str]:
    """What counts in the end. The distribution's own defaults stand commented out in the main file."""
    texts = [path.read_text(encoding="utf-8", errors="replace") for path in _files(root)]
    built_in = _UPSTREAM | (dict(_assignments(texts[0], commented=True)) if texts else {})
    settings = dict(built_in)
    for text in texts:
        for key, value in _assignments(text, commented=False):
            # An empty value takes back what was said before.
            settings[key] = value or built_in[key]
    return settings


def _assignments(text: str, *, commented: bool) -> Iterator[tuple[str, str]]:
    mark = "#" if commented else ""
    for key, value in re.findall(rf"^[ \t]*{mark}(\w+)[ \t]*=[ \t]*(.*?)[ \t]*$", text, re.MULTILINE):
        if key in _UPSTREAM:
            yield key, value


def _files(root: Path) -> Iterator[Path]:
    """The main file, then the drop-ins by name."""
    for folder in _FOLDERS:
        if (main := root / folder / "logind.conf").is_file():
            yield main
            break
    drop_ins: dict[str, Path] = {}
    for folder in reversed(_FOLDERS):
        with suppress(OSError):
            drop_ins |= {path.name: path for path in (root / folder / "logind.conf.d").iterdir()}
    for name in sorted(drop_ins):
        if name.endswith(".conf") and drop_ins[name].is_file():
            yield drop_ins[name]
