"""Where what a file of jobs names is found: models, data, programs. Relative paths are meant from the file's folder."""

from __future__ import annotations

import os
import re
import shlex
import shutil
from pathlib import Path

from yolotui import ultralytics_args
from yolotui.core.jobs import JobSpec
from yolotui.locations import is_there
from yolotui.nearest import did_you_mean

PLACEHOLDER = re.compile(r"\{([^{}\n]+)\.(\w+)\}")
"""`{night-n.best}`: what an earlier job made."""

_URL = re.compile(r"[a-z][a-z0-9+]*://", re.IGNORECASE)


class Places:
    """Finds what a job names. Every method gives an absolute path, or raises ValueError with a sentence."""

    def __init__(self, folder: Path, weights_dir: Path) -> None:
        self.folder = folder
        self._weights_dir = weights_dir

    def model(self, said: str) -> str:
        """A model: a file, weights fetched before, or the name of a yaml that ships with Ultralytics."""
        if PLACEHOLDER.search(said):
            return said
        _refuse_url(said)
        here = self._absolute(said)
        if is_there(here):
            return str(here)
        if not _is_bare(said):
            raise ValueError(f"there is no file {here}")
        fetched = self._weights_dir.absolute() / said
        if is_there(fetched):
            return str(fetched)
        if ultralytics_args.known_model_yaml(said):
            return said
        if ultralytics_args.known_weights(said):
            raise ValueError(f"{said!r} is not here: `yolotui weights {said}` fetches it once")
        raise ValueError(f"there is no model {said!r} in {self.folder}{did_you_mean(said, self._models_known())}")

    def data(self, said: str) -> str:
        """A data set: a yaml file or a directory."""
        if PLACEHOLDER.search(said):
            return said
        _refuse_url(said)
        here = self._absolute(said)
        if is_there(here):
            return str(here)
        if not _is_bare(said):
            raise ValueError(f"there is no data set {here}")
        if ultralytics_args.known_dataset_yaml(said):
            raise ValueError(
                f"{said!r} comes with Ultralytics, its images don't, and trainings fetch nothing: copy it to "
                f"{self.folder}, let its `path:` name the folder with the images, and take out `download:`"
            )
        raise ValueError(f"there is no data set {said!r} in {self.folder}{did_you_mean(said, self._names_here())}")

    def argument(self, key: str, value: object) -> object:
        """The value of an Ultralytics argument; a path is made absolute, for a run has its own directory."""
        if not isinstance(value, str) or PLACEHOLDER.search(value):
            return value
        if key in {"pretrained", "distill_model"}:
            return self.model(value)
        if key == "source":
            return self._source(value)
        if key == "tracker" and not ultralytics_args.known_tracker_yaml(value):
            return str(self._existing(value, "tracker"))
        return value

    def python(self, said: str) -> str:
        """An interpreter: a path, or a name on PATH. Links are kept: they are what makes a virtual environment."""
        if _is_bare(said) and not said.startswith("~"):
            on_path = shutil.which(said)
            if on_path is None:
                raise ValueError(f"there is no {said!r} on PATH")
            return str(Path(on_path).absolute())
        here = self._existing(said, "interpreter")
        if not (here.is_file() and os.access(here, os.X_OK)):
            raise ValueError(f"{here} can't be executed")
        return str(here)

    def directory(self, said: str) -> str:
        """A directory to run a command in."""
        here = self._existing(said, "directory")
        if not here.is_dir():
            raise ValueError(f"{here} is not a directory")
        return str(here)

    def _source(self, said: str) -> str:
        if _URL.match(said) or said.isdigit():  # a camera
            return said
        if set(said) & set("*?["):
            return str(self._absolute(said))
        return str(self._existing(said, "file or directory"))

    def _existing(self, said: str, what: str) -> Path:
        here = self._absolute(said)
        if not is_there(here):
            raise ValueError(f"there is no {what} {here}")
        return here

    def _absolute(self, said: str) -> Path:
        try:
            path = Path(said).expanduser()
        except RuntimeError:  # ~nobody
            path = Path(said)
        return Path(os.path.normpath(self.folder / path))

    def _names_here(self) -> list[str]:
        try:
            return [entry.name for entry in self.folder.iterdir()][:1000]
        except OSError:
            return []

    def _models_known(self) -> list[str]:
        shipped = ultralytics_args.model_yamls()
        scaled = {re.sub(r"^(yolo\w?\d+)(?=[.-])", rf"\1{scale}", name) for name in shipped for scale in "nsmlx"}
        files = [name for name in self._names_here() if name.endswith((".pt", ".yaml", ".yml"))]
        return [*files, *sorted(shipped | scaled)]


def refuse_missing_program(spec: JobSpec) -> None:
    """Raise ValueError if the PATH that a command will run with lacks its program; a path may come to be until then."""
    program = spec.command[0]
    if not _is_bare(program) or PLACEHOLDER.search(program):
        return
    path = spec.env.get("PATH") or os.environ.get("PATH") or os.defpath
    if shutil.which(program, path=os.pathsep.join(str(Path(spec.cwd, each)) for each in path.split(os.pathsep))):
        return
    is_line = len(spec.command) == 1 and len(program.split()) > 1
    hint = f"; a line for a shell is run with: {shlex.join(['sh', '-c', program])}" if is_line else ""
    raise ValueError(f"there is no program {program!r} on PATH{hint}")


def _is_bare(said: str) -> bool:
    return "/" not in said and os.sep not in said


def _refuse_url(said: str) -> None:
    if _URL.match(said):
        raise ValueError(f"{said!r} is an address: trainings run offline, so fetch it first and name the file")
