"""What is known of one run from its directory, ready to be drawn. Frozen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class BatchNow:
    """The batch that was trained last; `step_s` is all of its time, of which `wait_share` was waiting for data."""

    epoch: int
    batch: int
    batches: int
    images_per_s: float | None = None
    wait_share: float | None = None
    step_s: float | None = None
    gradient_norm: float | None = None
    memory_bytes: int | None = None
    lr: float | None = None


@dataclass(frozen=True)
class RunView:
    """Series by epoch (`columns` by their name in results.csv, NaN where a row lacks one), the newest batches, the log.

    `images_per_s` and `batch_losses` are of the newest batches, oldest first.
    """

    job_id: int
    epochs: tuple[int, ...] = ()
    columns: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    batch: BatchNow | None = None
    images_per_s: tuple[float, ...] = ()
    batch_losses: tuple[float, ...] = ()
    phase: str = ""
    log: tuple[str, ...] = ()
    log_path: str = ""
