"""What a run was made from, written beside it: enough to make it once more, and to say why that comes out otherwise."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import platform
from importlib.metadata import PackageNotFoundError, distributions, version
from typing import Any, Dict, Mapping

from . import project_code
from .durable import write_atomically
from .environment import is_secret
from .job import Job

FILE, DIFF = "provenance.json", "changes.diff"
LIBRARIES = ("ultralytics", "torch", "torchvision", "numpy", "opencv-python", "opencv-python-headless", "pillow")
MOST_DIFF_BYTES = 4 << 20
MOST_UNTRACKED = 1000


def record_start(job: Job, trainer: Any) -> None:
    """Write down arguments in force, seed, versions, code, data, devices and environment."""
    spec = _spec(job)
    arguments = {key: value for key, value in vars(trainer.args).items() if _is_plain(value)}
    content: Dict[str, Any] = {
        "arguments": arguments,
        "seed": arguments.get("seed"),
        "versions": versions(),
        "packages": packages(),
        "basis": spec.get("basis") or {},
        "code": {},
        "devices": _devices(),
        "driver": _driver(),
        "environment": {name: value for name, value in sorted(os.environ.items()) if not is_secret(name, value)},
    }
    _record_code(job, content, str(spec.get("project") or os.path.dirname(str(job.data))))
    _write(job, content)


def record_end(job: Job, metrics: Mapping[str, Any]) -> None:
    """Add what it came to: its metrics, and checksums of its weights."""
    try:
        with open(os.path.join(job.attempt_dir, FILE), encoding="utf-8") as file:
            content = json.load(file)
    except (OSError, ValueError):
        content = {}
    content["metrics"] = {name: value for name, value in metrics.items() if _is_plain(value)}
    content["weights"] = {name: _checksum(os.path.join(job.weights_dir, name)) for name in ("best.pt", "last.pt")}
    _write(job, content)


def versions() -> dict[str, str]:
    """Of the interpreter and of each library that is there."""
    found = {"python": platform.python_version(), "system": platform.platform()}
    for name in LIBRARIES:
        with contextlib.suppress(PackageNotFoundError):
            found[name] = version(name)
    import torch

    found["torch"] = str(torch.__version__)
    if torch.version.cuda:
        found["cuda"] = str(torch.version.cuda)
    return found


def packages() -> dict[str, str]:
    """Everything that is installed beside the interpreter, as `pip freeze` would tell it."""
    found = ((each.metadata["Name"], each.version) for each in distributions())
    return {str(name): str(said) for name, said in sorted(found, key=str) if name}


def _write(job: Job, content: Mapping[str, Any]) -> None:
    text = json.dumps(content, indent=2, default=str)
    write_atomically(os.path.join(job.attempt_dir, FILE), text.encode("utf-8", "backslashreplace"))


def _spec(job: Job) -> Mapping[str, Any]:
    with open(os.path.join(job.run_dir, "spec.json"), encoding="utf-8") as file:
        content = json.load(file)
    return content if isinstance(content, dict) else {}


def _record_code(job: Job, content: Dict[str, Any], folder: str) -> None:
    """Add the commit of the project's folder; what is changed beyond it is kept as a patch. Nothing outside of git.

    Of files that git does not know only the names are kept. What the check saw of the code may be minutes old.
    """
    commit = project_code.commit_of(folder)
    if not commit:
        return
    changes = project_code.changes_of(folder)
    if changes:
        write_atomically(os.path.join(job.attempt_dir, DIFF), changes[:MOST_DIFF_BYTES])
    content["code"] = {
        "folder": folder,
        "commit": commit,
        "changed": bool(changes),
        "whole": len(changes) <= MOST_DIFF_BYTES,
        "untracked": project_code.unknown_to_git(folder)[:MOST_UNTRACKED],
    }
    if content["basis"]:
        content["basis"] = {**content["basis"], "code": project_code.in_short(commit, changes)}


def _devices() -> list[str]:
    import torch

    if not torch.cuda.is_available():
        return [platform.processor() or platform.machine()]
    return [str(torch.cuda.get_device_name(index)) for index in range(torch.cuda.device_count())]


def _driver() -> str | None:
    """The first line that the kernel module says of itself."""
    try:
        with open("/proc/driver/nvidia/version", encoding="utf-8") as file:
            return file.readline().strip()
    except OSError:
        return None


def _checksum(path: str) -> str | None:
    digest = hashlib.sha256()
    try:
        with open(path, "rb") as file:
            for block in iter(lambda: file.read(1 << 20), b""):
                digest.update(block)
    except OSError:
        return None
    return digest.hexdigest()


def _is_plain(value: Any) -> bool:
    return value is None or isinstance(value, (bool, int, float, str, list, tuple))
