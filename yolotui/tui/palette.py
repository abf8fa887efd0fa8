"""The colours: a calm dark theme, and one colour a state that the colour-blind can tell apart (after Okabe and Ito).

Colour only ever repeats what a glyph and a word have said already.
"""

from __future__ import annotations

from typing import Final

from rich.style import Style
from textual.theme import Theme

BACKGROUND: Final = "#0f141b"
SURFACE: Final = "#161d27"
RAISED: Final = "#1e2834"
CURSOR: Final = "#2a3d55"
TEXT: Final = "#d7dfe9"
MUTED: Final = "#8b98aa"
FAINT: Final = "#485466"

SKY: Final = "#56b4e9"
GREEN: Final = "#2fb392"
YELLOW: Final = "#e3cb5b"
ORANGE: Final = "#e69f00"
RED: Final = "#f2764e"
PINK: Final = "#d593bd"

STATE_COLOURS: Final = {
    "held": PINK,
    "waiting": YELLOW,
    "starting": SKY,
    "running": SKY,
    "pausing": PINK,
    "paused": PINK,
    "stopping": ORANGE,
    "succeeded": GREEN,
    "failed": RED,
    "cancelled": MUTED,
    "skipped": MUTED,
    "unknown": ORANGE,
}

THEME: Final = Theme(
    name="yolotui",
    primary=SKY,
    secondary=GREEN,
    warning=ORANGE,
    error=RED,
    success=GREEN,
    accent=YELLOW,
    foreground=TEXT,
    background=BACKGROUND,
    surface=SURFACE,
    panel=RAISED,
    dark=True,
    variables={
        "text-muted": MUTED,
        "cursor": CURSOR,
        "block-cursor-background": CURSOR,
        "block-cursor-foreground": TEXT,
    },
)


def ink(colour: str, *, bold: bool = False) -> Style:
    """Text in a colour, on whatever background is there."""
    return Style(color=colour, bold=bold or None)


PLAIN: Final = ink(TEXT)
STRONG: Final = ink(TEXT, bold=True)
QUIET: Final = ink(MUTED)
DIM: Final = ink(FAINT)
ALARM: Final = ink(RED, bold=True)
CAUTION: Final = ink(ORANGE)
