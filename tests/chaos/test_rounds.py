"""A few rounds of chaos, small enough for every change; `make chaos SEED=… ROUNDS=…` plays as many as you like."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.chaos.fate import has_compiler
from tests.chaos.laboratory import Round, play

pytestmark = pytest.mark.skipif(not has_compiler(), reason="needs a C compiler for the library that is fate")


@pytest.mark.parametrize("seed", range(24))
def test_no_promise_is_broken(tmp_path: Path, seed: int) -> None:
    found = play(Round(seed, faults=2, jobs=2, most_epochs=6), tmp_path / "night")
    assert found.violations == []
    assert found.verbs > 0


def test_a_plan_hangs_on_its_seed_alone() -> None:
    assert Round(7).plan == Round(7).plan
    assert Round(7).plan != Round(8).plan
