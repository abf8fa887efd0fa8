"""What a checkpoint file holds and which one to resume from: without torch, and without running what was pickled.

A `.pt` file is a zip archive of stored tensors and one pickle. It proves whole when the archive is complete and every
checksum fits; its pickle is read with stand-ins for all classes, so that a hostile file is only data.
"""

from __future__ import annotations

import io
import math
import os
import pickle
import re
import zipfile
from typing import Any, Mapping, NamedTuple

from . import results

MOST_PICKLE_BYTES = 16 << 20  # the largest Ultralytics models need less than 2 MiB
MOST_MEMBERS = 100_000
FRESH, RESUME, FINALIZE, COMPLETE = "fresh", "resume", "finalize", "complete"
KEPT_COPY = "last.prev.pt"
MOST_EPOCHS = 10**9  # beyond any training: a number like that is damage, or somebody's idea of a joke


class CheckpointError(Exception):
    """A file that is no whole checkpoint: `path`, and `why` in a few words."""

    def __init__(self, path: str, why: str) -> None:
        super().__init__(f"{path}: {why}")
        self.path = path
        self.why = why


class Checkpoint(NamedTuple):
    """A whole checkpoint. `epoch` is the last whole epoch, counted from 1; None when it was stripped."""

    path: str
    epoch: int | None
    epochs: int | None
    has_optimizer: bool
    fitness: float | None
    arguments: Mapping[str, Any]
    version: str | None

    @property
    def stripped(self) -> bool:
        """Only weights are left: a training can start from it, none can go on from it."""
        return self.epoch is None

    @property
    def trained(self) -> bool:
        """All epochs are done; only the final validation and the stripping are missing."""
        return self.epoch is not None and self.epochs is not None and self.epoch >= self.epochs

    @property
    def resumable(self) -> bool:
        """Can the training go on from here?"""
        return self.epoch is not None and self.epoch >= 1 and self.has_optimizer and not self.trained


class Choice(NamedTuple):
    """How a run goes on.

    `kind` is "fresh" (nothing to go on from), "resume" (from `resume`), "finalize" (trained; the final validation and
    the stripping are missing) or "complete" (the final files are there). `finished`: every planned epoch was trained;
    a complete run that isn't finished was ended early on purpose. `rejected` says which files were passed over and why.
    """

    kind: str
    resume: Checkpoint | None
    finished: bool
    rejected: list[tuple[str, str]]


def inspect(path: str | os.PathLike[str]) -> Checkpoint:
    """Prove that a checkpoint is whole and say what it holds. Raises CheckpointError."""
    path = os.fspath(path)
    try:
        content = _read(path)
        return _describe(path, content)
    except CheckpointError:
        raise
    except FileNotFoundError as problem:
        raise CheckpointError(path, "no such file") from problem
    except zipfile.BadZipFile as problem:
        why = "empty file" if os.path.getsize(path) == 0 else f"truncated or no zip archive ({problem})"
        raise CheckpointError(path, why) from problem
    except Exception as problem:
        # A damaged or hostile pickle can fail in any way; all of them mean the same to us.
        raise CheckpointError(path, f"can't be read ({type(problem).__name__}: {problem})") from problem


def choose(train_dir: str | os.PathLike[str]) -> Choice:
    """Find the newest whole checkpoint of a run: last.pt, else the newest of the kept copy, epochN.pt and best.pt."""
    train_dir = os.fspath(train_dir)
    weights = _Weights(os.path.join(train_dir, "weights"))
    last = weights.inspect("last.pt")
    if last is not None and last.stripped:
        return _after_stripping(train_dir, last, weights.rejected)
    newest = last if last is not None and _goes_on(last) else weights.newest_behind_last()
    if newest is None:
        return Choice(FRESH, None, False, weights.rejected)
    return Choice(FINALIZE if newest.trained else RESUME, newest, newest.trained, weights.rejected)


class _Weights:
    """The files of one run, inspected one by one. `rejected` says which were passed over and why."""

    def __init__(self, folder: str) -> None:
        self._folder = folder
        self._names = set(os.listdir(folder)) if os.path.isdir(folder) else set()
        self.rejected: list[tuple[str, str]] = []

    def inspect(self, name: str) -> Checkpoint | None:
        """None for a file that is missing or damaged."""
        path = os.path.join(self._folder, name)
        try:
            return inspect(path) if name in self._names else None
        except CheckpointError as problem:
            self.rejected.append((path, problem.why))
            return None

    def newest_behind_last(self) -> Checkpoint | None:
        """best.pt may be of a later epoch than the newest epochN.pt, and than the kept copy, too."""
        matches = [match for match in map(re.compile(r"epoch(\d+)\.pt$").match, self._names) if match]
        numbered = [match[0] for match in sorted(matches, key=lambda match: int(match[1]), reverse=True)]
        of_an_epoch = next((found for found in map(self._usable, numbered) if found), None)
        found = [each for each in (self._usable(KEPT_COPY), of_an_epoch, self._usable("best.pt")) if each]
        return max(found, key=lambda each: each.epoch or 0, default=None)

    def _usable(self, name: str) -> Checkpoint | None:
        found = self.inspect(name)
        if found is not None and not _goes_on(found):
            self.rejected.append((found.path, "stripped: no optimizer to go on with"))
            return None
        return found


