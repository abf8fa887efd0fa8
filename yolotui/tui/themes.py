"""The themes that `[ui] theme` may name: ours and Textual's, with what our widgets draw put into their colours."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Final

from rich.color import Color as Ink
from rich.segment import Segment
from rich.style import Style
from textual.color import Color
from textual.filter import LineFilter
from textual.theme import BUILTIN_THEMES, Theme

from yolotui.errors import WrongUse
from yolotui.nearest import did_you_mean
from yolotui.tui import palette

THEMES: Final[Mapping[str, Theme]] = {
    palette.THEME.name: palette.THEME,
    # Those that leave all colours to the terminal have none that ours could be put into.
    **{name: theme for name, theme in BUILTIN_THEMES.items() if not name.startswith("ansi")},
}


def theme_named(name: str | None) -> Theme:
    """The theme that a configuration names, ours for None. Raises WrongUse with the nearest right name."""
    if name is None:
        return palette.THEME
    if name not in THEMES:
        near = did_you_mean(name, THEMES)
        raise WrongUse(f"[ui] theme: there is no theme {name!r}{near}. There are {', '.join(sorted(THEMES))}.")
    return THEMES[name]


class Recolouring(LineFilter):
    """Puts the colours of our palette, in which all rows are drawn, into those of another theme."""

    def __init__(self, theme: Theme) -> None:
        super().__init__(enabled=theme.name != palette.THEME.name)
        self._inks = {ours: Ink.parse(theirs) for ours, theirs in _counterparts(theme).items()}
        self._style = lru_cache(maxsize=512)(self._restyled)

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:  # noqa: ARG002 — Textual's signature
        """The same text in other colours."""
        return [Segment(text, style and self._style(style), control) for text, style, control in segments]

    def _restyled(self, style: Style) -> Style:
        ink = self._inks.get(style.color.name) if style.color else None
        paper = self._inks.get(style.bgcolor.name) if style.bgcolor else None
        return style + Style.from_color(ink, paper) if ink or paper else style


def _counterparts(theme: Theme) -> dict[str, str]:
    """What stands for each of our colours in a theme, as hex: its text colours, which it makes to be read on its own
    background, and for the muted ones something between its text and its background.
    """
    generated = theme.to_color_system().generate()
    text, background = Color.parse(generated["foreground"]), Color.parse(generated["background"])
    shades = {palette.TEXT: 1.0, palette.MUTED: 0.65, palette.FAINT: 0.35}
    names = {
        palette.SKY: "primary",
        palette.GREEN: "success",
        palette.YELLOW: "accent",
        palette.ORANGE: "warning",
        palette.RED: "error",
        palette.PINK: "secondary",
    }
    return {
        **{ours: background.blend(text, share).hex6 for ours, share in shades.items()},
        **{ours: Color.parse(generated[f"text-{name}"]).hex6 for ours, name in names.items()},
        palette.CURSOR: background.blend(Color.parse(generated["primary"]), 0.3).hex6,
    }
