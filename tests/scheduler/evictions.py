"""Trainings that take no time to speak of, and what makes them make room."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from tests.scheduler.conftest import Rig
from yolotui.core.jobs import Job, JobSpec, Kind, Notice

DOUBLES = Path(__file__).parents[1] / "chaos" / "doubles"


def double(rig: Rig, *, epochs: int, batch_s: float = 0.02, name: str = "double", **options: Any) -> JobSpec:
    """A training under the real runner, on a stand-in for Ultralytics: an epoch is three batches."""
    data = rig.home.root / "data.yaml"
    data.touch()
    if not rig.home.config.exists():
        rig.home.config.write_text('[scheduling]\npreflight = "off"\n')  # its data set is none
    return JobSpec(
        name=name, kind=Kind.TRAIN, model="yolo11n.yaml", data=str(data), arguments={"epochs": epochs},
        env={"PYTHONPATH": str(DOUBLES), "DOUBLE_BATCH_S": str(batch_s), "PATH": os.environ["PATH"]},
        retries=options.pop("retries", 0), **options,
    )  # fmt: skip


def notice(**options: Any) -> Notice:
    """A notice that is due at once."""
    given = {"given_at": 0.0, "due_at": 0.0, "why": "Job 99 goes first.", "for_job": 99, "loses_s": 120.0}
    return Notice(**{**given, **options})


def rows_of_csv(job: Job) -> list[int]:
    """The epochs in results.csv, as Ultralytics wrote them."""
    lines = Path(job.run_dir, "train/results.csv").read_text().splitlines()[1:]
    return [int(float(line.split(",")[0])) for line in lines]
