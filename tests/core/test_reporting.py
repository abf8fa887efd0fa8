"""What the GPUs were used for: nothing is counted twice, nothing is lost, gaps are where nobody was."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from tests.core.jobs import HOUR, attempt, job
from yolotui.core.jobs import Held
from yolotui.core.reporting import Period, bounds, gpu_seconds, project_name, report

CARDS = {"GPU-0": "0 H100", "GPU-1": "1 H100"}


def at(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


def test_hours_are_charged_to_owner_and_group_within_the_period_only():
    jobs = [
        job(1, attempt(1, 0, 4, "GPU-0", "GPU-1"), owner="maria", group="night"),
        job(2, attempt(1, 4, 5, "GPU-0"), attempt(2, 6, 7, "GPU-0"), owner="jonas", group="night"),
        job(3, attempt(1, 30, 31, "GPU-0"), owner="later"),
    ]
    found = report(jobs, CARDS, 2 * HOUR, 10 * HOUR)
    assert [(usage.name, usage.gpu_s / HOUR, usage.jobs) for usage in found.by_owner] == [
        ("maria", 4, 1),
        ("jonas", 2, 1),
    ]
    assert [(usage.name, usage.gpu_s / HOUR, usage.jobs) for usage in found.by_group] == [("night", 6, 2)]
    assert found.by_project == ()  # nobody knows where these were submitted
    assert [(run.job_id, run.gpu_s / HOUR, run.ran_s / HOUR) for run in found.runs] == [(1, 4, 2), (2, 2, 2)]
    assert found.gpu_s == 6 * HOUR
    assert found.share_busy == pytest.approx(6 / 16)


def test_a_shared_card_is_charged_in_equal_parts():
    jobs = [job(1, attempt(1, 0, 2, "GPU-0")), job(2, attempt(1, 1, 2, "GPU-0"), owner="jonas")]
    found = report(jobs, CARDS, 0, 2 * HOUR)
    assert {usage.name: usage.gpu_s / HOUR for usage in found.by_owner} == {"maria": 1.5, "jonas": 0.5}
    assert found.cards[0].busy_s == found.gpu_s == 2 * HOUR


def test_gaps_say_how_many_jobs_were_in_the_queue():
    jobs = [
        job(1, attempt(1, 0, 1, "GPU-0")),
        job(2, attempt(1, 3, 4, "GPU-0"), submitted=0.5),
        job(3, submitted=0.5),
        job(4, submitted=2),
        job(5, submitted=0.5, gpus=0),
        replace(job(6, submitted=0.5), status=Held(1.0, "no labels")),
    ]
    found = report(jobs, {"GPU-0": "0"}, 0, 5 * HOUR)
    (card,) = found.cards
    assert [(gap.since / HOUR, gap.until / HOUR, gap.queued) for gap in card.gaps] == [(1, 3, 2), (4, 5, 2)]
    assert card.idle_s == 3 * HOUR


def test_a_change_of_jobs_within_a_minute_is_no_gap():
    jobs = [job(1, attempt(1, 0, 1, "GPU-0")), job(2, attempt(1, 1 + 59 / HOUR, 2, "GPU-0"))]
    assert report(jobs, {"GPU-0": "0"}, 0, 2 * HOUR).cards[0].gaps == ()


def test_what_runs_counts_until_the_end_of_the_period():
    jobs = [job(1, attempt(1, 1, None, "GPU-7"))]
    found = report(jobs, {}, 0, 3 * HOUR)
    assert found.gpu_s == 2 * HOUR
    assert found.cards[0].label == "GPU-7"
    assert gpu_seconds(jobs[0], 3 * HOUR) == 2 * HOUR


def test_nothing_ran():
    found = report([job(1)], CARDS, 0, HOUR)
    assert (found.gpu_s, found.runs, found.share_busy) == (0, (), 0)
    assert [gap.queued for card in found.cards for gap in card.gaps] == [1, 1]
    assert report([], {}, 0, HOUR).share_busy is None


spans = st.tuples(
    st.integers(0, 50), st.integers(0, 50), st.sets(st.sampled_from(["GPU-0", "GPU-1", "GPU-2"]), min_size=1)
)


@given(st.lists(spans, max_size=12), st.integers(0, 50), st.integers(1, 50))
def test_charges_add_up_to_busy_time_and_the_rest_is_idle(taken: list[tuple[int, int, set[str]]], a: int, b: int):
    jobs = [job(n, attempt(1, min(x, y), max(x, y), *sorted(gpus))) for n, (x, y, gpus) in enumerate(taken, 1)]
    since, until = a * HOUR, (a + b) * HOUR
    found = report(jobs, CARDS, since, until, shortest_gap_s=0.001)
    assert sum(card.busy_s for card in found.cards) == pytest.approx(found.gpu_s)
    assert sum(usage.gpu_s for usage in found.by_owner) == pytest.approx(found.gpu_s)
    for card in found.cards:
        assert card.busy_s + card.idle_s == pytest.approx(until - since)
        assert sum(gap.length_s for gap in card.gaps) == pytest.approx(card.idle_s)


@pytest.mark.parametrize(
    ("period", "now", "since", "until"),
    [
        (Period.TODAY, "2026-11-21 14:02", "2026-11-21 00:00", "2026-11-21 14:02"),
        (Period.NIGHT, "2026-11-21 14:02", "2026-11-20 18:00", "2026-11-21 08:00"),
        (Period.NIGHT, "2026-11-21 03:00", "2026-11-20 18:00", "2026-11-21 03:00"),
        (Period.NIGHT, "2026-11-21 22:00", "2026-11-21 18:00", "2026-11-21 22:00"),
        (Period.WEEK, "2026-11-21 14:02", "2026-11-15 00:00", "2026-11-21 14:02"),
    ],
)
def test_periods(period: Period, now: str, since: str, until: str):
    assert bounds(period, at(now), zone=UTC) == (at(since), at(until))


def test_a_project_is_called_as_briefly_as_can_be_told_apart():
    folders = {"/home/anna/crops", "/home/ben/crops", "/srv/shelves", ""}
    assert {project_name(folder, folders) for folder in folders} == {
        "anna/crops", "ben/crops", "shelves", "no project",
    }  # fmt: skip
    assert project_name("/", {"/"}) == "/"
