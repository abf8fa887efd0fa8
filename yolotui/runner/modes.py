"""Validation, prediction and export with Ultralytics."""

from __future__ import annotations

import os
import shutil
from typing import Any

from . import device
from .events import EventLog
from .job import Job, find_model
from .training import open_ultralytics, versions, weights_dir
from .verdict import Progress


def run(job: Job, events: EventLog, progress: Progress) -> None:
    """Do what the kind says; results go to the run directory, what came out into the last event."""
    path = find_model(job.model, weights_dir(job))
    version = open_ultralytics(job)
    from ultralytics import YOLO

    os.makedirs(job.results_dir, exist_ok=True)
    if job.kind == "export":
        # Exporters write beside the weights, where another run's files may be.
        path = shutil.copy(path, os.path.join(job.results_dir, os.path.basename(path)))
    model = YOLO(path, task=job.task)
    chosen = device.device_argument(version, job.gpus, cpu=job.cpu)
    events.write("start", versions=versions(version), task=model.task, save_dir=job.results_dir, device=chosen)
    arguments: dict[str, Any] = {**job.arguments, "device": chosen}
    {"val": _validate, "predict": _predict, "export": _export}[job.kind](model, job, arguments, progress)


def _validate(model: Any, job: Job, arguments: dict[str, Any], progress: Progress) -> None:
    if job.data:
        arguments["data"] = job.data
    outcome = model.val(**arguments, save_dir=job.results_dir)
    progress.metrics = dict(outcome.results_dict)


def _predict(model: Any, job: Job, arguments: dict[str, Any], progress: Progress) -> None:
    images = found = 0
    # As a stream: a list of all results of a long video would fill the memory.
    for result in model.predict(**{"save": True, **arguments}, save_dir=job.results_dir, stream=True):
        images += 1
        found += len(result.boxes) if result.boxes is not None else 0
    progress.metrics = {"images": images, "objects": found}


def _export(model: Any, job: Job, arguments: dict[str, Any], progress: Progress) -> None:
    exported = model.export(**arguments)
    progress.artifacts["exported"] = os.path.join(job.results_dir, os.path.basename(str(exported).rstrip("/")))
