"""jobs.toml → jobs; and one job of the command line through the same checks."""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import msgspec

from yolotui.core.jobs import JobSpec, Kind, Priority
from yolotui.errors import WrongFile, WrongUse
from yolotui.jobfile.assembly import Assembled, Desk, assemble, check_defaults
from yolotui.jobfile.drafts import TABLES, draft
from yolotui.jobfile.fields import READERS, spec_field
from yolotui.jobfile.lines import Path as KeyPath
from yolotui.jobfile.places import Places
from yolotui.jobfile.source import Mistakes, Source
from yolotui.nearest import did_you_mean

_TOP_LEVEL = ("defaults", "job")
_UNASKED = msgspec.structs.asdict(JobSpec(name="", kind=Kind.TRAIN))

ASKED = ("gpus", "vram", "gpu", "avoid", "prefer", "estimate", "time_limit", "keep")
"""The keys that say where a job may run, for how long and what stays."""


class FileJob(msgspec.Struct, frozen=True):
    """A job of a file. `line` is where it begins; `digest` changes with its content; `hold`: it begins held.

    `external` are the names in `after` that the file doesn't have: ids or names of jobs in the queue.
    """

    spec: JobSpec
    priority: Priority
    line: int
    digest: str
    hold: bool = False
    external: tuple[str, ...] = ()


class JobFile(msgspec.Struct, frozen=True):
    """A file of jobs, all of it good."""

    path: Path
    jobs: tuple[FileJob, ...]


def read(path: Path, *, weights_dir: Path, existing: Collection[str] | None = None) -> JobFile:
    """Read a file of jobs. Relative paths are meant from its folder; bare weights are looked up in `weights_dir` too.

    `existing` are the names of jobs in the queue that `after` may name; with None a name that is near to none in the
    file is believed. Raises WrongFile with every mistake: `FILE:LINE: key: what is wrong`.
    """
    source = Source(path)
    mistakes = source.mistakes()
    tables = _job_tables(source.document, mistakes)
    defaults_table = source.document.get("defaults", {})
    defaults = draft(
        defaults_table if isinstance(defaults_table, dict) else {}, ("defaults",), mistakes, is_defaults=True
    )
    check_defaults(defaults, mistakes)
    drafts = [draft(table, ("job", number), mistakes) for number, table in tables]
    places = Places(path.absolute().parent, weights_dir)
    desk = Desk(places, mistakes, defaults)
    assembled = assemble(drafts, desk, existing)
    if mistakes:
        raise WrongFile(mistakes.told)
    jobs = (_file_job(each, source.line(own.path)) for each, own in zip(assembled, drafts, strict=True))
    return JobFile(path, tuple(jobs))


def one_job(
    model: str | None,
    data: str | None,
    pairs: Mapping[str, str],
    *,
    weights_dir: Path,
    folder: Path | None = None,
    existing: Collection[str] | None = None,
    **options: object,
) -> tuple[JobSpec, Priority]:
    """A job of the command line: `pairs` are its `key=value` words, `options` keys as in a file of jobs.

    An option that is None was not given. Relative paths are meant from `folder`, the working directory if None.
    Raises WrongUse, a mistake a line.
    """
    mistakes = Mistakes(lambda path: ".".join(str(key) for key in path[1:] if key not in TABLES) or "job")
    given = {"model": model, "data": data, **options}
    table: dict[str, Any] = {key: value for key, value in given.items() if value is not None}
    kind = str(table.get("kind", "command" if "run" in table else Kind.TRAIN))
    for key, text in pairs.items():
        if key in table:
            mistakes.add((0, key), "is given twice")
        elif key in READERS or kind not in TABLES:
            table[key] = _value(text)
        else:
            table.setdefault(kind, {})[key] = _value(text)
    own = draft(table, (0,), mistakes)
    places = Places((folder or Path.cwd()).absolute(), weights_dir)
    (job,) = assemble([own], Desk(places, mistakes), existing)
    if mistakes:
        raise WrongUse("\n".join(mistakes.told))
    return job.spec, job.priority


def asked(spec: JobSpec, pairs: Mapping[str, str]) -> dict[str, Any]:
    """What `key=value` words (keys of `ASKED`) change of a spec, by its fields; an empty value takes away.

    Raises WrongUse, a mistake a line.
    """
    changes: dict[str, Any] = {}
    mistakes: list[str] = []
    for key, text in pairs.items():
        try:
            field = spec_field(key)
            changes[field] = READERS[key](_value(text)) if text else _UNASKED[field]
        except ValueError as error:
            mistakes.append(f"{key}: {error}")
    changed = msgspec.structs.replace(spec, **changes)
    if changed.vram_bytes and changed.gpus != 1:
        mistakes.append("vram: shares one GPU: take it away with vram=, or leave gpus at 1")
    if mistakes:
        raise WrongUse("\n".join(mistakes))
    return changes


def _job_tables(document: Mapping[str, Any], mistakes: Mistakes) -> list[tuple[int, Mapping[str, Any]]]:
    for key in document:
        if key not in _TOP_LEVEL:
            near = did_you_mean(key, _TOP_LEVEL)
            mistakes.add((key,), f"has no meaning here: a file has [defaults] and [[job]]{near}")
    if not isinstance(document.get("defaults", {}), dict):
        mistakes.add(("defaults",), "must be a table: [defaults]")
    jobs = document.get("job", [])
    path: KeyPath = ("job",)
    if not isinstance(jobs, list) or not all(isinstance(table, dict) for table in jobs):
        mistakes.add(path, "must be written as [[job]], with two brackets, once for each job")
        return []
    if not jobs:
        mistakes.add((), "there is no [[job]] in this file")
    return list(enumerate(jobs))


def _file_job(job: Assembled, line: int) -> FileJob:
    content = msgspec.json.encode([job.spec, job.priority, job.hold], order="sorted")
    return FileJob(job.spec, job.priority, line, hashlib.sha256(content).hexdigest(), job.hold, job.external)


def _value(text: str) -> Any:
    """What a word of the command line means: a TOML value, Python's True, False and None, else a text."""
    python = {"True": True, "False": False, "None": None}
    if text in python:
        return python[text]
    if "\n" in text:
        return text
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except (tomllib.TOMLDecodeError, RecursionError, ValueError):
        return text
