"""How much room a training takes on the disk: a careful guess from its model, made before anything is written. Pure."""

from __future__ import annotations

import re
from pathlib import PurePath

from yolotui.core.jobs import JobSpec

# Per parameter a checkpoint holds the averaged weights (2 bytes) and AdamW's state (8 bytes); stripped weights hold 2.
CHECKPOINT_BYTES = 10
STRIPPED_BYTES = 2
# The largest model of each scale over the families that Ultralytics has, in parameters.
PARAMETERS = {"n": 4_000_000, "t": 4_000_000, "s": 13_000_000, "m": 28_000_000, "l": 55_000_000, "x": 100_000_000}
UNKNOWN_PARAMETERS = PARAMETERS["m"]
ALWAYS_THERE = 4  # last.pt, the one before it, best.pt, and the one that is being written
BESIDE_BYTES = 50 * 1024**2  # plots, events, the log

_SCALE = re.compile(r"[\d-]([ntsmlx])u?(?=[.-]|$)", re.IGNORECASE)  # yolo11n.yaml, yolov8x-seg.pt, rtdetr-l.pt


def run_bytes(spec: JobSpec, weights_bytes: int | None = None) -> int:
    """What a training's run directory may grow to. `weights_bytes`: the size of the weights that it starts from."""
    per_checkpoint = CHECKPOINT_BYTES * _parameters(spec.model or "", weights_bytes)
    return per_checkpoint * (ALWAYS_THERE + _kept(spec)) + BESIDE_BYTES


def _parameters(model: str, weights_bytes: int | None) -> int:
    if weights_bytes:
        return weights_bytes // STRIPPED_BYTES
    match = _SCALE.search(PurePath(model).name)
    return PARAMETERS[match[1].lower()] if match else UNKNOWN_PARAMETERS


def _kept(spec: JobSpec) -> int:
    """How many checkpoints of single epochs stay beside the latest."""
    epochs = spec.epochs or 100
    period = spec.arguments.get("save_period")
    if isinstance(period, int) and period > 0:
        return -(-epochs // period)
    if isinstance(spec.keep, int):
        return epochs // spec.keep
    return sum(1 for epoch in spec.keep or () if epoch <= epochs)
