"""The timetable's parts: spans of the past and of what comes, lanes, windows of time, signs of owners."""

from __future__ import annotations

from itertools import pairwise
from math import isclose
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.tui.believable import NOW, BelievableHome, busy_night
from yolotui.core.jobs import Outcome, Succeeded
from yolotui.tui.owners import COLOURS, mixed, signs
from yolotui.tui.snapshot import Snapshot
from yolotui.tui.tracks import Span, SpanKind, TrackMaker, following, lanes
from yolotui.tui.window import ZOOMS, Window


def snapshot_of(home: BelievableHome) -> Snapshot:
    return Snapshot(jobs={job.id: job for job in home.store.read.jobs()}, published=home.store.read.published())


@pytest.fixture
def home(tmp_path: Path) -> BelievableHome:
    return busy_night(tmp_path / "home")


def span(starts_at: float, ends_at: float) -> Span:
    return Span(SpanKind.PAST, "GPU-0", starts_at, ends_at)


def test_what_was_what_runs_and_what_comes(home: BelievableHome):
    tracks = TrackMaker().tracks(snapshot_of(home), NOW)
    first = [(s.kind, s.job.name if s.job else "") for s in tracks["GPU-0"]]
    assert first[0] == (SpanKind.RUNNING, "night-n")
    assert (SpanKind.FORECAST, "coco-x-1280") in first
    past = [s for s in tracks["GPU-1"] if s.kind is SpanKind.PAST]
    assert len(past) == 12
    assert all(s.ends_at <= NOW for s in past)
    assert [s.starts_at for s in tracks["GPU-1"]] == sorted(s.starts_at for s in tracks["GPU-1"])
    assert tracks["GPU-3"] == ()


def test_an_attempt_that_ends_moves_into_the_past_once(home: BelievableHome):
    maker = TrackMaker()
    maker.tracks(snapshot_of(home), NOW)
    home.end(1, Succeeded(NOW), hours_ago=0.01, outcome=Outcome.SUCCEEDED)
    for _ in range(2):
        spans = maker.tracks(snapshot_of(home), NOW)["GPU-0"]
        assert [s.kind for s in spans if s.job and s.job.id == 1] == [SpanKind.PAST]


def test_a_run_that_outlives_its_forecast_reaches_until_now(home: BelievableHome):
    snapshot = snapshot_of(home)
    assert snapshot.published
    entries = tuple(
        msgspec.structs.replace(entry, finish_at=NOW - 60) for entry in snapshot.published.timetable.entries
    )
    timetable = msgspec.structs.replace(snapshot.published.timetable, entries=entries)
    late = Snapshot(jobs=snapshot.jobs, published=msgspec.structs.replace(snapshot.published, timetable=timetable))
    running = [s for s in TrackMaker().tracks(late, NOW)["GPU-0"] if s.kind is SpanKind.RUNNING]
    assert [s.ends_at for s in running] == [NOW]


@given(st.lists(st.tuples(st.floats(0, 1e5), st.floats(10, 1e4))))
def test_spans_of_one_lane_never_overlap(drawn: list[tuple[float, float]]):
    spans = sorted((span(start, start + length) for start, length in drawn), key=lambda s: s.starts_at)
    made = lanes(spans)
    assert sorted(id(s) for lane in made for s in lane) == sorted(map(id, spans))
    for lane in made:
        assert all(one.ends_at <= other.starts_at + 2.0 for one, other in pairwise(lane))


def test_following():
    spans = (span(0, 10), span(20, 30), span(40, 50))
    assert following(spans, 20.1, +1) is spans[2]
    assert following(spans, 20.0, -1) is spans[0]
    assert following(spans, 60.0, +1) is None
    assert following(spans, 0.0, -1) is None


@given(st.floats(0, 2e9), st.sampled_from(ZOOMS), st.integers(10, 300), st.integers(-3, 3), st.floats(0, 1))
def test_zooming_keeps_the_moment_where_it_was(start: float, cell_s: float, width: int, steps: int, share: float):
    window = Window(start, cell_s, width)
    at = start + share * width * cell_s
    zoomed = window.zoomed(steps, at)
    assert zoomed.cell_s in ZOOMS
    assert isclose((at - zoomed.starts_at) / zoomed.cell_s, (at - start) / cell_s, abs_tol=1e-3)


@given(st.floats(1e9, 2e9), st.sampled_from(ZOOMS), st.integers(30, 300))
def test_the_marks_of_the_axis_are_round_and_have_room(start: float, cell_s: float, width: int):
    ticks = list(Window(start, cell_s, width).ticks())
    assert all(0 <= column < width for column, _ in ticks)
    assert all(other - one >= 8 for (one, _), (other, _) in pairwise(ticks))
    assert len(ticks) >= width // 40 or cell_s > 3600


def test_a_moment_out_of_sight_is_brought_into_it():
    window = Window(NOW, 60.0, 100)
    for at in (NOW - 5000, NOW + 3000, NOW + 60_000):
        shown = window.showing(at)
        assert 0 <= shown.column(at) < 100
    assert window.showing(NOW + 3000) == window


def test_each_owner_has_a_letter_of_its_own_and_a_colour():
    given_signs = signs(["maria", "marta", "mara", "", "jonas"])
    assert sorted(sign.letter for sign in given_signs.values()) == sorted({s.letter for s in given_signs.values()})
    assert given_signs["jonas"].letter == "j"
    assert {sign.colour for sign in given_signs.values()} <= set(COLOURS)
    assert mixed("#ffffff", 0.0, "#000000") == "#000000"
    assert mixed("#ffffff", 0.5, "#000000") == "#808080"
