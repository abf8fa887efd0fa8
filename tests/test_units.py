from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yolotui.units import duration, format_bytes, format_clock, format_duration, format_weekday, moment, size


@pytest.mark.parametrize(
    ("said", "seconds"),
    [("5m", 300), ("1h30m", 5400), ("90s", 90), (300, 300), ("300", 300), ("1.5h", 5400), ("2d 3h", 183600), (0, 0)],
)
def test_durations_as_people_write_them(said, seconds):
    assert duration(said) == seconds


@pytest.mark.parametrize("said", ["", "5x", "m5", "-5m", "5m!", True, None, -1, float("nan"), float("inf"), "1e9d", []])
def test_what_is_no_duration_is_refused_with_a_sentence(said):
    with pytest.raises(ValueError, match="duration"):
        duration(said)


@given(st.integers(min_value=0, max_value=10**9))
def test_a_duration_survives_being_written_and_read(seconds):
    assert duration(format_duration(seconds, parts=None)) == seconds


@given(st.floats(min_value=0, max_value=10**9))
def test_a_shortened_duration_never_says_more_than_there_is(seconds):
    assert duration(format_duration(seconds)) <= seconds + 0.05


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0, "0s"),
        (0.42, "0.4s"),
        (59.9, "59s"),
        (3600, "1h"),
        (3725, "1h2m"),
        (3605, "1h"),
        (90061, "1d1h"),
        (-90, "-1m30s"),
    ],
)
def test_durations_as_people_read_them(seconds, said):
    assert format_duration(seconds) == said


@pytest.mark.parametrize(
    ("said", "amount"),
    [("10GiB", 10 * 1024**3), ("300 MiB", 300 * 1024**2), ("10GB", 10**10), ("1.5kib", 1536), (42, 42), ("7B", 7)],
)
def test_sizes_as_people_write_them(said, amount):
    assert size(said) == amount


@pytest.mark.parametrize("said", ["", "10", "10Gib2", "-1GiB", True, None, 1.5, -1, "99999999TiB", 2**80])
def test_what_is_no_size_is_refused_with_a_sentence(said):
    with pytest.raises(ValueError, match="size"):
        size(said)


def test_an_ambiguous_unit_is_not_guessed():
    with pytest.raises(ValueError, match=r"GiB .* or GB"):
        size("10G")


@pytest.mark.parametrize(
    ("amount", "said"),
    [(0, "0 B"), (1023, "1023 B"), (1536, "1.5 KiB"), (10 * 1024**3, "10 GiB"), (1024**2 - 1, "1 MiB")],
)
def test_sizes_as_people_read_them(amount, said):
    assert format_bytes(amount) == said


@given(st.integers(min_value=0, max_value=2**62))
def test_a_shown_size_is_near_and_readable_again(amount):
    assert abs(size(format_bytes(amount)) - amount) <= max(amount * 0.06, 1)


@pytest.mark.parametrize(
    ("then", "said"),
    [
        (datetime(2026, 11, 21, 22, 5, tzinfo=UTC), "22:05"),
        (datetime(2026, 11, 22, 2, 10, tzinfo=UTC), "tomorrow 02:10"),
        (datetime(2026, 11, 20, 2, 10, tzinfo=UTC), "yesterday 02:10"),
        (datetime(2026, 11, 23, 2, 10, tzinfo=UTC), "Mon 02:10"),
        (datetime(2026, 11, 28, 2, 10, tzinfo=UTC), "2026-11-28 02:10"),
    ],
)
def test_a_clock_time_says_the_day_where_it_is_another(then, said):
    now = datetime(2026, 11, 21, 13, 0, tzinfo=UTC).timestamp()
    assert format_clock(then.timestamp(), now, zone=UTC) == said


def test_a_moment_in_a_sentence_that_is_kept_is_the_same_whenever_it_is_read():
    assert format_weekday(datetime(2026, 11, 21, 0, 5, tzinfo=UTC).timestamp(), zone=UTC) == "Sat 00:05"


SATURDAY = datetime(2026, 11, 21, 13, 0, tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    ("said", "then"),
    [
        ("22:00", datetime(2026, 11, 21, 22, 0, tzinfo=UTC)),
        ("13:00", datetime(2026, 11, 22, 13, 0, tzinfo=UTC)),
        ("9:05", datetime(2026, 11, 22, 9, 5, tzinfo=UTC)),
        ("today 09:00", datetime(2026, 11, 21, 9, 0, tzinfo=UTC)),
        ("tomorrow  22:00", datetime(2026, 11, 22, 22, 0, tzinfo=UTC)),
        ("Wed 18:00", datetime(2026, 11, 25, 18, 0, tzinfo=UTC)),
        ("saturday 18:00", datetime(2026, 11, 21, 18, 0, tzinfo=UTC)),
        ("SAT 12:00", datetime(2026, 11, 28, 12, 0, tzinfo=UTC)),
        ("now", datetime(2026, 11, 21, 13, 0, tzinfo=UTC)),
        ("in 1h30m", datetime(2026, 11, 21, 14, 30, tzinfo=UTC)),
        ("2026-11-30 18:00", datetime(2026, 11, 30, 18, 0, tzinfo=UTC)),
        ("2026-11-30T18:00+02:00", datetime(2026, 11, 30, 16, 0, tzinfo=UTC)),
    ],
)
def test_times_as_people_say_them(said, then):
    assert moment(said, SATURDAY, zone=UTC) == then.timestamp()


@pytest.mark.parametrize(
    "said",
    ["", "noon", "24:00", "12:60", "12", "tomorrow", "we 18:00", "someday 18:00", "in", "in x", "2026-11-30", None, 5],
)
def test_what_is_no_time_is_refused_with_a_sentence(said):
    with pytest.raises(ValueError, match="is not a time: write"):
        moment(said, SATURDAY, zone=UTC)


@given(st.text(max_size=40) | st.from_regex(r"(today|tomorrow|mon|in|2026-11-30)? ?\d\d:\d\d", fullmatch=True))
def test_any_text_is_a_time_or_refused(said):
    complaint = ""
    try:
        moment(said, SATURDAY, zone=UTC)
    except ValueError as error:
        complaint = str(error)
    assert not complaint or "is not a time: write" in complaint


@given(st.integers(min_value=1, max_value=400 * 1440))
def test_a_shown_time_to_come_is_read_as_what_it_shows(minutes):
    at = SATURDAY + minutes * 60
    assert moment(format_clock(at, SATURDAY, zone=UTC), SATURDAY, zone=UTC) == at
