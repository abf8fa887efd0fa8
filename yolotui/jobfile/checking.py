"""The checks of a file, for a job that a program hands over as a `JobSpec`."""

from __future__ import annotations

from pathlib import Path

import msgspec

from yolotui import ultralytics_args
from yolotui.core.jobs import JobSpec, Kind
from yolotui.errors import WrongUse
from yolotui.jobfile.fields import name
from yolotui.jobfile.places import Places, refuse_missing_program


def checked(spec: JobSpec, *, folder: Path, weights_dir: Path) -> JobSpec:
    """The job with what it names found, relative to `folder`. Raises WrongUse with every mistake, a line each."""
    if spec.kind is Kind.COMMAND:
        if not spec.command:
            raise WrongUse(f"{spec.name!r} has no command.")
        spec = spec if spec.cwd else msgspec.structs.replace(spec, cwd=str(folder))
        mistakes = _wrong_names(spec)
        try:
            refuse_missing_program(spec)
        except ValueError as error:
            mistakes.append(f"run: {error}")
        if mistakes:
            raise WrongUse("\n".join(mistakes))
        return spec
    mistakes = _wrong_names(spec)
    places = Places(folder, weights_dir)
    found = {}
    for key, find in (("model", places.model), ("data", places.data)):
        said = getattr(spec, key)
        if said is None:
            if key == "model" or spec.kind is Kind.TRAIN:
                mistakes.append(f"{key}: {spec.name!r} has none")
            continue
        try:
            found[key] = find(said)
        except ValueError as error:
            mistakes.append(f"{key}: {error}")
    foreign = spec.python is not None
    mistakes += [
        f"{each.key}: {each.told}" for each in ultralytics_args.check(spec.kind, spec.arguments, foreign=foreign)
    ]
    if mistakes:
        raise WrongUse("\n".join(mistakes))
    return msgspec.structs.replace(spec, **found, cwd=spec.cwd or str(folder))


def _wrong_names(spec: JobSpec) -> list[str]:
    wrong = []
    for key, said in (("name", spec.name), ("group", spec.group)):
        try:
            name(said)
        except ValueError as error:
            wrong.append(f"{key}: {error}")
    return wrong
