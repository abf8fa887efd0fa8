"""A checkpoint is somebody's program. Nothing but the trainer ever runs it."""

from __future__ import annotations

import os
import pickle
import zipfile
from pathlib import Path

import pytest

from tests.cli.conftest import Shell
from tests.cli.states import end, start
from tests.store.builders import ANNA, submission, training
from yolotui.cli.main import cli
from yolotui.core.jobs import Failed
from yolotui.repair import repair
from yolotui.runner import checkpoints
from yolotui.scheduler.preparing import prepare
from yolotui.store import Store
from yolotui.telemetry import RunReader

CHANGE = {"add", "run", "edit", "demo", "weights", "completion", "config", "scheduler", "simulate", "gc", "wait"}


class Malicious:
    """What pickle runs when it is loaded: a shell."""

    def __init__(self, witness: Path) -> None:
        self._witness = witness

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.system, (f"touch {self._witness}",)


@pytest.fixture
def witness(tmp_path: Path) -> Path:
    return tmp_path / "witness"


@pytest.fixture
def trapped(store: Store, witness: Path) -> int:
    """A failed training in whose run directory every checkpoint runs a program when it is loaded."""
    (job_id,) = store.verbs.submit([submission(training("trapped"))], ANNA)
    run_dir = Path(store.read.job(job_id).run_dir)
    weights = run_dir / "train" / "weights"
    weights.mkdir(parents=True)
    content = {"epoch": 3, "train_args": {"epochs": 10}, "optimizer": Malicious(witness), "x": Malicious(witness)}
    for name in ("last.pt", "last.prev.pt", "best.pt", "epoch2.pt"):
        with zipfile.ZipFile(weights / name, "w") as archive:
            archive.writestr("last/data.pkl", pickle.dumps(content, protocol=2))
    for name in ("results.csv", "args.yaml", "labels.cache"):  # a pickle under another name
        (run_dir / "train" / name).write_bytes(pickle.dumps(Malicious(witness)))
    attempt = run_dir / "attempt-1"
    attempt.mkdir()
    for name in ("events.jsonl", "console.log", "exit.json", "launch.json", "control.json", "process.json"):
        (attempt / name).write_bytes(pickle.dumps(Malicious(witness)))
    (run_dir / "spec.json").write_bytes(pickle.dumps(Malicious(witness)))
    start(store, job_id)
    end(store, job_id, Failed(2e9, "exit", "it failed"))
    return job_id


def test_the_trap_would_snap(witness: Path) -> None:
    pickle.loads(pickle.dumps(Malicious(witness)))
    assert witness.exists()


@pytest.mark.parametrize("verb", sorted(cli.verbs.keys() - CHANGE))
def test_no_verb_runs_what_a_checkpoint_holds(shell: Shell, trapped: int, witness: Path, verb: str) -> None:
    for words in ([], [str(trapped)], [str(trapped), str(trapped)], ["P0", str(trapped)], ["--json"]):
        shell(verb, *words)
    assert not witness.exists()


@pytest.mark.parametrize("words", ["gc --older-than 0 --dry-run --checkpoints", "show {id} --json", "doctor --json"])
def test_nor_does_any_of_these(shell: Shell, trapped: int, witness: Path, words: str) -> None:
    assert shell(*words.format(id=trapped).split()).exit_code in {0, 1}
    assert not witness.exists()


def test_nor_does_the_scheduler_that_chooses_one_to_resume_from(store: Store, trapped: int, witness: Path) -> None:
    job = store.read.job(trapped)
    beginning = prepare(job, [])
    assert beginning.resume_from is not None
    assert beginning.resume_from.endswith("last.pt")
    RunReader(job.run_dir).poll()
    assert checkpoints.choose(Path(job.run_dir) / "train").resume is not None
    assert not witness.exists()


def test_nor_does_a_repair(store: Store, trapped: int, witness: Path) -> None:
    home = store.home
    store.close()
    home.queue.unlink()
    repair(home, [home.runs])
    assert not witness.exists()
