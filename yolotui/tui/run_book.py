"""Everything that the screen of one run shows, read from its directory and from the GPU samples. Frozen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from yolotui.core.preflight import Preflight
from yolotui.telemetry.series import AttemptInfo, Change
from yolotui.tui.run_view import RunView


@dataclass(frozen=True)
class RunFile:
    """A file that the run has left."""

    path: Path
    size_bytes: int
    modified_at: float


@dataclass(frozen=True)
class RunBook:
    """A run, epoch by epoch: what is no file, change or attempt has a value for each of `run.epochs`.

    `pace` maps a name to values, NaN where there is none: `images_per_s`, `wait_percent`, `wait_ms`, `compute_ms`,
    `gradient_norm`, `reserved_bytes` as the trainer told them, `gpu_percent`, `gpu_bytes` as the cards were sampled.
    `ended_at` are UTC seconds or None. `preflight` is what was found before its start.
    """

    run: RunView
    elapsed_s: tuple[float, ...] = ()
    ended_at: tuple[float | None, ...] = ()
    epoch_attempts: tuple[int, ...] = ()
    pace: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    changes: tuple[Change, ...] = ()
    attempts: tuple[AttemptInfo, ...] = ()
    checkpoints: tuple[RunFile, ...] = ()
    artefacts: tuple[RunFile, ...] = ()
    preflight: Preflight | None = None
