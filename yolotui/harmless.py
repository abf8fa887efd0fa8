"""Text from outside, for people to read: no terminal obeys it, and it tells no password."""

from __future__ import annotations

import re
from unicodedata import category

LINE_BREAKS = str.maketrans(dict.fromkeys("\n\r\t\v\f\x85\u2028\u2029", " "))

_CREDENTIALS = re.compile(r"://[^/\s]*@")


def clean(text: str) -> str:
    """`text` on one line, without anything that a terminal would obey: escapes, controls, changes of direction."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(letter for letter in text.translate(LINE_BREAKS) if category(letter) not in {"Cc", "Cf", "Cs"})


def without_passwords(text: str) -> str:
    """`text` without who logs in, and with which password, in the addresses in it."""
    return _CREDENTIALS.sub("://…@", text)
