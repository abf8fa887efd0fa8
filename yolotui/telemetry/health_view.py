"""A run's series as health rules look at it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import NoneType
from typing import Any

from yolotui.core.health import Altered, EpochView, RunView
from yolotui.telemetry.pace import Pace
from yolotui.telemetry.series import EpochRow, RunSeries

_PLAIN = (bool, int, float, str, NoneType)
_LOSS = re.compile(r"(train|val)/(?:(\w+)_)?loss")


def run_view(series: RunSeries, asked: Mapping[str, Any], *, epochs_asked: int | None = None) -> RunView:
    """A run by its own directory, without what its machine and other runs say.

    `asked` are the job's arguments with the model. What the trainer told that is in force goes before them, but for
    the model: a resumed training names its checkpoint.
    """
    start = next((attempt.start for attempt in reversed(series.attempts) if attempt.start), None)
    settings = {**asked, **(start.settings if start else {}), "model": asked.get("model")}
    return RunView(
        epochs=tuple(_epoch(row, series.paces.get(row.epoch, Pace())) for row in series.epochs),
        epochs_total=series.epochs_total or epochs_asked,
        settings={name: value for name, value in settings.items() if isinstance(value, _PLAIN)},
        altered=_alterations(series),
        images=start.images if start else None,
        images_without_labels=start.images_without_labels if start else 0,
        images_per_class=start.images_per_class if start else {},
        on_cores=start is not None and str(start.device) == "cpu",
    )


def _alterations(series: RunSeries) -> tuple[Altered, ...]:
    """What is not as it was asked for, since the run began from its beginning for the last time."""
    fresh = (each.number for each in series.attempts if each.start and each.start.resumed_from_epoch is None)
    begun = max(fresh, default=0)
    return tuple(
        Altered(
            change.what,
            str(change.before),
            "" if change.to is None else str(change.to),
            change.why,
            epoch=change.to if change.what == "epoch" and isinstance(change.to, int) else 0,
        )
        for change in series.changes
        if change.attempt >= begun
    )


def _epoch(row: EpochRow, pace: Pace) -> EpochView:
    return EpochView(
        epoch=row.epoch,
        train=_losses(row.metrics, "train"),
        val=_losses(row.metrics, "val"),
        map50_95=_metric(row.metrics, "mAP50-95"),
        map50=_metric(row.metrics, "mAP50"),
        precision=_metric(row.metrics, "precision"),
        recall=_metric(row.metrics, "recall"),
        lr=row.metrics.get("lr/pg0"),
        images_per_s=pace.images_per_s,
        wait_share=pace.wait_share,
        gradient_norm=pace.gradient_norm,
        nonfinite=row.nonfinite,
    )


def _losses(metrics: Mapping[str, float], side: str) -> dict[str, float]:
    """Losses by their short name: "train/box_loss" is "box"; a classifier's one loss is called "loss"."""
    found = ((_LOSS.fullmatch(name), value) for name, value in metrics.items())
    return {match[2] or "loss": value for match, value in found if match and match[1] == side}


def _metric(metrics: Mapping[str, float], name: str) -> float | None:
    """A metric of whatever task: "metrics/mAP50(B)", or "(M)", "(P)" where there are no boxes."""
    return next((value for key, value in metrics.items() if re.fullmatch(rf"metrics/{name}(\(\w\))?", key)), None)
