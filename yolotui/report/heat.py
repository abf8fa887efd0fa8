"""Rows of blocks, the fuller the more: heat strips of cards, and curves, as text. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from statistics import mean

from yolotui.report.gathering import NightReport, Strip
from yolotui.units import format_clock

WIDTH = 48
BLOCKS = " ▁▂▃▄▅▆▇█"
NOBODY_LOOKED = "·"
IN_ASCII = str.maketrans(BLOCKS + NOBODY_LOOKED, " .:-=+*%@ ")
_TITLES = ("given", "computes")


def heat_lines(night: NightReport, now: float) -> tuple[str, ...]:
    """For each card how much of the time it was given to jobs, and how much it computed where somebody looked."""
    if not night.strips:
        return ()
    names = [_short(strip) for strip in night.strips]
    room = max(map(len, names))
    lines: list[str] = []
    for name, strip in zip(names, night.strips, strict=True):
        lines.append(f"{name:<{room}}  {_TITLES[0]:<{len(_TITLES[1])}}  {blocks(strip.given)}")
        if any(each is not None for each in strip.computed):
            lines.append(f"{'':<{room}}  {_TITLES[1]}  {blocks(strip.computed)}")
    begin, end = (format_clock(at, now) for at in (night.usage.since, night.usage.until))
    margin = " " * (room + len(_TITLES[1]) + 4)
    return (*lines, f"{margin}{begin}{end:>{WIDTH - len(begin)}}")


def _short(strip: Strip) -> str:
    """`GPU 0`; the beginning of the UUID of a card that is gone."""
    index = strip.label.split(" ")[0]
    return f"GPU {index}" if index.isdecimal() else index[:12]


def blocks(shares: Sequence[float | None]) -> str:
    """Shares of 0 to 1 as a row of blocks, several to a block where there are more than have room."""
    width = min(WIDTH, len(shares))
    bounds = [at * len(shares) // width for at in range(width + 1)]
    return "".join(_block(shares[begin:end]) for begin, end in pairwise(bounds))


def _block(cells: Sequence[float | None]) -> str:
    known = [cell for cell in cells if cell is not None]
    return BLOCKS[round(mean(known) * (len(BLOCKS) - 1))] if known else NOBODY_LOOKED
