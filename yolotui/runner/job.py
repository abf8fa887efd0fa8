"""What a trainer is asked to do: the frozen spec of the job and the launch order of the attempt."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from typing import Any, Mapping

from .keeping import Keep

# Where results go, what is trained and on what is ours to say; a job's arguments can't.
RESERVED = frozenset({"model", "data", "task", "mode", "device", "project", "name", "exist_ok", "save_dir", "resume"})
KINDS = ("train", "val", "predict", "export")


class WrongJobError(Exception):
    """The job can never work as asked; trying again would not help."""


@dataclass(frozen=True)
class Job:
    """One attempt of one job. Paths are absolute; `gpus` counts the ranks on the CPU when `cpu` is set."""

    attempt_dir: str
    kind: str
    model: str
    task: str | None = None
    data: str | None = None
    arguments: Mapping[str, Any] = field(default_factory=dict)
    refused: Mapping[str, Any] = field(default_factory=dict)
    resume_from: str | None = None
    batch_override: int | None = None
    gpus: int = 0
    cpu: bool = True
    finalize: bool = False
    keep: Keep = None

    @property
    def run_dir(self) -> str:
        """The attempt lies in it. Asked of the path, not of the spec: a run directory may have been moved."""
        return os.path.dirname(self.attempt_dir)

    @property
    def results_dir(self) -> str:
        """Where Ultralytics writes."""
        return os.path.join(self.run_dir, self.kind)

    @property
    def weights_dir(self) -> str:
        """Where the checkpoints of a training are."""
        return os.path.join(self.results_dir, "weights")


def read(attempt_dir: str) -> Job:
    """Read spec.json and launch.json. Raises WrongJobError when they can't be carried out."""
    attempt_dir = os.path.abspath(attempt_dir)
    spec = _load(os.path.join(os.path.dirname(attempt_dir), "spec.json"))
    order = _load(os.path.join(attempt_dir, "launch.json")).get("trainer") or {}
    if spec.get("kind") not in KINDS:
        raise WrongJobError("a trainer can't do {!r}: it knows {}".format(spec.get("kind"), ", ".join(KINDS)))
    if not spec.get("model"):
        raise WrongJobError("the job names no model")
    try:
        job = _understood(attempt_dir, spec, order)
    except (TypeError, ValueError, AttributeError, OverflowError) as problem:
        raise WrongJobError(f"spec.json or launch.json can't be understood: {problem}") from problem
    _check_files(job)
    return job


def _understood(attempt_dir: str, spec: Mapping[str, Any], order: Mapping[str, Any]) -> Job:
    arguments = dict(spec.get("arguments") or {})
    if order.get("workers") is not None:
        arguments.setdefault("workers", order["workers"])
    return Job(
        attempt_dir=attempt_dir,
        kind=spec["kind"],
        model=spec["model"],
        task=spec.get("task"),
        data=spec.get("data") or arguments.get("data"),
        arguments={name: value for name, value in arguments.items() if name not in RESERVED},
        refused={name: value for name, value in arguments.items() if name in RESERVED - {"data"}},
        resume_from=order.get("resume_from"),
        batch_override=(order.get("batch_override") or {}).get("batch"),
        gpus=int(order.get("gpus") or 0),
        cpu=bool(order.get("cpu", not order.get("gpus"))),
        finalize=bool(order.get("finalize")),
        keep=spec.get("keep"),
    )


def find_model(name: str, weights_dir: str) -> str:
    """The file of a model; a bare name of weights is looked for among those fetched once. Raises WrongJobError."""
    if not name.endswith((".pt", ".onnx", ".engine", ".torchscript")) and not os.path.isabs(name):
        return name  # a model's yaml comes with Ultralytics
    for candidate in (name, os.path.join(weights_dir, name)):
        if os.path.isabs(candidate) and os.path.exists(candidate):
            return candidate
    way_out = "" if os.path.isabs(name) else f"; `yolotui weights {name}` fetches it once"
    raise WrongJobError(f"no such model: {name}{way_out}")


def _check_files(job: Job) -> None:
    """Say what is missing before Ultralytics spends seconds on finding out, or the network on looking for it."""
    if job.kind == "train" and not job.data:
        raise WrongJobError("a training needs data")
    if job.data and os.path.isabs(str(job.data)) and not os.path.exists(job.data):
        raise WrongJobError(f"no such data set: {job.data}")
    if job.kind == "predict" and not job.arguments.get("source"):
        raise WrongJobError("a prediction needs a source")
    if job.resume_from and not os.path.isfile(job.resume_from):
        raise WrongJobError(f"no such checkpoint to resume from: {job.resume_from}")
    batch = job.arguments.get("batch")
    if job.gpus > 1 and isinstance(batch, (int, float)) and batch < 1:
        raise WrongJobError(f"batch={batch} asks for an automatic batch size, which exists for one GPU only")


def _load(path: str) -> dict[str, Any]:
    try:
        with open(path, encoding="utf-8") as file:
            content = json.load(file)
    except (OSError, ValueError, RecursionError) as problem:
        raise WrongJobError(f"can't read {path}: {problem}") from problem
    if not isinstance(content, dict):
        raise WrongJobError(f"{path} holds no object")
    return content
