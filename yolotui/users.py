"""The users of this machine, by name."""

from __future__ import annotations

import pwd


def login_name(uid: int) -> str:
    """The name of a user, or "uid 1234" where nobody has this number."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"uid {uid}"
