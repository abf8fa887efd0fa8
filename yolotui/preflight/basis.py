"""What a training rests on besides what it was asked: the state of its data, weights, libraries and code."""

from __future__ import annotations

import hashlib
import re
import subprocess
import sys
from functools import cache
from pathlib import Path

from yolotui.core.jobs import JobSpec
from yolotui.core.preflight import DataReport

LIBRARIES = ("ultralytics", "torch", "torchvision", "numpy", "opencv-python")
GIT_PATIENCE_S = 5.0


def basis_of(spec: JobSpec, data: DataReport | None, code: str) -> dict[str, str]:
    """A short text for each thing: `data` its fingerprint, `weights` size and time, libraries their version, `code`."""
    found = {"data": data.fingerprint if data else "", "weights": _weights(spec.model or "")}
    if spec.python is None:  # another interpreter has its own
        found |= {name: _versions().get(name, "") for name in LIBRARIES}
    found["code"] = code
    return {name: said for name, said in found.items() if said}


def _weights(model: str) -> str:
    try:
        facts = Path(model).stat()
    except (OSError, ValueError):
        return ""
    return f"{facts.st_size} bytes of {facts.st_mtime_ns}"


@cache
def _versions() -> dict[str, str]:
    """The version of each library that is installed here, by the names of the folders of their metadata.

    `importlib.metadata` reads what is in them: that takes longer than the rest of a check that is remembered.
    """
    folders = (folder for place in sys.path for folder in Path(place).glob("*.dist-info"))
    found = (re.fullmatch(r"(.+?)-([^-]+)\.dist-info", folder.name) for folder in folders)
    return {match[1].replace("_", "-").lower(): match[2] for match in found if match}


def code_of(project: Path) -> str:
    """The commit of the project's folder, and a digest of what is changed beyond it; empty outside of git."""
    commit = _git(project, "rev-parse", "HEAD").strip().decode(errors="replace")
    changes = _git(project, "diff", "--no-ext-diff", "--no-textconv", "HEAD") if commit else b""
    return f"{commit} + {hashlib.blake2b(changes, digest_size=6).hexdigest()}" if changes else commit


def _git(folder: Path, *arguments: str) -> bytes:
    try:
        done = subprocess.run(
            ["git", "-c", "core.fsmonitor=false", "-C", str(folder), *arguments],
            capture_output=True,
            timeout=GIT_PATIENCE_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return b""
    return done.stdout if done.returncode == 0 else b""
