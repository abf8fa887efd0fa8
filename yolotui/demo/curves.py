"""Numbers as a training that learns would write them. Pure: the same job and epoch always give the same row."""

from __future__ import annotations

import math
import random

LOSSES = {"box_loss": 1.9, "cls_loss": 3.1, "dfl_loss": 1.6}
TYPICAL_EPOCHS = 100


def metrics(key: int, epoch: int, epochs: int = TYPICAL_EPOCHS) -> dict[str, float]:
    """The columns of results.csv, but for epoch and time, of a run that `key` tells from others."""
    noise = random.Random(key * 10_007 + epoch)  # noqa: S311 — a picture, no secret
    learnt = 1 - math.exp(-epoch / (14 + key % 5))
    rows = {f"train/{name}": top * (1 - 0.72 * learnt) + noise.gauss(0, 0.02) for name, top in LOSSES.items()}
    rows |= {
        "metrics/precision(B)": 0.86 * learnt + noise.gauss(0, 0.015),
        "metrics/recall(B)": 0.79 * learnt + noise.gauss(0, 0.015),
        "metrics/mAP50(B)": 0.81 * learnt + noise.gauss(0, 0.012),
        "metrics/mAP50-95(B)": (0.56 + key % 4 * 0.02) * learnt + noise.gauss(0, 0.006),
    }
    rows |= {f"val/{name}": top * (1.05 - 0.66 * learnt) + noise.gauss(0, 0.03) for name, top in LOSSES.items()}
    return {**rows, "lr/pg0": learning_rate(epoch, epochs)}


def learning_rate(epoch: int, epochs: int) -> float:
    """Warm-up over three epochs, then down in a straight line."""
    return 0.01 * min(1, epoch / 3) * (1 - epoch / (1.1 * max(epoch, epochs)))


def batch_losses(key: int, epoch: int, batch: int) -> dict[str, float]:
    """The losses of one batch: those of its epoch, and noise."""
    noise = random.Random(key * 31 + epoch * 1009 + batch)  # noqa: S311
    row = metrics(key, epoch)
    return {name: row[f"train/{name}"] + noise.gauss(0, 0.05) for name in LOSSES}
