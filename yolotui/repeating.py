"""A job as it was asked for, to be run once more."""

from __future__ import annotations

import json
import re
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec

from yolotui.core.jobs import Job, JobSpec
from yolotui.errors import NotPossible

HANDED_ON = re.compile(r"\{[^{}]+\.(best|last|results|dir)\}")


def as_it_was(job: Job) -> JobSpec:
    """The spec without its place among other jobs, with what they handed on. Raises NotPossible."""
    spec = msgspec.structs.replace(
        job.spec, after=(), after_any=(), after_finished=(), after_failed=(), when=(), deadline=None
    )
    if not HANDED_ON.search(msgspec.json.encode((spec.model, spec.data, spec.arguments, spec.command)).decode()):
        return spec
    frozen: dict[str, Any] = {}
    with suppress(OSError, ValueError, RecursionError):
        frozen = json.loads(Path(job.run_dir, "spec.json").read_bytes())
    try:
        filled = {"model": frozen["model"], "data": frozen.get("data"), "arguments": frozen["arguments"]}
        return msgspec.structs.replace(spec, **filled, command=tuple(frozen.get("command", ())))
    except (KeyError, TypeError, AttributeError):
        raise NotPossible(
            f"job {job.id} ({job.name}) uses what earlier jobs hand on, and it has never started: "
            "what that would be is not known yet."
        ) from None
