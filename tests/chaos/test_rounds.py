"""A few rounds of chaos, small enough for every change; `make chaos SEED=… ROUNDS=…` plays as many as you like."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.chaos import small_disk
from tests.chaos.fate import has_compiler
from tests.chaos.laboratory import Round, play

pytestmark = pytest.mark.skipif(not has_compiler(), reason="needs a C compiler for the library that is fate")


# Those whose victims are there wherever anything is going on: a round must not depend on luck.
SURE = (
    *("kill-scheduler", "kill-shim", "kill-trainer", "kill-shim-and-trainer", "kill-shim-scheduler-and-trainer"),
    *("terminate-trainer", "freeze-scheduler", "freeze-shim", "disk-full", "disk-fails", "disk-is-read-only"),
    *("queue-is-locked", "samples-are-deleted", "checkpoint-is-cut", "checkpoint-has-a-flipped-bit", "clock-jumps"),
    *("events-are-torn", "results-are-cut", "two-schedulers", "reboot", "lose-a-gpu", "break-the-driver", "hang-up"),
)


@pytest.mark.parametrize("seed", range(16))
def test_no_promise_is_broken(tmp_path: Path, seed: int) -> None:
    found = play(Round(seed, faults=2, jobs=2, most_epochs=6, only=SURE, patience_s=60.0), tmp_path / "night")
    assert found.violations == []
    assert found.faults.total() == 2


def test_no_promise_is_broken_on_a_disk_that_is_really_full(tmp_path: Path) -> None:
    if why_not := small_disk.why_not():
        pytest.skip(f"no disk can be mounted here: {why_not}")
    options = ["--rounds", "1", "--faults", "2", "--small-disk", "--only", "disk-is-filled", "--keep", str(tmp_path)]
    played = subprocess.run(
        [sys.executable, "-m", "tests.chaos", *options], capture_output=True, text=True, check=False
    )
    assert played.returncode == 0, played.stdout + played.stderr
    assert re.search(r"^disk-is-filled +2 +0$", played.stdout, re.MULTILINE), played.stdout


def test_a_plan_hangs_on_its_seed_alone() -> None:
    assert Round(7).plan == Round(7).plan
    assert Round(7).plan != Round(8).plan
