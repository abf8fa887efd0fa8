from __future__ import annotations

import tomllib
from collections.abc import Iterator
from textwrap import dedent
from typing import Any

import tomli_w
from hypothesis import given
from hypothesis import strategies as st

from yolotui.jobfile.lines import Path, lines_of

TEXT = dedent('''\
    # [[job]] in a comment
    [defaults]
    note = """
    [[job]]
    name = "not a job"
    """
    list = [
      1, # one ]
      { deep = "]" },
    ]

    [[job]]
    name = 'a # b'
    train = { imgsz = 640, "quoted.key" = 1, nested.deep = [1, 2] }

    [[job]]   # the second
    name.dotted = "x"
    [job.train]
    batch = 2
    [[job.list]]
    x = 1
    ''')


def test_keys_are_found_in_spite_of_strings_comments_and_brackets():
    tomllib.loads(TEXT)
    lines = lines_of(TEXT)
    assert lines["defaults", "note"] == 3
    assert lines["defaults", "list", 1, "deep"] == 9
    assert lines["job", 0] == 12
    assert lines["job", 0, "name"] == 13
    assert lines["job", 0, "train", "quoted.key"] == 14
    assert lines["job", 0, "train", "nested", "deep"] == 14
    assert lines["job", 1] == 16
    assert lines["job", 1, "name", "dotted"] == 17
    assert lines["job", 1, "train"] == 18
    assert lines["job", 1, "train", "batch"] == 19
    assert lines["job", 1, "list", 0, "x"] == 21


def paths(value: Any, path: Path = ()) -> Iterator[Path]:
    yield path
    if isinstance(value, dict):
        for key, each in value.items():
            yield from paths(each, (*path, key))
    if isinstance(value, list):
        for position, each in enumerate(value):
            yield from paths(each, (*path, position))


keys = st.text(min_size=1, max_size=5)
values = st.recursive(
    st.booleans() | st.integers(-(2**60), 2**60) | st.floats(allow_nan=False) | st.text() | st.datetimes(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3),
    max_leaves=12,
)


@given(st.dictionaries(keys, values, max_size=5), st.booleans())
def test_every_value_of_any_toml_has_a_line_on_which_its_key_stands(document, multiline):
    text = tomli_w.dumps(document, multiline_strings=multiline)
    read = tomllib.loads(text)
    lines = lines_of(text)
    assert set(lines) == set(paths(read)) - {()}
    written = text.split("\n")
    for path, line in lines.items():
        if isinstance(path[-1], str) and path[-1].isalnum() and path[-1].isascii():
            assert path[-1] in written[line - 1]
