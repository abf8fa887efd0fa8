"""The variables that a job is submitted with: the caller's own, less what must not travel."""

from __future__ import annotations

import re
from collections.abc import Mapping

from yolotui.runner.environment import is_scrubbed

# A secret in a database outlives the shell that it was meant for.
SECRET = re.compile(r"(?i)(secret|token|passw|credential|api_?key|access_?key|private_?key|_auth$|cookie)")
# These describe the caller's terminal and session, which the job does not have.
SESSION = re.compile(
    r"^(TERM|COLORTERM|LINES|COLUMNS|DISPLAY|WAYLAND_DISPLAY|XAUTHORITY|TMUX.*|STY|SSH_.*|WINDOWID|SHLVL|OLDPWD|PWD|_|"
    r"YOLOTUI_.*|DBUS_SESSION_BUS_ADDRESS|XDG_SESSION_.*|INVOCATION_ID|JOURNAL_STREAM|NOTIFY_SOCKET)$"
)


def submitted_environment(variables: Mapping[str, str]) -> dict[str, str]:
    """What of the caller's environment goes with a job."""
    return {
        name: value
        for name, value in variables.items()
        if not (SECRET.search(name) or SESSION.match(name) or is_scrubbed(name))
    }
