"""The few numbers about a run that the queue keeps."""

from __future__ import annotations

from math import isfinite

from yolotui.core.estimating import rhythm
from yolotui.core.jobs import Progress
from yolotui.telemetry.series import EpochRow, RunSeries

_SCORES = ("metrics/mAP50-95", "metrics/accuracy_top1", "metrics/mIoU", "metrics/delta1", "metrics/mAP50")


def progress(series: RunSeries, *, epochs_asked: int | None = None) -> Progress:
    """Sum up a run. `epochs_asked` counts where the run itself does not say how many epochs it makes."""
    best = best_row(series)
    last = series.epochs[-1] if series.epochs else None
    final = _final(series)
    return Progress(
        epochs_done=max(last.epoch if last else 0, series.resumed_from_epoch or 0),
        epochs_total=series.epochs_total or epochs_asked,
        epoch_s=rhythm_s(series),
        phase=series.phase,
        best=_measured(best) or final,
        last=_measured(last) or final,
        best_epoch=best.epoch if best else None,
        checkpoint_at=series.checkpoint_at_s,
        first=_training_losses(series.epochs[0]) if series.epochs and series.epochs[0].epoch == 1 else {},
    )


def _final(series: RunSeries) -> dict[str, float]:
    """What a run without epochs measured, a validation: its last word."""
    metrics = (series.end.metrics if series.end else None) or {}
    return {
        name: float(value)
        for name, value in metrics.items()
        if name.startswith("metrics/") and isinstance(value, int | float) and isfinite(value)
    }


def best_row(series: RunSeries) -> EpochRow | None:
    """The best epoch, the first of equals: by fitness, else by the trainer's word, else by the task's first metric."""
    fit = [row for row in series.epochs if row.fitness is not None]
    if fit:  # the trainer's own best epoch may be that of its session alone
        return max(fit, key=lambda row: row.fitness or 0.0)
    named = next((row for row in series.epochs if row.epoch == series.best_epoch), None)
    scored = [(score, row) for row in series.epochs if (score := _score(row)) is not None]
    return named or (max(scored, key=lambda each: each[0])[1] if scored else None)


def rhythm_s(series: RunSeries) -> float | None:
    """The rhythm of the newest attempt, in seconds; None before its first epoch has ended."""
    told = series.newest is not None and series.newest.first_at_s is not None
    number = series.newest.number if series.newest and told else 0
    durations = [row.epoch_s for row in series.epochs if row.attempt == number and row.epoch_s is not None]
    return rhythm(durations)


def _score(row: EpochRow) -> float | None:
    for prefix in _SCORES:  # "metrics/mAP50-95(B)" and "(M)" of a segmentation count together
        values = [value for name, value in row.metrics.items() if name == prefix or name.startswith(f"{prefix}(")]
        if values:
            return sum(values)
    return None


def _training_losses(row: EpochRow) -> dict[str, float]:
    return {name: value for name, value in row.metrics.items() if name.startswith("train/")}


def _measured(row: EpochRow | None) -> dict[str, float]:
    if row is None:
        return {}
    return {name: value for name, value in row.metrics.items() if name.startswith(("metrics/", "val/"))}
