"""Charts: what they show of long, short, broken series."""

from __future__ import annotations

from dataclasses import replace
from math import isfinite

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yolotui.tui.glyphs import ASCII, UNICODE, Glyphs
from yolotui.tui.palette import ORANGE, SKY
from yolotui.tui.panels.texts import row_length
from yolotui.tui.plot import LABEL_WIDTH, Chart, Line, draw
from yolotui.tui.words import number

nan = float("nan")


def text_of(chart: Chart, width: int, height: int, glyphs: Glyphs = UNICODE) -> list[str]:
    return ["".join(segment.text for segment in row) for row in draw(chart, width, height, glyphs)]


def chart(*values: float) -> Chart:
    return Chart("loss", (Line("train", tuple(values), SKY),), "epoch 1", str(len(values)))


def test_one_spike_among_ten_thousand_points_is_seen():
    values = [0.0] * 10_000
    values[5_003] = 9.0
    rows = text_of(chart(*values), 60, 10)[1:-1]
    top = rows[0][LABEL_WIDTH:]
    assert top.strip("\u2800 ") != ""
    assert abs(top.index(top.strip()[0]) - 26) <= 1


def test_extremes_are_labelled_and_the_axis_tells_the_ends():
    rows = text_of(chart(2.0, 1.0, 0.5), 40, 8)
    assert rows[1].startswith(" 2.000")
    assert rows[-2].startswith(" 0.500")
    assert "epoch 1" in rows[-1]
    assert rows[-1].endswith("3")


def test_a_gap_stays_a_gap():
    row = text_of(chart(*([1.0] * 20), *([nan] * 20), *([1.0] * 20)), LABEL_WIDTH + 30, 3, ASCII)[1][LABEL_WIDTH:]
    assert set(row[:9]) == {"*"}
    assert set(row[11:19]) == {" "}
    assert set(row[21:]) == {"*"}


def test_the_first_line_lies_over_the_second():
    both = Chart("loss", (Line("train", (1.0, 1.0), SKY), Line("val", (1.0, 1.0), ORANGE, dashed=True)))
    row = draw(both, 40, 4, ASCII)[2]
    assert "o" not in "".join(segment.text for segment in row)


def test_a_dashed_line_differs_without_colour():
    solid, dashed = (text_of(Chart("x", (Line("a", (0.0, 1.0), SKY, dashed=d),)), 40, 6)[1:] for d in (False, True))
    assert solid != dashed


def test_no_values_are_said_to_be_none():
    assert any("no values yet" in row for row in text_of(chart(nan, nan), 40, 6))


@pytest.mark.parametrize("glyphs", [UNICODE, ASCII])
@given(
    values=st.lists(st.floats(allow_nan=True, allow_infinity=True), max_size=200),
    width=st.integers(10, 120),
    height=st.integers(2, 20),
)
def test_any_series_fits_exactly(glyphs: Glyphs, values: list[float], width: int, height: int):
    rows = draw(chart(*values), width, height, glyphs)
    assert len(rows) <= height
    assert all(row_length(row) == width for row in rows)
    if glyphs is ASCII:
        assert all(segment.text.isascii() for row in rows for segment in row)


@pytest.mark.parametrize("glyphs", [UNICODE, ASCII])
@given(
    values=st.lists(st.floats(allow_nan=True, allow_infinity=False, width=32), min_size=1, max_size=300),
    width=st.integers(10, 90),
    data=st.data(),
)
def test_a_cursor_takes_no_room_and_reads_its_value(
    glyphs: Glyphs, values: list[float], width: int, data: st.DataObject
):
    place = data.draw(st.integers(0, len(values) - 1))
    rows = draw(replace(chart(*values), cursor=place), width, 6, glyphs)
    assert all(row_length(row) == width for row in rows)
    heading = "".join(segment.text for segment in rows[0])
    if width > 40:
        assert (number(values[place]) in heading) == isfinite(values[place])


def test_the_cursor_stands_where_its_value_is_drawn():
    values = [0.0] * 200
    values[150] = 9.0
    rows = draw(replace(chart(*values), cursor=150), LABEL_WIDTH + 50, 6, UNICODE)
    (spike,) = [segment for segment in rows[1] if segment.style and segment.style.bgcolor]
    assert spike.text not in {" ", UNICODE.stroke}
