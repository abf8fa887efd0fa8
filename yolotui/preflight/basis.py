"""What a training rests on besides what it was asked: the state of its data, weights, libraries and code."""

from __future__ import annotations

import re
import sys
from functools import cache
from pathlib import Path
from stat import S_ISREG

from yolotui.core.jobs import Job, JobSpec, Kind
from yolotui.core.preflight import DataReport, Footing
from yolotui.preflight.requests import digest_of
from yolotui.runner import project_code
from yolotui.telemetry.provenance import read_provenance

LIBRARIES = ("ultralytics", "torch", "torchvision", "numpy", "opencv-python")


def basis_of(spec: JobSpec, data: DataReport | None, code: str) -> dict[str, str]:
    """A short text for each thing: `data` its fingerprint, `weights` size and time, libraries their version, `code`."""
    versions = _versions(_places(spec.python))
    found = {"data": data.fingerprint if data else "", "data.yaml": _stamp(spec.data or "")}
    found |= {"weights": _stamp(spec.model or ""), "code": code}
    found |= {name: versions.get(name, "") for name in LIBRARIES}
    return {name: said for name, said in found.items() if said}


class Footings:
    """What trainings rest on when they are submitted. Several at once share what is looked at."""

    def __init__(self) -> None:
        self._code: dict[Path, str] = {}

    def of(self, spec: JobSpec, project: str) -> Footing | None:
        """As far as that can be told at once, that is without a look at the data set; None for what is no training.

        `project` is the folder of its code; empty where nobody knows.
        """
        if spec.kind is not Kind.TRAIN:
            return None
        folder = Path(project or Path(spec.data or "/").parent)
        if folder not in self._code:
            self._code[folder] = code_of(folder)
        return Footing(digest_of(spec), basis_of(spec, None, self._code[folder]), "it was submitted")

    def of_run(self, job: Job, spec: JobSpec) -> Footing | None:
        """For what repeats a job: what that run rested on, so that each difference is said. `spec` is the new one."""
        then = read_provenance(job).get("basis")
        if spec.kind is not Kind.TRAIN or not isinstance(then, dict) or spec.data != job.spec.data:
            return self.of(spec, spec.cwd)
        return Footing(digest_of(spec), {str(name): str(said) for name, said in then.items()}, f"job {job.id} ran")


def _places(python: str | None) -> tuple[str, ...]:
    """Where the libraries of an interpreter are: of this one, or of another one's environment."""
    if python is None:
        return tuple(sys.path)
    return tuple(map(str, Path(python).parent.parent.glob("lib/python3*/site-packages")))


def _stamp(path: str) -> str:
    """Size and time of a file."""
    try:
        facts = Path(path).stat()
    except (OSError, ValueError):
        return ""
    return f"{facts.st_size} bytes of {facts.st_mtime_ns}" if S_ISREG(facts.st_mode) else ""


@cache
def _versions(places: tuple[str, ...]) -> dict[str, str]:
    """The version of each library that is installed in these folders, by the names of the folders of their metadata.

    `importlib.metadata` reads what is in them: that takes longer than the rest of a check that is remembered.
    """
    folders = (folder for place in places for folder in Path(place).glob("*.dist-info"))
    found = (re.fullmatch(r"(.+?)-([^-]+)\.dist-info", folder.name) for folder in folders)
    return {match[1].replace("_", "-").lower(): match[2] for match in found if match}


def code_of(project: Path) -> str:
    """The commit of the project's folder, and a digest of what is changed beyond it; empty outside of git."""
    commit = project_code.commit_of(str(project))
    return project_code.in_short(commit, project_code.changes_of(str(project))) if commit else ""
