"""Checkpoints of chosen epochs that stay: `weights/epochN.pt`, N counted from 1, each of them resumable."""

from __future__ import annotations

import contextlib
import os
from typing import Sequence, Union

from . import durable

Keep = Union[int, Sequence[int], None]


def keeps(keep: Keep, epoch: int) -> bool:
    """Does the checkpoint of this epoch stay? `keep` is every n-th epoch, or a list of epochs."""
    if isinstance(keep, int):
        return keep > 0 and epoch % keep == 0
    return epoch in (keep or ())


def keep_copy(last: str, epoch: int) -> None:
    """Give last.pt a second name. It costs nothing: the next save makes a new file and leaves this one alone."""
    kept = os.path.join(os.path.dirname(last), f"epoch{epoch}.pt")
    temporary = durable.temporary_beside(kept)
    with contextlib.suppress(FileNotFoundError):
        os.unlink(temporary)
    try:
        os.link(last, temporary)
        os.replace(temporary, kept)
        # Of two names of one file, rename() leaves both: an earlier attempt may have kept this very one.
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)
    except OSError:  # a file system without second names
        durable.copy_atomically(last, kept)
