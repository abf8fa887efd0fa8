"""Text from outside, for people to read and for no terminal to obey."""

from __future__ import annotations

from unicodedata import category

LINE_BREAKS = str.maketrans(dict.fromkeys("\n\r\t\v\f\x85\u2028\u2029", " "))


def clean(text: str) -> str:
    """`text` on one line, without anything that a terminal would obey: escapes, controls, changes of direction."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(letter for letter in text.translate(LINE_BREAKS) if category(letter) not in {"Cc", "Cf", "Cs"})
