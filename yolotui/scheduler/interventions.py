"""The note in an attempt's directory that says that and why the scheduler itself ended it.

It is written before the first signal, so that whoever buries the attempt knows the true reason.
"""

from __future__ import annotations

from pathlib import Path

import msgspec

from yolotui.core.limits import Intervention
from yolotui.runner.durable import write_atomically

NAME = "intervention.json"


def write(attempt_dir: Path, intervention: Intervention) -> None:
    """Leave the note. Raises OSError when the disk does not let it."""
    write_atomically(str(attempt_dir / NAME), msgspec.json.encode(intervention))


def read(attempt_dir: Path) -> Intervention | None:
    """The note, if there is one that can be read."""
    try:
        return msgspec.json.decode((attempt_dir / NAME).read_bytes(), type=Intervention)
    except (OSError, ValueError, msgspec.DecodeError, RecursionError):
        return None
