"""The whole check of one training, or of a data set alone."""

from __future__ import annotations

import errno
import re
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path

from yolotui.core.jobs import JobSpec
from yolotui.core.preflight import DataReport, Preflight, Remark, worst_first
from yolotui.core.training_defaults import IMGSZ
from yolotui.preflight import arguments, machine
from yolotui.preflight.basis import basis_of, code_of
from yolotui.preflight.dataset import Progress, report_on
from yolotui.preflight.description import UNLABELLED_TASKS, DescriptionError, read
from yolotui.preflight.given import number
from yolotui.preflight.machine import Machine
from yolotui.runner.checkpoints import CheckpointError, inspect

TASKS = {"cls": "classify", "seg": "segment", "sem": "semantic", "pose": "pose", "obb": "obb", "depth": "depth"}
# What passes (a share that is away, too many open files) is no reason to keep a training from its start.
PASSING = {errno.EIO, errno.ESTALE, errno.ENOTCONN, errno.ETIMEDOUT, errno.EMFILE, errno.ENFILE, errno.ENOMEM}
FEWEST_PIXELS = 3
MANY_TINY = 0.1
LOOKED_AT = frozenset({None, "detect", "segment", "pose", "obb", "classify"})


class Checker:
    """Checks trainings and data sets. What several of them rest on, a data set or a project's code, is looked at once.

    It never raises for what a user can cause.
    """

    def __init__(self, *, cache: Path | None = None, progress: Progress = lambda _done, _of: None) -> None:
        """`cache` is a folder for what was seen of data sets."""
        self._cache = cache
        self._progress = progress
        self._seen: dict[tuple[str, str | None, bool], _Seen] = {}
        self._code: dict[Path, str] = {}

    def check(self, spec: JobSpec, *, project: Path | None = None) -> Preflight:
        """Check a training; `project` is the folder of the code that it belongs to."""
        began_at, clock = time.time(), time.monotonic()
        folder = Path(spec.data or "/").parent
        task, single_class = task_of(spec.model or ""), spec.arguments.get("single_cls") is True
        data, remarks = self._look_at(spec.data or "", task, single_class=single_class)
        found = [
            *remarks,
            *_weights(spec),
            *arguments.remarks_on(spec, len(data.boxes_per_class) if data else None, task),
            *machine.remarks_on(spec, data, Machine.here(folder)),
            *(_tiny(spec, data) if data else ()),
        ]
        return Preflight(
            at=began_at,
            took_s=time.monotonic() - clock,
            remarks=worst_first(found),
            data=data,
            basis=basis_of(spec, data, self._code_of(project or folder)),
        )

    def check_data(self, data: Path, task: str | None = None) -> Preflight:
        """Check a data set alone. `task` is None where nobody knows."""
        began_at, clock = time.time(), time.monotonic()
        report, remarks = self._look_at(str(data), task)
        return Preflight(at=began_at, took_s=time.monotonic() - clock, remarks=worst_first(remarks), data=report)

    def _look_at(self, data: str, task: str | None, *, single_class: bool = False) -> _Seen:
        key = (data, task, single_class)
        if key not in self._seen:
            self._seen[key] = _seen(data, task, single_class=single_class, cache=self._cache, progress=self._progress)
        return self._seen[key]

    def _code_of(self, project: Path) -> str:
        if project not in self._code:
            self._code[project] = code_of(project)
        return self._code[project]


def task_of(model: str) -> str | None:
    """The task that a model's name tells: `yolo11n-seg.pt` segments. None for a file of which only its owner knows."""
    name = Path(model).name.lower()
    if match := re.search(r"-(cls|seg|sem|pose|obb|depth)\b", name):
        return TASKS[match[1]]
    return "detect" if re.fullmatch(r"(yolo(v|e-)?\d+|rtdetr-)\w*(-p\d)?\.(pt|ya?ml)", name) else None


_Seen = tuple[DataReport | None, tuple[Remark, ...]]
"""A data set, and what is to be said of it; no report: it could not be looked at."""


def _seen(said: str, task: str | None, *, single_class: bool, cache: Path | None, progress: Progress) -> _Seen:
    path = Path(said)
    try:
        if not said:
            raise DescriptionError("It names no data set.", "Say which: `data = …`.")
        if task in UNLABELLED_TASKS - LOOKED_AT or (
            path.suffix.lower() not in {"", ".yaml", ".yml"} and path.is_file()
        ):
            text = f"The data set is not looked at: that is not known for {task or path.suffix}."
            return None, (Remark.info("not-looked-at", text),)
        description = read(path, task)
        report = report_on(description, task=task, single_class=single_class, cache=cache, progress=progress)
    except DescriptionError as error:
        return None, (Remark.error("data", error.text, error.advice),)
    except (OSError, ValueError) as error:
        text = f"The data set can't be looked at: {error}."
        remark = Remark.warning if getattr(error, "errno", None) in PASSING else Remark.error
        return None, (remark("data", text, "Look whether it can be read."),)
    return report, report.remarks


def _weights(spec: JobSpec) -> Iterator[Remark]:
    named = {"model": spec.model, "pretrained": spec.arguments.get("pretrained")}
    for key, path in named.items():
        if not isinstance(path, str) or not path.endswith(".pt"):
            continue
        try:
            inspect(path)
        except CheckpointError as error:
            advice = "Copy or fetch it anew (`yolotui weights` fetches those that Ultralytics publishes)."
            if _is_lost(Path(path)):
                yield Remark.error("weights", f"{key}: {path} can not be usable: {error.why}.", advice)
            else:
                yield Remark.warning("weights", f"{key}: {path} may not be usable: {error.why}.", advice)


def _is_lost(file: Path) -> bool:
    """Whether nothing can load it: missing, empty, or cut. Older formats, which we can't read, torch still can."""
    try:
        with file.open("rb") as opened:
            start = opened.read(2)
    except OSError:
        return True
    return not start or (start == b"PK" and not zipfile.is_zipfile(file))


def _tiny(spec: JobSpec, data: DataReport) -> Iterator[Remark]:
    """Boxes of which a model sees nothing at the size that it is shown."""
    size = number(spec.arguments, "imgsz") if "imgsz" in spec.arguments else IMGSZ
    boxes = sum(data.boxes_per_class.values())
    if size is None or size <= 0 or not boxes:
        return
    powers = [power for power in data.narrower_than if 2.0**-power * size <= FEWEST_PIXELS]
    count = max((data.narrower_than[power] for power in powers), default=0)
    if count > MANY_TINY * boxes:
        text = f"At imgsz = {size:g}, {count:,} of {boxes:,} boxes are less than {FEWEST_PIXELS} pixels wide or high."
        yield Remark.warning("tiny-boxes", text, "Train larger, or cut the images into tiles.")
