"""Room is made only where nobody needs what is there."""

from __future__ import annotations

import json
import os
from pathlib import Path

import msgspec
import pytest

from tests.cli.states import end, start, succeed
from tests.store.builders import ANNA, command, submission, training
from yolotui.core.jobs import Failed
from yolotui.locations import Home
from yolotui.store import Actor, Store, What
from yolotui.store.collecting import sweep

LATER = 3_000_000_000.0


@pytest.fixture
def store(home: Home):
    with Store(home) as store:
        yield store


def ran(store: Store, spec, *, failed: bool = False) -> int:
    """A job that has ended, with what its run left."""
    (job_id,) = store.verbs.submit([submission(spec)], ANNA)
    run_dir = Path(store.read.job(job_id).run_dir)
    weights = run_dir / "train" / "weights"
    weights.mkdir(parents=True)
    (run_dir / "spec.json").write_text(json.dumps({"job": job_id}))
    for name in ("best.pt", "last.pt", "last.prev.pt", "epoch10.pt"):
        (weights / name).write_bytes(b"w" * 10_000)
    if failed:
        start(store, job_id)
        end(store, job_id, Failed(2e9, "exit", "it failed"))
    else:
        succeed(store, job_id)
    return job_id


def found(store: Store, what: What = What.RUNS, **options) -> dict[int, str]:
    return {rest.job.id: rest.why_kept for rest in store.survey(what, ended_before=LATER, **options)}


def run_dir(store: Store, job_id: int) -> Path:
    return Path(store.read.job(job_id).run_dir)


def test_what_ended_long_ago_is_removed_and_the_queue_remembers_it(store):
    old = ran(store, training("old"))
    assert store.survey(What.RUNS, ended_before=1e9) == []
    (rest,) = store.survey(What.RUNS, ended_before=LATER)
    assert rest.size_bytes >= 40_000
    assert store.collect([old], What.RUNS, ANNA) == rest.size_bytes
    assert not run_dir(store, old).exists()
    assert list(run_dir(store, old).parent.iterdir()) == []
    assert store.read.job(old).state == "succeeded"
    assert [row.verb for row in store.read.audit(jobs=[old])][-1] == "collect"
    assert found(store) == {}


def test_what_is_at_work_or_needed_is_never_touched(store):
    needed = ran(store, training("needed"))
    named = ran(store, training("named"))
    store.verbs.submit([submission(command("waits", after=("needed",)))], ANNA)
    weights = str(run_dir(store, named) / "train/weights/best.pt")
    store.verbs.submit([submission(msgspec.structs.replace(training("tunes"), model=weights))], ANNA)
    (waiting,) = store.verbs.submit([submission(command("waiting"))], ANNA)
    (running,) = store.verbs.submit([submission(command("running"))], ANNA)
    start(store, running)
    every = [needed, named, waiting, running]
    why = found(store, ids=every)
    assert all(why.values())
    assert why[running] == "it is running"
    assert "waits" in why[needed]
    assert "tunes" in why[named]
    assert store.collect(every, What.RUNS, ANNA) == 0
    assert run_dir(store, needed).exists()
    assert run_dir(store, named).exists()


def test_a_job_that_came_to_need_it_since_the_survey_keeps_it(store):
    job = ran(store, training("job"))
    assert found(store) == {job: ""}
    store.verbs.submit([submission(command("late", after=("job",)))], ANNA)
    assert store.collect([job], What.RUNS, ANNA) == 0
    assert run_dir(store, job).exists()


def test_of_succeeded_trainings_the_best_weights_can_stay_alone(store):
    good, bad = ran(store, training("good")), ran(store, training("bad"), failed=True)
    why = found(store, What.CHECKPOINTS)
    assert why[good] == ""
    assert "retry" in why[bad]
    assert store.collect([good, bad], What.CHECKPOINTS, ANNA) > 0
    assert [each.name for each in (run_dir(store, good) / "train/weights").iterdir()] == ["best.pt"]
    assert len(list((run_dir(store, bad) / "train/weights").iterdir())) == 4


@pytest.mark.parametrize("forged", ["home", "link", "other job", "no spec", "root"])
def test_a_path_in_the_database_is_not_enough_to_remove_a_tree(store, tmp_path, forged):
    job = ran(store, training("job"))
    own = run_dir(store, job)
    precious = tmp_path / "000001-precious"
    precious.mkdir()
    (precious / "thesis.tex").touch()
    link = own.with_name("000001-link")
    link.symlink_to(precious)
    (precious / "spec.json").write_text(json.dumps({"job": job if forged == "link" else job + 1}))
    if forged == "no spec":
        (own / "spec.json").unlink()
    path = {"home": store.home.root, "link": link, "other job": precious, "no spec": own, "root": Path("/")}[forged]
    with store._database.write(ANNA) as write:
        write.execute("UPDATE jobs SET run_dir = ? WHERE id = ?", (str(path), job))
    assert "does not look like" in found(store)[job]
    assert store.collect([job], What.RUNS, ANNA) == 0
    assert (precious / "thesis.tex").exists()
    assert own.exists()


def test_somebody_elses_job_is_not_removed(store, monkeypatch):
    job = ran(store, training("job"))
    monkeypatch.setattr(os, "getuid", lambda: 4711)
    assert store.collect([job], What.RUNS, Actor("mallory", 666)) == 0
    assert run_dir(store, job).exists()


def test_what_an_interrupted_collection_set_aside_is_swept(tmp_path):
    left = tmp_path / ".collected-000001-job-17"
    (left / "deep").mkdir(parents=True)
    (tmp_path / "000002-other").mkdir()
    sweep([tmp_path])
    assert [each.name for each in tmp_path.iterdir()] == ["000002-other"]
