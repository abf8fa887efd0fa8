"""Which variables of the shell stay behind when a job is submitted, told on stderr."""

from __future__ import annotations

import os
from collections.abc import Collection

from yolotui.cli.printing import narrate
from yolotui.environment import withheld


def tell_what_stays_behind(keep: Collection[str] = ()) -> None:
    """Name the variables that look like secrets and are not stored; never their values."""
    if names := withheld(os.environ, keep):
        narrate(
            f"Not stored with the job: {', '.join(names)} (looks like a secret). If it needs one: --keep-env NAME, or "
            'keep_env = ["NAME"] in a file of jobs.'
        )