def _goes_on(found: Checkpoint) -> bool:
    return found.resumable or found.trained


def _after_stripping(train_dir: str, last: Checkpoint, rejected: list[tuple[str, str]]) -> Choice:
    """last.pt is stripped first and best.pt right after it: a kill between the two leaves the final act to do."""
    finished = last.epochs is not None and results.last_epoch(os.path.join(train_dir, "results.csv")) >= last.epochs
    try:
        complete = inspect(os.path.join(train_dir, "weights", "best.pt")).stripped
    except CheckpointError:
        complete = True  # no best.pt to finish
    return Choice(COMPLETE if complete else FINALIZE, None if complete else last, finished, rejected)


def _read(path: str) -> dict[str, Any]:
    with zipfile.ZipFile(path) as archive:
        members = archive.infolist()
        _refuse_bombs(path, members)
        damaged = archive.testzip()
        if damaged is not None:
            raise CheckpointError(path, f"checksum of {damaged} doesn't fit")
        pickles = [member for member in members if member.filename.endswith("/data.pkl")]
        if len(pickles) != 1:
            raise CheckpointError(path, "no PyTorch archive")
        content = _InertUnpickler(io.BytesIO(archive.read(pickles[0]))).load()
    if not isinstance(content, dict) or "train_args" not in content:
        raise CheckpointError(path, "no Ultralytics checkpoint")
    return content


def _refuse_bombs(path: str, members: list[zipfile.ZipInfo]) -> None:
    """torch stores without compression, so that a member can't be larger than the file."""
    if len(members) > MOST_MEMBERS or any(member.compress_type != zipfile.ZIP_STORED for member in members):
        raise CheckpointError(path, "no PyTorch archive")
    if sum(member.file_size for member in members) > os.path.getsize(path):
        raise CheckpointError(path, "claims more data than the file holds")
    if any(member.file_size > MOST_PICKLE_BYTES for member in members if member.filename.endswith("/data.pkl")):
        raise CheckpointError(path, "its pickle is too large")


def _describe(path: str, content: dict[str, Any]) -> Checkpoint:
    arguments = content["train_args"] if isinstance(content["train_args"], dict) else {}
    metrics = content.get("train_metrics")
    fitness = metrics.get("fitness") if isinstance(metrics, dict) else None
    epoch, epochs, version = content.get("epoch"), arguments.get("epochs"), content.get("version")
    if not isinstance(epoch, int) or not -1 <= epoch < MOST_EPOCHS:
        raise CheckpointError(path, "doesn't say which epoch it is of")
    return Checkpoint(
        path=path,
        epoch=epoch + 1 if epoch >= 0 else None,
        epochs=epochs if isinstance(epochs, int) and 0 < epochs < MOST_EPOCHS else None,
        has_optimizer=content.get("optimizer") is not None,
        fitness=float(fitness) if isinstance(fitness, (int, float)) and math.isfinite(fitness) else None,
        arguments=arguments,
        version=version if isinstance(version, str) else None,
    )


class _Inert:
    """Stands in for every class and function that a pickle names. Accepts everything, does nothing."""

    def __new__(cls, *_args: object, **_kwargs: object) -> _Inert:
        return object.__new__(cls)

    def __init__(self, *args: object, **kwargs: object) -> None:
        pass

    def __call__(self, *_args: object, **_kwargs: object) -> _Inert:
        return self

    def __setstate__(self, state: object) -> None:
        pass

    def __setitem__(self, key: object, value: object) -> None:
        pass

    def append(self, item: object) -> None:
        """Nothing is kept."""

    def extend(self, items: object) -> None:
        """Nothing is kept."""

    def add(self, item: object) -> None:
        """Nothing is kept."""


# The unpickler written in Python: the C one reserves memory for any memo index that a file names.
class _InertUnpickler(pickle._Unpickler):  # type: ignore[misc,name-defined,unused-ignore]  # noqa: SLF001
    dispatch = {  # noqa: RUF012 - the base class has it so
        code: load
        for code, load in pickle._Unpickler.dispatch.items()  # type: ignore[attr-defined,unused-ignore]  # noqa: SLF001
        if code != pickle.BYTEARRAY8[0]  # reserves as many bytes as the file asks for
    }

    def find_class(self, module: str, name: str) -> Any:
        return dict if (module, name) == ("collections", "OrderedDict") else _Inert

    def persistent_load(self, pid: object) -> None:
        """Tensors stay in the archive."""
