"""Reads run directories as they grow: one continuous series of epochs over all attempts, the live batches, the log."""

from __future__ import annotations

from yolotui.telemetry.growing import IncrementalLines
from yolotui.telemetry.log_tail import LogTail
from yolotui.telemetry.progress import progress
from yolotui.telemetry.run_reader import RunReader
from yolotui.telemetry.series import AttemptInfo, BatchPoint, Change, EpochRow, RunSeries

__all__ = [
    "AttemptInfo",
    "BatchPoint",
    "Change",
    "EpochRow",
    "IncrementalLines",
    "LogTail",
    "RunReader",
    "RunSeries",
    "progress",
]
