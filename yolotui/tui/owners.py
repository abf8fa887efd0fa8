"""A colour and a letter for each owner or group: eight colours that the colour-blind can tell apart (Okabe and Ito)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from yolotui.tui.palette import BACKGROUND, GREEN, MUTED, ORANGE, PINK, RED, SKY, YELLOW
from yolotui.tui.tracks import Span

COLOURS = (SKY, ORANGE, GREEN, PINK, YELLOW, RED, "#8fa3ff", MUTED)
LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789"


class ColourBy(StrEnum):
    """What a colour tells."""

    OWNER = "owner"
    GROUP = "group"

    def of(self, span: Span) -> str:
        """The name whose colour a span has."""
        return span.owner if self is ColourBy.OWNER else span.group


@dataclass(frozen=True)
class Sign:
    """How a name is shown: a colour repeats after eight names, a letter does not."""

    name: str
    letter: str
    colour: str


def signs(names: Iterable[str]) -> dict[str, Sign]:
    """A sign for each name, the same whatever else changes but the names."""
    given: dict[str, Sign] = {}
    taken: set[str] = set()
    for number, name in enumerate(sorted(set(names) - {""})):
        letter = next((each for each in (*name.lower(), *LETTERS) if each in LETTERS and each not in taken), "*")
        taken.add(letter)
        given[name] = Sign(name, letter, COLOURS[number % len(COLOURS)])
    return given


def mixed(colour: str, share: float, ground: str = BACKGROUND) -> str:
    """A colour thinned with the background: 1 is all colour."""
    parts = [(int(colour[i : i + 2], 16), int(ground[i : i + 2], 16)) for i in (1, 3, 5)]
    return "#" + "".join(f"{round(above * share + below * (1 - share)):02x}" for above, below in parts)
