"""The files of a data set: its images, where their labels would be, and a fingerprint of all of them."""

from __future__ import annotations

import hashlib
import os
import stat
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
        images = {path: stamp for place in places for path, stamp in _images(place)}
        if not images:
            where = ", ".join(map(str, places))
            raise DescriptionError(f"There is no image in {where}.", f"Look at `{split}` in {description.file}.")
        digest.update(split.encode())
        pairs[split] = tuple(_paired(images, digest, labelled=not description.classified))
    return Files(pairs=pairs, fingerprint=digest.hexdigest())


_Stamp = tuple[int, int]  # size, time of the last change in nanoseconds
_MISSING: _Stamp = (-1, 0)


def _paired(images: dict[str, _Stamp], digest: hashlib.blake2b, *, labelled: bool) -> Iterator[Pair]:
    """Each image with its label, in the order of their names. Names and stamps of both go into the digest."""
    for image, stamp in sorted(images.items()):
        label = _label_of(image) if labelled else ""
        label_stamp = _stamp(label) if labelled else _MISSING
        digest.update(f"{image}\0{stamp}\0{label_stamp}\0".encode(errors="surrogateescape"))
        yield Pair(image, stamp[0], label, label_stamp[0])


def _label_of(image: str) -> str:
    """Where Ultralytics looks for the label of an image."""
    return _LABELS.join(image.rsplit(_IMAGES, 1)).rsplit(".", 1)[0] + ".txt"


def _stamp(path: str) -> _Stamp:
    try:
        facts = os.stat(path)  # noqa: PTH116 - a hundred thousand of them
    except (OSError, ValueError):
        return _MISSING
    return (facts.st_size, facts.st_mtime_ns) if stat.S_ISREG(facts.st_mode) else _MISSING


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
    if not file.is_file():  # to open a pipe would mean to wait
        raise DescriptionError(f"{file} is neither a folder nor a list of images.", "Name what holds the images.")
    try:
        lines = file.read_text(encoding="utf-8-sig").strip().splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise DescriptionError(f"The list {file} can't be read: {error}.", "It is text, a path a line.") from error
    return [str(file.parent / line[2:]) if line.startswith("./") else line for line in lines if "\0" not in line]


def _is_image(name: str) -> bool:
    return name.rpartition(".")[-1].lower() in IMAGE_SUFFIXES
