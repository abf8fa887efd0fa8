"""Files as accidents and attackers leave them: good ones, cut, doubled, mixed up and salted with what parsers fear."""

from __future__ import annotations

import os
from collections.abc import Sequence

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

EXAMPLES = int(os.environ.get("YOLOTUI_FUZZ", "0"))
bounded = settings(
    max_examples=EXAMPLES or 30,
    derandomize=not EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)
"""Few examples at each commit, and the same ones; `make fuzz` takes as many new ones as you like."""

SALT = (
    b"\x00", b"\xff\xfe", b"\xef\xbb\xbf", b"\r", b"\n\n", b"\x1b[2J", b'"', b"'", b'"""', b"[", b"]", b"{", b"}",
    b"," * 50, b"[" * 3000, b"{" * 500, b"=", b"#", b"\\", b"\\u0000", b"\\ud800", b"nan", b"inf", b"-inf", b"1e999",
    b"9" * 400, b"9" * 5000, b"-1", b"0", b"0x", b"1_0", b"true", b"null", b"None", b"9999-12-31T23:59:60Z", b"1" * 20,
    b"{a.best}", b"../..", b"/dev/zero", b"@", b"*", b"%s%n", b"\xc3\xa9" * 30, b"\xe2\x80\xae", b"NaN", b"Infinity",
)  # fmt: skip


@st.composite
def mangled(draw: st.DrawFn, samples: Sequence[bytes], words: Sequence[bytes] = ()) -> bytes:
    """A sample after some accidents. `words` are bits that mean something to whoever reads it."""
    content = draw(st.sampled_from(samples) | st.binary(max_size=200))
    for _ in range(draw(st.integers(0, 6))):
        content = draw(_accident(content, (*SALT, *words)))
    return content


def _accident(content: bytes, salt: Sequence[bytes]) -> st.SearchStrategy[bytes]:
    place = st.integers(0, len(content))
    bit = st.sampled_from(salt) | st.binary(min_size=1, max_size=4)
    return st.one_of(
        st.tuples(place, bit).map(lambda drawn: content[: drawn[0]] + drawn[1] + content[drawn[0] :]),
        st.tuples(place, bit).map(lambda drawn: content[: drawn[0]] + drawn[1] + content[drawn[0] + len(drawn[1]) :]),
        place.map(lambda at: content[:at]),
        st.tuples(place, st.integers(1, 40)).map(lambda drawn: content[: drawn[0]] + content[sum(drawn) :]),
        _lines(content, bit),
    )


def _lines(content: bytes, bit: st.SearchStrategy[bytes]) -> st.SearchStrategy[bytes]:
    """Lines doubled, left out, or with another value after the `=`, `:` or comma."""
    lines = content.split(b"\n")

    def change(drawn: tuple[int, int, bytes]) -> bytes:
        number, what, value = drawn
        line = lines[number]
        mark = next((each for each in (b"=", b":", b",") if each in line), b"=")
        changed = [[line, line], [], [line.partition(mark)[0] + mark + value]][what]
        return b"\n".join([*lines[:number], *changed, *lines[number + 1 :]])

    return st.tuples(st.integers(0, len(lines) - 1), st.integers(0, 2), bit).map(change)
