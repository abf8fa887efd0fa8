"""A job as a person writes it into the form: texts, field by field, and what they mean."""

from __future__ import annotations

import json
import shlex
import tomllib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import msgspec

from yolotui.core.jobs import Argument, Job, JobSpec, Kind, Priority
from yolotui.errors import WrongUse
from yolotui.jobfile import one_job
from yolotui.units import format_bytes, format_duration, format_moment


@dataclass(frozen=True)
class Field:
    """A line of the form: `hint` stands in it while it is empty. `fixed` can't be changed once a job is queued."""

    key: str
    label: str
    hint: str
    fixed: bool = False


FIELDS: Final = (
    Field("name", "name", "made up if left empty", fixed=True),
    Field("kind", "kind", "train", fixed=True),
    Field("run", "run", "python report.py --week", fixed=True),
    Field("model", "model", "yolo11n.yaml, weights.pt, {earlier-job.best}", fixed=True),
    Field("data", "data", "/data/shapes.yaml", fixed=True),
    Field("arguments", "arguments", "epochs=100 imgsz=640 batch=16 …"),
    Field("priority", "priority", "P2"),
    Field("gpus", "gpus", "1; 0 for the CPU"),
    Field("vram", "vram", "10GiB: shares a GPU"),
    Field("gpu", "gpu", "only on GPUs with this in their name"),
    Field("after", "after", "names or ids of jobs, with spaces between", fixed=True),
    Field("group", "group", "default", fixed=True),
    Field("estimate", "estimate", "2h: how long you think that it takes"),
    Field("deadline", "deadline", "08:00, Wed 18:00: when it must be done"),
)
COMMAND_FIELDS: Final = frozenset({"run"})
TRAINER_FIELDS: Final = frozenset({"model", "data", "arguments"})
IN_FORM: Final = frozenset({"name", "kind", "group", "model", "data", "arguments", "command", "gpus", "vram_bytes",
                            "gpu_model", "estimate_s", "deadline", "after"})  # fmt: skip
EDITABLE: Final = ("gpus", "vram_bytes", "gpu_model", "estimate_s")


@dataclass(frozen=True)
class Draft:
    """The texts of a form by their keys. `source` is the job that it was filled from; `edits`: it is to be changed."""

    texts: Mapping[str, str] = field(default_factory=dict)
    source: Job | None = None
    edits: bool = False

    def text(self, key: str) -> str:
        """What stands in a field."""
        return self.texts.get(key, "").strip()

    @property
    def is_command(self) -> bool:
        """Whether it runs a command instead of Ultralytics."""
        return self.text("kind") == Kind.COMMAND.value

    def meant(self, folder: Path, weights_dir: Path, names: Collection[str]) -> tuple[JobSpec, Priority]:
        """The job that is meant, checked as the command line checks it. Raises WrongUse, a mistake a line."""
        pairs = _pairs(self.text("arguments")) if not self.is_command else {}
        for key in ("priority", "gpus", "vram", "gpu", "estimate"):
            if (text := self.text(key)) and not (key == "gpus" and text == "1" and self.text("vram")):
                pairs[key] = text
        before = self.source.spec if self.source else None
        options: dict[str, Any] = {
            "name": self.text("name") or None,
            "kind": None if self.is_command else self.text("kind") or None,
            "group": self.text("group") or None,
            "after": self.text("after").replace(",", " ").split() or None,
            "deadline": self.text("deadline") or None,
            "run": self.text("run") or None if self.is_command else None,
            "python": before.python if before else None,
        }
        if self.is_command and not options["run"]:
            raise WrongUse("run: say what to run")
        spec, priority = one_job(
            None if self.is_command else self.text("model") or None,
            None if self.is_command else self.text("data") or None,
            pairs, weights_dir=weights_dir, folder=folder, existing=names, **options,
        )  # fmt: skip
        return (_with_the_rest(spec, before) if before else spec), priority


