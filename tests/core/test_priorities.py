"""Scores and ageing, as they were promised."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yolotui.core.jobs import Priority
from yolotui.core.priorities import BASES, class_after, hours_to_reach, score

HOUR = 3600.0
waits = st.floats(0.0, 10_000 * HOUR)
classes = st.sampled_from(Priority)


@pytest.mark.parametrize(
    ("priority", "hours", "expected"),
    [
        (Priority.P3, 44, Priority.P3),
        (Priority.P3, 45, Priority.P2),
        (Priority.P3, 89, Priority.P2),
        (Priority.P3, 90, Priority.P1),
        (Priority.P2, 44, Priority.P2),
        (Priority.P2, 45, Priority.P1),
        (Priority.P1, 1000, Priority.P1),
        (Priority.P3, 1e9, Priority.P1),
        (Priority.P0, 0, Priority.P0),
    ],
)
def test_when_a_job_rises(priority: Priority, hours: float, expected: Priority) -> None:
    assert class_after(priority, hours * HOUR) is expected


@given(classes, waits)
def test_a_job_counts_for_the_highest_class_whose_base_its_score_has_come_down_to(
    priority: Priority, waited_s: float
) -> None:
    found = score(priority, waited_s)
    assert found.value == BASES[priority] * 0.95 ** (waited_s / HOUR)
    reached = [each for each in Priority if each is not Priority.P0 and found.value <= BASES[each]]
    expected = priority if priority is Priority.P0 else min(reached)
    edge = any(abs(waited_s / HOUR - hours_to_reach(priority, each)) < 1e-6 for each in Priority if each < priority)
    assert found.counts_as is expected or edge


@given(classes, waits)
def test_nothing_ever_reaches_p0_and_nothing_falls(priority: Priority, waited_s: float) -> None:
    counts_as = class_after(priority, waited_s)
    assert counts_as <= priority
    assert (counts_as is Priority.P0) == (priority is Priority.P0)


@given(classes, waits, waits)
def test_who_waits_longer_never_stands_lower(priority: Priority, one_s: float, other_s: float) -> None:
    shorter, longer = sorted((one_s, other_s))
    assert class_after(priority, longer) <= class_after(priority, shorter)
    assert score(priority, longer).value <= score(priority, shorter).value


def test_a_clock_that_was_set_back_makes_nobody_younger_than_new() -> None:
    assert score(Priority.P3, -50 * HOUR) == score(Priority.P3, 0.0)


def test_the_parts_of_a_score_can_be_shown() -> None:
    assert str(score(Priority.P3, 45 * HOUR)) == "99.44 = 1000 * 0.95^45.0 (hours waited), counts as P2"
