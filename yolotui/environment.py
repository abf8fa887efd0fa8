"""The variables that a job is submitted with: the caller's own, less what must not travel."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping

from yolotui.runner.environment import is_scrubbed, is_secret

# These describe the caller's terminal and session, which the job does not have.
SESSION = re.compile(
    r"^(TERM|COLORTERM|LINES|COLUMNS|DISPLAY|WAYLAND_DISPLAY|XAUTHORITY|TMUX.*|STY|SSH_.*|WINDOWID|SHLVL|OLDPWD|PWD|_|"
    r"YOLOTUI_.*|DBUS_SESSION_BUS_ADDRESS|XDG_SESSION_.*|INVOCATION_ID|JOURNAL_STREAM|NOTIFY_SOCKET)$"
)


def submitted_environment(variables: Mapping[str, str], keep: Collection[str] = ()) -> dict[str, str]:
    """What of the caller's environment goes with a job. `keep` names secrets that are to travel all the same."""
    return {
        name: value
        for name, value in variables.items()
        if _may_travel(name) and (name in keep or not is_secret(name, value))
    }


def withheld(variables: Mapping[str, str], keep: Collection[str] = ()) -> list[str]:
    """The names of variables that look like secrets, and do not go with a job for that reason."""
    return sorted(
        name for name, value in variables.items() if _may_travel(name) and name not in keep and is_secret(name, value)
    )


def _may_travel(name: str) -> bool:
    return not (SESSION.match(name) or is_scrubbed(name))