@dataclass(frozen=True)
class Edits:
    """What a draft changes of a waiting job. `deadline` is as it was written, empty where there is to be none."""

    arguments: Mapping[str, Argument]
    asks: Mapping[str, object]
    priority: Priority | None
    deadline: str | None

    def __bool__(self) -> bool:
        return bool(self.arguments or self.asks or self.priority is not None or self.deadline is not None)

    @property
    def told(self) -> str:
        """The changes in a few words."""
        changed = [f"{key}={value}" if value is not None else f"no {key}" for key, value in self.arguments.items()]
        changed += [key.removesuffix("_bytes").removesuffix("_s").removesuffix("_model") for key in self.asks]
        changed += [self.priority.name] if self.priority is not None else []
        if self.deadline is not None:
            changed.append(f"due {self.deadline}" if self.deadline else "no deadline")
        return ", ".join(changed)


def edits(job: Job, spec: JobSpec, priority: Priority) -> Edits:
    """What makes `spec` and `priority` of a waiting job."""
    before = job.spec.arguments
    arguments: dict[str, Argument] = {k: v for k, v in spec.arguments.items() if k not in before or before[k] != v}
    arguments |= {key: None for key in before if key not in spec.arguments}
    asks = {key: getattr(spec, key) for key in EDITABLE if getattr(spec, key) != getattr(job.spec, key)}
    deadline = spec.deadline or ""
    return Edits(
        arguments,
        asks,
        priority if priority != job.priority else None,
        deadline if deadline != _due(job) else None,
    )


def filled_from(job: Job, names: Collection[str] = (), *, to_edit: bool = False) -> Draft:
    """A form that would submit the like of a job, under a name of its own; or that would change it."""
    spec = job.spec
    texts = {
        "name": spec.name if to_edit else another_name(spec.name, names),
        "kind": spec.kind.value,
        "run": shlex.join(spec.command),
        "model": spec.model or "",
        "data": spec.data or "",
        "arguments": " ".join(shlex.quote(f"{key}={_written(value)}") for key, value in spec.arguments.items()),
        "priority": job.priority.name,
        "gpus": "" if spec.vram_bytes else str(spec.gpus),
        "vram": format_bytes(spec.vram_bytes).replace(" ", "") if spec.vram_bytes else "",
        "gpu": spec.gpu_model,
        "after": " ".join(spec.after),
        "group": spec.group if spec.group != "default" else "",
        "estimate": format_duration(spec.estimate_s, parts=None) if spec.estimate_s else "",
        "deadline": _due(job) if to_edit else spec.deadline or "",
    }
    return Draft(texts, source=job, edits=to_edit)


def _due(job: Job) -> str:
    """The job's deadline as the form has it, empty if there is none."""
    return format_moment(job.deadline_at) if job.deadline_at is not None else ""


def another_name(name: str, names: Collection[str]) -> str:
    """`night-n-2` after `night-n`: a name that no job has."""
    stem, dash, number = name.rpartition("-")
    if not (dash and number.isdecimal() and len(number) < 6):
        stem, number = name, "1"
    following = int(number) + 1
    while f"{stem}-{following}" in names:
        following += 1
    return f"{stem}-{following}"


def _with_the_rest(spec: JobSpec, before: JobSpec) -> JobSpec:
    """What the form doesn't show is as it was: retries, environment… Gates only where `after` is the same."""
    rest = {key: getattr(before, key) for key in JobSpec.__struct_fields__ if key not in IN_FORM}
    if spec.after != before.after:
        rest |= {"when": (), "after_any": (), "after_finished": (), "after_failed": ()}
    return msgspec.structs.replace(spec, **rest)


def _pairs(text: str) -> dict[str, str]:
    """`key=value` words. Raises WrongUse."""
    try:
        words = shlex.split(text)
    except ValueError:
        raise WrongUse("arguments: a quote is not closed") from None
    pairs: dict[str, str] = {}
    for word in words:
        key, equals, value = word.partition("=")
        if not equals or not key:
            raise WrongUse(f"arguments: {word!r} is no key=value")
        if key in pairs:
            raise WrongUse(f"arguments: {key} is given twice")
        pairs[key] = value
    return pairs


def _written(value: Argument) -> str:
    """A value as `key=value` takes it: a text as it is, unless it would be read as something else."""
    if value is None:
        return "None"
    if not isinstance(value, str):
        return json.dumps(value, separators=(",", ":"))
    try:
        tomllib.loads(f"value = {value}")
    except tomllib.TOMLDecodeError:
        return value if value not in {"True", "False", "None"} else json.dumps(value)
    return json.dumps(value)
