"""The week that a demonstration makes up: believable, whole, and always the same."""

from __future__ import annotations

import json
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

from tests.demo.conftest import NOW, made
from yolotui.core.gpus import Foreign
from yolotui.core.jobs import ACTIVE, Failed, Kind
from yolotui.probe import Samples
from yolotui.store import Store
from yolotui.telemetry import RunReader

ALWAYS_THERE = {"running", "waiting", "paused", "held", "failed", "succeeded", "cancelled"}


def outline(store: Store) -> list[Any]:
    """What a week comes to, without what is random by nature: uuids and directories."""
    return [
        (job.id, job.name, job.owner.name, job.state, job.status.since, job.priority, job.progress,
         [(a.gpus, a.started_at, a.ended_at, a.outcome, a.cause, a.resumed_from_epoch) for a in job.attempts])
        for job in store.read.jobs()
    ]  # fmt: skip


def test_it_has_what_people_meet_in_a_week(week: Store):
    jobs = week.read.jobs()
    assert {job.state for job in jobs} >= ALWAYS_THERE
    assert len({job.owner.name for job in jobs}) >= 4
    assert len({job.spec.group for job in jobs}) >= 5
    assert {job.status.cause for job in jobs if isinstance(job.status, Failed)} >= {"bad_data"}
    assert any(attempt.resumed_from_epoch for job in jobs for attempt in job.attempts)
    assert week.read.held_groups().keys() == {"augment"}
    gates = [job for job in jobs if job.spec.when]
    assert gates
    assert any(job.ended for job in gates)


def test_no_gpu_is_given_twice_at_any_moment(week: Store):
    spans: dict[str, list[tuple[float, float]]] = {}
    for job in week.read.jobs():
        for attempt in job.attempts:
            for gpu in attempt.gpus:
                assert attempt.started_at is not None
                spans.setdefault(gpu, []).append((attempt.started_at, attempt.ended_at or NOW))
    assert len(spans) == 4
    for held in spans.values():
        assert all(one[1] <= other[0] + 1.5 for one, other in pairwise(sorted(held)))  # seen to start a moment later


def test_every_run_reads_as_a_real_one(week: Store):
    trained = [job for job in week.read.jobs() if job.spec.kind is Kind.TRAIN and job.state == "succeeded"]
    assert len(trained) > 20
    for job in trained:
        reader = RunReader(job.run_dir)
        reader.poll()
        epochs = [row.epoch for row in reader.series.epochs]
        assert epochs == list(range(1, job.progress.epochs_done + 1))
        assert (Path(job.run_dir) / "spec.json").exists()
    changed = [job for job in week.read.jobs() if job.name.startswith("defects-m-1280")]
    reader = RunReader(changed[0].run_dir)
    reader.poll()
    assert [change.what for change in reader.series.changes] == ["batch"]


def test_what_starts_is_known_to_run_a_moment_later(week: Store):
    for job in week.read.jobs():
        for attempt in job.attempts:
            events = Path(job.run_dir) / f"attempt-{attempt.number}" / "events.jsonl"
            if job.spec.kind is Kind.TRAIN and attempt.started_at:
                began_at = json.loads(events.read_text().splitlines()[0])["t"]
                assert abs(attempt.started_at - began_at) <= 1.5  # one is written in milliseconds


def test_the_cards_tell_their_own_story(week: Store):
    published = week.read.published()
    assert published is not None
    by_index = {gpu.index: gpu for gpu in published.host.gpus}
    assert isinstance(by_index[2].availability, Foreign)
    assert max(gpu.temperature_c or 0 for gpu in by_index.values()) == by_index[3].temperature_c
    assert published.timetable.made_at == published.at == NOW
    samples = Samples(week.home.samples).read(by_index[0].uuid, NOW - 24 * 3600)
    assert len(samples) > 300
    assert {(sample.utilization_percent or 0) > 50 for sample in samples} == {True, False}


def test_the_timetable_knows_when(week: Store):
    published = week.read.published()
    assert published is not None
    entries = published.timetable.by_job()
    for job in week.read.jobs(unfinished=True):
        if isinstance(job.status, ACTIVE):
            assert (entries[job.id].finish_at or 0) >= NOW
        elif not entries[job.id].start_at:
            assert str(entries[job.id].why)


def test_the_same_seed_makes_the_same_week(week: Store, tmp_path: Path):
    with contextmanager(made)(tmp_path / "again") as again:
        assert outline(again) == outline(week)
    with contextmanager(made)(tmp_path / "other", seed=7) as other:
        assert outline(other) != outline(week)
