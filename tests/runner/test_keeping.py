from __future__ import annotations

import pytest

from tests.runner.rig import write_checkpoint
from yolotui.runner import checkpoints, keeping


@pytest.mark.parametrize(
    ("keep", "kept"),
    [(10, [10, 20, 30]), ([1, 7, 20], [1, 7, 20]), (None, []), ([], []), (0, []), (1, [*range(1, 31)])],
)
def test_which_epochs_stay(keep, kept):
    assert [epoch for epoch in range(1, 31) if keeping.keeps(keep, epoch)] == kept


def test_a_kept_checkpoint_outlives_the_saves_that_follow_and_can_be_resumed_from(tmp_path):
    last = tmp_path / "weights" / "last.pt"
    last.parent.mkdir()
    write_checkpoint(last, epoch=9, epochs=20)
    keeping.keep_copy(str(last), 10)
    keeping.keep_copy(str(last), 10)  # an attempt that trains this epoch again
    last.unlink()
    write_checkpoint(last, epoch=10, epochs=20)
    assert checkpoints.inspect(last.with_name("epoch10.pt")).epoch == 10
    assert sorted(each.name for each in last.parent.iterdir()) == ["epoch10.pt", "last.pt"]
    last.write_bytes(b"")
    choice = checkpoints.choose(tmp_path)
    assert choice.resume is not None
    assert choice.resume.epoch == 10
