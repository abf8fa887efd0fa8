"""Which trainings a disk takes in: each counts what those before it are still going to write. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from msgspec import Struct


class Writer(Struct, frozen=True):
    """A training that runs or wants to: where it writes, and how many bytes it still will."""

    job_id: int
    folder: Path
    still_bytes: int


def left_for_newcomers(free: Mapping[Path, int], running: Iterable[Writer]) -> dict[Path, int]:
    """What is free in each folder less what those that run will still write there; below 0 where that is too much."""
    left = dict(free)
    for writer in running:
        if writer.folder in left:
            left[writer.folder] -= writer.still_bytes
    return left


def fits(writer: Writer, left: Mapping[Path, int]) -> bool:
    """Whether there is room for it. A folder that nobody knows anything of keeps nobody out."""
    return writer.folder not in left or writer.still_bytes <= left[writer.folder]


def let_in(newcomers: Sequence[Writer], left: Mapping[Path, int]) -> list[Writer]:
    """Those of the newcomers, in their order, for which there is room beside all that were let in before them."""
    inside: list[Writer] = []
    for newcomer in newcomers:
        if fits(newcomer, left_for_newcomers(left, inside)):
            inside.append(newcomer)
    return inside
