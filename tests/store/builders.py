"""Short ways to say what a test is about."""

from __future__ import annotations

from typing import Any

from yolotui.core.jobs import JobSpec, Kind, Priority
from yolotui.store import Actor, Submission

ANNA = Actor("anna", 0)


def command(name: str, *, after: tuple[str, ...] = (), **options: Any) -> JobSpec:
    """A command job that asks for no GPU unless told to."""
    return JobSpec(name=name, kind=Kind.COMMAND, command=("true",), gpus=options.pop("gpus", 0), after=after, **options)


def training(name: str, **options: Any) -> JobSpec:
    """A training of ten epochs."""
    return JobSpec(
        name=name, kind=Kind.TRAIN, model="yolo11n.yaml", data="/data/shapes.yaml", arguments={"epochs": 10}, **options
    )


def submission(spec: JobSpec, *, digest: str | None = None, priority: Priority = Priority.P2) -> Submission:
    """A submission as a file of jobs gives it."""
    return Submission(spec=spec, priority=priority, digest=digest, environment={"PATH": "/bin"})
