"""The number that a run is judged by."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

MAIN_METRICS = (
    "mAP50-95(B)",
    "mAP50-95(M)",
    "mAP50-95(P)",
    "mAP50-95",
    "accuracy_top1",
    "mIoU",
    "delta1",
    "mAP50(B)",
    "fitness",
)
"""By the end of their column's name, the most telling first; more is better in each."""


def main_column(columns: Iterable[str]) -> str | None:
    """The column that a run is judged by: mAP50-95 of boxes, else of masks…, else top-1 accuracy; None without any."""
    names = list(columns)
    for metric in MAIN_METRICS:
        for column in names:
            if column == metric or column.endswith("/" + metric):
                return column
    return None


def main_metric(metrics: Mapping[str, float]) -> tuple[str, float] | None:
    """That column with its value."""
    column = main_column(metrics)
    return None if column is None else (column, metrics[column])
