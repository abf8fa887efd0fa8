"""From "this job starts now" to an order: the run directory, the checkpoint to go on from, what earlier jobs made."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from types import MappingProxyType
from typing import Any

import msgspec
from msgspec import Struct

from yolotui.core.handing_on import HANDED_ON, MADE
from yolotui.core.jobs import Job, JobSpec, Kind, Progress
from yolotui.runner.checkpoints import choose
from yolotui.runner.durable import write_atomically
from yolotui.scheduler.shrinking import smaller_batch


class Beginning(Struct, frozen=True, kw_only=True):
    """How an attempt begins. `told` are sentences for the audit log: what was passed over, what was set aside."""

    spec: JobSpec
    resume_from: str | None = None
    resumed_from_epoch: int | None = None
    finalize: bool = False
    batch: int | None = None
    told: tuple[str, ...] = ()

    def progress(self, job: Job) -> Progress:
        """What the attempt begins with: what was found in epochs that are trained once more is not true of it."""
        goes_on = self.resumed_from_epoch or self.finalize
        return job.progress if goes_on else msgspec.structs.replace(job.progress, findings=())


def prepare(job: Job, needs: Iterable[Job], basis: Mapping[str, str] = MappingProxyType({})) -> Beginning:
    """Make the run directory ready and choose where to go on from. Raises OSError when the disk does not let it.

    `basis` is what the check before the start has found it to rest on: kept beside the run.
    """
    run_dir = Path(job.run_dir)
    run_dir.mkdir(parents=True, mode=0o700, exist_ok=True)
    _refuse_another_users(run_dir)
    spec = with_what_was_made(job.spec, {name: need for need in needs for name in (str(need.id), need.name)})
    frozen = _frozen(job, spec, basis)
    told = _set_aside_if_changed(run_dir, job, frozen)
    write_atomically(str(run_dir / "spec.json"), json.dumps(frozen, indent=2).encode())
    if spec.kind is not Kind.TRAIN:
        return Beginning(spec=spec, told=told)
    choice = choose(run_dir / "train")
    smaller = smaller_batch(job)
    if smaller:
        told += (f"the GPU ran out of memory: begins with a batch of {smaller}",)
    told += tuple(f"{Path(path).name} was passed over: {why}" for path, why in choice.rejected)
    match choice.kind:
        case "resume" if choice.resume is not None:
            told += (f"resumes from {Path(choice.resume.path).name} after epoch {choice.resume.epoch}",)
            return Beginning(
                spec=spec,
                resume_from=choice.resume.path,
                resumed_from_epoch=choice.resume.epoch,
                batch=smaller,
                told=told,
            )
        case "finalize" | "complete":
            path = choice.resume.path if choice.resume else None
            epoch = choice.resume.epoch if choice.resume else None
            told += ("all epochs are trained: only the final validation is left",)
            return Beginning(spec=spec, resume_from=path, resumed_from_epoch=epoch, finalize=True, told=told)
    return Beginning(spec=spec, batch=smaller, told=told)


def _refuse_another_users(run_dir: Path) -> None:
    """In a folder where others may write, somebody may have been there first, and would own what we run."""
    if run_dir.is_symlink() or run_dir.stat().st_uid != os.geteuid():
        raise PermissionError(f"{run_dir} is a link or belongs to another user")


def with_what_was_made(spec: JobSpec, made_by: Mapping[str, Job]) -> JobSpec:
    """The spec with `{name.best}` and its like replaced by the paths that earlier jobs left."""

    def path_of(match: re.Match[str]) -> str:
        need = made_by.get(match[1])
        return str(Path(need.run_dir) / MADE[match[2]]) if need else match[0]

    def fill(value: Any) -> Any:
        return HANDED_ON.sub(path_of, value) if isinstance(value, str) else value

    return msgspec.structs.replace(
        spec,
        command=tuple(map(fill, spec.command)),
        model=fill(spec.model),
        data=fill(spec.data),
        arguments={key: fill(value) for key, value in spec.arguments.items()},
    )


def _frozen(job: Job, spec: JobSpec, basis: Mapping[str, str]) -> dict[str, Any]:
    """What was asked for, as the trainer reads it."""
    content: dict[str, Any] = {"job": job.id, "owner": job.owner.name, "run_dir": job.run_dir}
    content |= {"priority": int(job.priority), "submitted_at": job.submitted_at}
    content |= {"project": job.project, "basis": dict(basis)}
    asked: dict[str, Any] = msgspec.to_builtins(spec)
    return {"gpus": spec.gpus, "arguments": {}} | asked | content


def _set_aside_if_changed(run_dir: Path, job: Job, frozen: Mapping[str, Any]) -> tuple[str, ...]:
    """A job whose content was changed since its last attempt begins anew: its old results are kept, out of the way."""
    folder = run_dir / job.spec.kind.value
    if not job.attempts or not folder.exists():
        return ()
    before = _earlier_spec(run_dir / "spec.json")
    if before is None or all(before.get(key) == frozen.get(key) for key in ("kind", "model", "data", "arguments")):
        return ()
    aside = run_dir / f"{folder.name}-until-attempt-{job.attempts[-1].number}"
    folder.rename(aside)
    return (f"begins anew because it was changed; what it had is in {aside.name}",)


def _earlier_spec(path: Path) -> Mapping[str, Any] | None:
    """What the attempt before was asked for; None where that can't be read any more."""
    with suppress(OSError, ValueError, RecursionError):
        content = json.loads(path.read_bytes())
        return content if isinstance(content, dict) else None
    return None
