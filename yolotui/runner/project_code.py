"""The code beside a training as git knows it: its commit, and what is changed beyond that."""

from __future__ import annotations

import hashlib
import subprocess
from typing import List

GIT_PATIENCE_S = 5.0


def commit_of(folder: str) -> str:
    """The commit that is checked out; empty outside of git."""
    return _git(folder, "rev-parse", "HEAD").strip().decode(errors="replace")


def changes_of(folder: str) -> bytes:
    """What is changed beyond the commit, as a patch."""
    return _git(folder, "diff", "--no-ext-diff", "--no-textconv", "--binary", "HEAD")


def unknown_to_git(folder: str) -> List[str]:
    """The names of the files that git does not know, without those that it ignores."""
    names = _git(folder, "ls-files", "--others", "--exclude-standard", "-z").decode(errors="replace")
    return [name for name in names.split("\0") if name]


def in_short(commit: str, changes: bytes) -> str:
    """`COMMIT + DIGEST of the changes`: the same text, the same code."""
    return f"{commit} + {hashlib.blake2b(changes, digest_size=6).hexdigest()}" if changes else commit


def _git(folder: str, *arguments: str) -> bytes:
    command = ["git", "-c", "core.fsmonitor=false", "-C", folder, *arguments]
    try:
        done = subprocess.run(command, capture_output=True, timeout=GIT_PATIENCE_S, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return b""
    return done.stdout if done.returncode == 0 else b""
