"""The files of a data set: its images, where their labels would be, and a fingerprint of all of them."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from msgspec import Struct

from yolotui.preflight.description import Description, DescriptionError

IMAGE_SUFFIXES = frozenset(
    {"avif", "bmp", "dng", "heic", "heif", "jp2", "jpeg", "jpeg2000", "jpg", "mpo", "png", "tif", "tiff", "webp"}
)
_IMAGES, _LABELS = f"{os.sep}images{os.sep}", f"{os.sep}labels{os.sep}"


class Pair(Struct, frozen=True, array_like=True):
    """An image and its label: paths, and sizes in bytes (-1: there is no such file). No label: none is meant."""

    image: str
    size: int
    label: str
    label_size: int


class Files(Struct, frozen=True, kw_only=True):
    """What a data set consists of, by split."""

    pairs: dict[str, tuple[Pair, ...]]
    fingerprint: str


def find(description: Description) -> Files:
    """List the files. Raises DescriptionError where a split has no images, or can't be read."""
    digest = hashlib.blake2b(digest_size=16)
    digest.update(repr((description.names, description.keypoints, description.classified)).encode())
    pairs = {}
    for split, places in description.places.items():
        found = sorted({path: stamp for place in places for path, stamp in _images(place)}.items())
        if not found:
            where = ", ".join(map(str, places))
            raise DescriptionError(f"There is no image in {where}.", f"Look at `{split}` in {description.file}.")
        digest.update(split.encode())
        pairs[split] = tuple(
            _pair(image, stamp, digest.update, labelled=not description.classified) for image, stamp in found
        )
    return Files(pairs=pairs, fingerprint=digest.hexdigest())


_Stamp = tuple[int, int]  # size, time of the last change in nanoseconds
_MISSING: _Stamp = (-1, 0)


def _pair(image: str, stamp: _Stamp, note: object, *, labelled: bool) -> Pair:
    label = _LABELS.join(image.rsplit(_IMAGES, 1)).rsplit(".", 1)[0] + ".txt" if labelled else ""
    label_stamp = _stamp(label) if label else _MISSING
    assert callable(note)
    note(f"{image}\0{stamp}\0{label_stamp}\0".encode(errors="surrogateescape"))
    return Pair(image, stamp[0], label, label_stamp[0])


def _stamp(path: str) -> _Stamp:
    try:
        facts = os.stat(path)  # noqa: PTH116 - a hundred thousand of them
    except (OSError, ValueError):
        return _MISSING
    return (facts.st_size, facts.st_mtime_ns)


def _images(place: Path) -> Iterator[tuple[str, _Stamp]]:
    if place.is_dir():
        yield from _below(str(place), set())
    else:
        for path in _listed(place):
            if _is_image(path):
                yield path, _stamp(path)


def _below(folder: str, seen: set[tuple[int, int]]) -> Iterator[tuple[str, _Stamp]]:
    """The images below a folder, hidden ones left out; links are followed, in circles once."""
    try:
        facts = os.stat(folder)  # noqa: PTH116
        if (facts.st_dev, facts.st_ino) in seen:
            return
        seen.add((facts.st_dev, facts.st_ino))
        with os.scandir(folder) as entries:
            listed = list(entries)
    except OSError:
        return
    for entry in listed:
        if entry.name.startswith("."):
            continue
        if _is_image(entry.name):
            yield entry.path, _stamp(entry.path)
        elif _is_folder(entry):
            yield from _below(entry.path, seen)


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False


def _listed(file: Path) -> Iterable[str]:
    """The lines of a list of images; `./` is meant from where the list is."""
    try:
        lines = file.read_text(encoding="utf-8-sig").strip().splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise DescriptionError(f"The list {file} can't be read: {error}.", "It is text, a path a line.") from error
    return [str(file.parent / line[2:]) if line.startswith("./") else line for line in lines if "\0" not in line]


def _is_image(name: str) -> bool:
    return name.rpartition(".")[-1].lower() in IMAGE_SUFFIXES
