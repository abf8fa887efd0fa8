"""A few rounds of chaos, small enough for every change; `make chaos SEED=… ROUNDS=…` plays as many as you like."""

from __future__ import annotations

from pathlib import Path

import pytest

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


def test_a_plan_hangs_on_its_seed_alone() -> None:
    assert Round(7).plan == Round(7).plan
    assert Round(7).plan != Round(8).plan
