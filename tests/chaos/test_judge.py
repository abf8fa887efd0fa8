"""The judge has eyes: one sound night, and everything that could be wrong with it."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.chaos.fate import has_compiler
from tests.chaos.history import History
from tests.chaos.judge import judge
from tests.chaos.laboratory import settle
from tests.chaos.night import Night, nothing
from tests.chaos.people import People

pytestmark = pytest.mark.skipif(not has_compiler(), reason="needs a C compiler for the library that is fate")


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A night in which two jobs were submitted, one of them was held and released, and nothing was broken."""
    root = tmp_path_factory.mktemp("judge") / "night"
    night = Night(root, seed=0)
    try:
        (root / "data.yaml").write_text("names: [circle]\n")
        (night.home / "config.toml").write_text('[scheduling]\npreflight = "off"\n')  # there are no images
        people = People(night, night.chance, most_jobs=2)
        people.add_training()
        people.add_errand()
        while night.verbs:
            night.live(0.01)
        night.say("priority", "P0", "1", expects=[("priority", 1)])
        night.on_idle = nothing
        settle(night)
    finally:
        night.close()
    assert judge(root).violations == []
    return root


@pytest.fixture
def night(sound: Path, tmp_path: Path) -> Path:
    """A copy of it, to be tampered with."""
    copy = tmp_path / "night"
    shutil.copytree(sound, copy)
    with tampering(copy) as queue:
        queue.execute("UPDATE jobs SET run_dir = replace(run_dir, ?, ?)", (str(sound), str(copy)))
    return copy


@contextmanager
def tampering(night: Path) -> Iterator[sqlite3.Connection]:
    """The queue, without what protects its log."""
    queue = sqlite3.connect(night / "home/queue.db")
    for (name,) in queue.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
        queue.execute(f"DROP TRIGGER {name}")
    yield queue
    queue.commit()
    queue.close()


def run_dir(night: Path) -> Path:
    return next((night / "home/runs").glob("*-training-*"))


def sql(statement: str) -> Callable[[Path], None]:
    def tamper(night: Path) -> None:
        with tampering(night) as queue:
            queue.execute(statement)

    return tamper


def tell(file: str, event: str, **fields: object) -> Callable[[Path], None]:
    return lambda night: History(night / file).note(event, **fields)


def lose_epochs(night: Path) -> None:
    told = night / "witness/told.jsonl"
    lines = [json.loads(line) for line in told.read_text().splitlines()]
    told.write_text("".join(json.dumps({**line, "whole": {"best.pt": 3}}) + "\n" for line in lines))


def double_an_epoch(night: Path) -> None:
    table = run_dir(night) / "train/results.csv"
    table.write_text(table.read_text() + table.read_text().splitlines(keepends=True)[-1])


def fail_for_nothing(night: Path) -> None:
    with tampering(night) as queue:
        (text,) = queue.execute("SELECT record FROM attempts WHERE job = 1").fetchone()
        record = {**json.loads(text), "outcome": "failed", "cause": "killed", "explanation": "?"}
        queue.execute("UPDATE attempts SET record = ? WHERE job = 1", (json.dumps(record),))


def lower_the_quota(night: Path) -> None:
    with tampering(night) as queue:
        queue.execute("UPDATE jobs SET group_name = 'team'")
    (night / "home/config.toml").write_text("[quotas.groups.team]\ngpus = 0\n")


@pytest.mark.parametrize(
    ("tamper", "says"),
    [
        (sql("DELETE FROM audit WHERE verb = 'priority'"), "done is set()"),
        (sql("DELETE FROM audit WHERE verb = 'start' AND job = 1"), "run found job 1"),
        (sql("UPDATE jobs SET status = '{\"state\": \"waiting\", \"since\": 1}' WHERE id = 1"), "was forgotten"),
        (sql("UPDATE jobs SET name = 'another' WHERE id = 1"), "its jobs are there [0] times"),
        (sql("UPDATE audit SET detail = json_set(detail, '$.attempt', 7) WHERE verb = 'end'"), "ended attempt 7"),
        (sql("INSERT INTO leases (gpu, job, attempt, leased_at) VALUES ('GPU-x', 1, 1, 0)"), "leases are left"),
        (lower_the_quota, "and may have 0"),
        (fail_for_nothing, "nobody harmed it"),
        (lose_epochs, "went on from epoch 0"),
        (double_an_epoch, "its results.csv has"),
        (tell("witness/told.jsonl", "conflict", what="gpu-GPU-a", attempt="x", pid=1), "two lives at once"),
        (tell("history.jsonl", "left", processes=["trainer 12"]), "outlives its job"),
        (tell("history.jsonl", "bystanders", lost=[12]), "a stranger was killed"),
        (lambda night: (night / "said/V1").write_text("Traceback (most recent call last):\n  x"), "has a traceback"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_seen(night: Path, tamper: Callable[[Path], None], says: str) -> None:
    assert judge(night).violations == []
    tamper(night)
    violations = judge(night).violations
    assert any(says in each for each in violations), violations
