"""The right name that somebody most likely meant."""

from __future__ import annotations

from collections.abc import Iterable


def nearest(word: str, names: Iterable[str]) -> str | None:
    """The one of `names` that looks most like `word`, whatever the case; None when none looks like it."""
    import difflib

    by_folded = {name.casefold(): str(name) for name in names}  # of an enum's member the word
    found = difflib.get_close_matches(word.casefold(), by_folded, n=1)
    return by_folded[found[0]] if found else None


def did_you_mean(word: str, names: Iterable[str]) -> str:
    """`"; did you mean 'x'?"` to be put behind a complaint about `word`, or nothing."""
    name = nearest(word, names)
    return f"; did you mean {name!r}?" if name else ""
