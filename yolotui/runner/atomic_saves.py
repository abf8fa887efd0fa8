"""Checkpoints that are whole at every instant.

Ultralytics truncates `last.pt` and writes it anew, so that a kill in between leaves nothing. Here the bytes go to a new
file which then takes the name; the checkpoint before stays as `last.prev.pt`, as a file of its own, and is on the disk.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import Any

from . import checkpoints, durable

LAST, BEST = "last.pt", "best.pt"
# An epoch must not wait for the disk. Each last.pt goes there; best.pt, on tiny data as often, need not.
_last = durable.WriteBehind()
_others = durable.WriteBehind(flush_every_s=10.0)


class AtomicPath(type(Path())):  # type: ignore[misc]
    """A path whose `write_bytes` replaces the file. Paths derived from it do so too (epochN.pt)."""

    def write_bytes(self, data: Any) -> int:
        """Replace the file; raises OSError and keeps the old one when the disk is full."""
        if self.name == LAST:
            _replace_last(str(self), data)
        else:
            _others.write(str(self), data)
        return len(data)


def install(trainer: Any) -> None:
    """Make one trainer save atomically. Call it before its first save."""
    trainer.wdir = AtomicPath(trainer.wdir)
    trainer.last, trainer.best = trainer.wdir / LAST, trainer.wdir / BEST
    durable.sweep(str(trainer.wdir))
    strip_atomically()


def strip_atomically() -> None:
    """Replace the engine's `strip_optimizer`, which rewrites the final weights in place, by one that replaces them."""
    import ultralytics.engine.trainer as engine
    from ultralytics.utils.torch_utils import strip_optimizer as original

    def strip_optimizer(f: Any = "best.pt", s: str = "", *args: Any, **kwargs: Any) -> Any:
        if s:
            return original(f, s, *args, **kwargs)
        temporary = durable.temporary_beside(str(f))
        stripped = original(f, temporary, *args, **kwargs)
        if os.path.exists(temporary):
            durable.replace_durably(temporary, str(f))
        return stripped

    engine.strip_optimizer = strip_optimizer


def repair(weights_dir: str, go_on_from: str | None) -> list[str]:
    """Leave no damaged last.pt or best.pt where the training, or its last act, would stumble over it.

    A damaged one is kept as `last.rejected.pt` or `best.rejected.pt`; what is gone on from takes the place of last.pt.
    Returns the names of the damaged ones.
    """
    damaged = [name for name in (LAST, BEST) if _set_aside_if_damaged(os.path.join(weights_dir, name))]
    last = os.path.join(weights_dir, LAST)
    if go_on_from and os.path.isdir(weights_dir) and os.path.realpath(go_on_from) != os.path.realpath(last):
        durable.copy_atomically(go_on_from, last)
    return damaged


def _set_aside_if_damaged(path: str) -> bool:
    if not os.path.exists(path):
        return False
    try:
        checkpoints.inspect(path)
    except checkpoints.CheckpointError:
        os.replace(path, path[: -len(".pt")] + ".rejected.pt")
        return True
    return False


def drop_kept_copy(weights_dir: str) -> None:
    """After a finished training the kept copy, five times the size of the final weights, has no use."""
    with contextlib.suppress(FileNotFoundError):
        os.unlink(os.path.join(weights_dir, checkpoints.KEPT_COPY))


def _replace_last(path: str, data: bytes) -> None:
    # The old file gets a second name first and the kept copy's name last, so that one of the two is always whole,
    # even when the old one was damaged from outside. What becomes the kept copy is on the disk.
    _last.wait()
    kept = os.path.join(os.path.dirname(path), checkpoints.KEPT_COPY)
    held = durable.temporary_beside(kept)
    with contextlib.suppress(FileNotFoundError, FileExistsError):
        os.link(path, held)
    try:
        _last.write(path, data)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(held)
        raise
    if os.path.exists(held):
        os.replace(held, kept)
