"""A job as it was asked for, to be run once more, and what is not as it was then."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec

from yolotui.core.handing_on import HANDED_ON
from yolotui.core.jobs import Job, JobSpec, Kind
from yolotui.errors import NotPossible
from yolotui.locations import attempt_directory
from yolotui.preflight.basis import LIBRARIES, basis_of, code_of
from yolotui.runner.provenance import DIFF
from yolotui.telemetry.provenance import read_provenance


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


def not_as_it_was(job: Job) -> list[str]:
    """What a training that is run once more would find otherwise than `job` did: sentences, with what restores it.

    The check before the start looks at the data set, and says whether that has changed.
    """
    if job.spec.kind is not Kind.TRAIN or not job.attempts:  # what has not run was made from nothing yet
        return []
    record = read_provenance(job)
    code, then = _table(record, "code"), _table(record, "basis")
    if not then:
        return ["What it was made from is not on record: code, libraries and data may be others by now."]
    folder = str(code.get("folder") or job.project or Path(job.spec.data or "/").parent)
    now = basis_of(job.spec, None, code_of(Path(folder)))
    return [*_code_then(job, folder, then.get("code", ""), now.get("code", "")), *_files_then(then, now)]


def _code_then(job: Job, folder: str, then: str, now: str) -> list[str]:
    """The commits, and what was changed beyond them."""
    (commit, _, changes), (commit_now, _, changes_now) = then.partition(" + "), now.partition(" + ")
    said = []
    if commit != commit_now:
        back = f": `git -C {shlex.quote(folder)} checkout {commit[:12]}` for the same code" if commit else ""
        said.append(f"Its code is at {_commit(commit_now)} now, it was at {_commit(commit)}{back}.")
    if changes and changes != changes_now:
        patch = attempt_directory(job.run_dir, len(job.attempts)) / DIFF
        said.append(f"Beyond the commit it had changes that are not there now: `git apply {shlex.quote(str(patch))}`.")
    elif changes_now and changes != changes_now:
        said.append(f"{folder} has changes beyond the commit that it did not have: `git stash` puts them aside.")
    return said


def _commit(commit: str) -> str:
    return commit[:12] or "no commit"


def _files_then(then: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    """The libraries, the weights to start from, the description of the data."""
    versions = [name for name in LIBRARIES if then.get(name, "") != now.get(name, "")]
    told = ", ".join(
        f"{name} {now.get(name) or 'not there'} (was {then.get(name) or 'not there'})" for name in versions
    )
    said = (
        [f"Other versions now: {told}. `python = …` of an environment with the old ones restores them."] if told else []
    )
    if "weights" in then and then["weights"] != now.get("weights"):
        said.append("The weights that it started from are another file now.")
    if "data.yaml" in then and then["data.yaml"] != now.get("data.yaml"):
        said.append("The description of its data set has been written since.")
    return said


def _table(content: Mapping[str, Any], name: str) -> Mapping[str, str]:
    said = content.get(name)
    return {str(key): str(value) for key, value in said.items()} if isinstance(said, dict) else {}
