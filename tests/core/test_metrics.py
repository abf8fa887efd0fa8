"""The number that a run is judged by, for each of Ultralytics' tasks."""

from __future__ import annotations

import pytest

from yolotui.core.metrics import main_column, main_metric


@pytest.mark.parametrize(
    ("columns", "main"),
    [
        (["train/box_loss", "metrics/mAP50(B)", "metrics/mAP50-95(B)"], "metrics/mAP50-95(B)"),
        (["metrics/mAP50-95(M)", "metrics/mAP50-95(B)"], "metrics/mAP50-95(B)"),
        (["metrics/accuracy_top5", "metrics/accuracy_top1"], "metrics/accuracy_top1"),
        (["metrics/pixel_acc", "metrics/mIoU"], "metrics/mIoU"),
        (["metrics/delta1", "metrics/delta2", "metrics/abs_rel"], "metrics/delta1"),
        (["train/box_loss", "lr/pg0"], None),
    ],
    ids=["detect", "segment", "classify", "semantic", "depth", "nothing"],
)
def test_each_task_has_a_number_that_its_runs_are_judged_by(columns: list[str], main: str | None) -> None:
    assert main_column(columns) == main
    assert main_metric(dict.fromkeys(columns, 0.5)) == (main and (main, 0.5))
