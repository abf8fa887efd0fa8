"""The pictures of benchmarks/health.py: what is drawn, and the ways in which it is spoilt."""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from examples.make_shapes import SHAPES, make_shapes

LETTERS = "ABCDE"
SMALL = 0.4  # of the picture's side


class Drawing(Protocol):
    """Draws a data set of so many pictures of `size` pixels into a folder; returns its data.yaml."""

    __name__: str

    def __call__(self, out: Path, *, train: int, val: int, size: int, seed: int) -> Path: ...


Breaking = Callable[[Path, random.Random], None]
"""Spoils the data set in a folder."""

# --- what is drawn ----------------------------------------------------------------------------------------------------


def shapes(out: Path, *, train: int, val: int, size: int, seed: int) -> Path:
    """Circles, squares and triangles: three classes."""
    return make_shapes(out, train=train, val=val, size=size, seed=seed)


def one_class(out: Path, *, train: int, val: int, size: int, seed: int) -> Path:
    """The same, all called alike."""
    data = shapes(out, train=train, val=val, size=size, seed=seed)
    return _renamed(data, ["shape"], lambda _shape, _width: 0)


def by_size(out: Path, *, train: int, val: int, size: int, seed: int) -> Path:
    """Large and small ones apart: six classes."""
    data = shapes(out, train=train, val=val, size=size, seed=seed)
    names = [f"{word} {shape}" for word in ("small", "large") for shape in SHAPES]
    return _renamed(data, names, lambda shape, width: shape if width < SMALL else shape + len(SHAPES))


def _renamed(data: Path, names: list[str], class_of: Callable[[int, float], int]) -> Path:
    """Other classes for the same boxes, by their shape and width."""
    for split in ("train", "val"):
        for file in labels(data.parent, split):
            rows = [row.split() for row in file.read_text().splitlines()]
            file.write_text("".join(f"{class_of(int(r[0]), float(r[3]))} {' '.join(r[1:])}\n" for r in rows))
    return _described(data.parent, names)


def letters(out: Path, *, train: int, val: int, size: int, seed: int) -> Path:
    """Bright letters on one dark shade a picture: five classes, and nothing that a model of shapes has seen."""
    rng = np.random.default_rng(seed)
    for split, count in (("train", train), ("val", val)):
        for folder in ("images", "labels"):
            (out / folder / split).mkdir(parents=True, exist_ok=True)
        for number in range(count):
            image = np.full((size, size, 3), rng.integers(10, 90, 3), np.uint8)
            rows = [_draw_letter(image, rng) for _ in range(int(rng.integers(1, 4)))]
            cv2.imwrite(str(out / f"images/{split}/{number:04d}.png"), image)
            (out / f"labels/{split}/{number:04d}.txt").write_text("\n".join(rows) + "\n")
    return _described(out, list(LETTERS))


def _draw_letter(image: NDArray[np.uint8], rng: np.random.Generator) -> str:
    """Put a letter somewhere; returns its label."""
    size, index = image.shape[0], int(rng.integers(len(LETTERS)))
    scale, thick = float(rng.uniform(0.012, 0.02)) * size, max(1, size // 32)
    (width, height), _ = cv2.getTextSize(LETTERS[index], cv2.FONT_HERSHEY_SIMPLEX, scale, thick)
    left, top = (int(rng.integers(1, size - each - 1)) for each in (width, height))
    colour = [int(value) for value in rng.integers(150, 255, 3)]
    cv2.putText(image, LETTERS[index], (left, top + height), cv2.FONT_HERSHEY_SIMPLEX, scale, colour, thick)
    box = ((left + width / 2) / size, (top + height / 2) / size, width / size, height / size)
    return f"{index} {' '.join(f'{value:.5f}' for value in box)}"


def _described(folder: Path, names: list[str]) -> Path:
    classes = "".join(f"  {index}: {name}\n" for index, name in enumerate(names))
    data = folder / "data.yaml"
    data.write_text(f"path: {folder}\ntrain: images/train\nval: images/val\nnames:\n{classes}", encoding="utf-8")
    return data


# --- how it is spoilt -------------------------------------------------------------------------------------------------


def labels(folder: Path, split: str) -> list[Path]:
    return sorted((folder / "labels" / split).glob("*.txt"))


def picture(file: Path) -> NDArray[np.uint8]:
    return np.asarray(cv2.imread(str(file)), dtype=np.uint8)


def shuffle_labels(folder: Path, rng: random.Random) -> None:
    """Every training image gets another one's labels."""
    files = labels(folder, "train")
    texts = [file.read_text() for file in files]
    rng.shuffle(texts)
    for file, text in zip(files, texts, strict=True):
        file.write_text(text)


def scale_boxes(folder: Path, _rng: random.Random) -> None:
    """Training boxes were written for an image of another size: a third of where and how large they should be."""
    for file in labels(folder, "train"):
        rows = [row.split() for row in file.read_text().splitlines()]
        file.write_text("".join(f"{row[0]} {' '.join(f'{float(v) / 3:.5f}' for v in row[1:])}\n" for row in rows))


def swap_classes(folder: Path, _rng: random.Random) -> None:
    """The class numbers of val are of another list than those of train."""
    for file in labels(folder, "val"):
        file.write_text(re.sub(r"(?m)^\d", lambda found: str((int(found[0]) + 1) % 3), file.read_text()))


def lose_labels(folder: Path, rng: random.Random) -> None:
    """Three of four training images have lost their labels."""
    for file in labels(folder, "train"):
        if rng.random() < 0.75:
            file.write_text("")


def starve_a_class(folder: Path, _rng: random.Random) -> None:
    """Triangles are labelled in three training images only."""
    kept = 0
    for file in labels(folder, "train"):
        rows = file.read_text().splitlines()
        if any(row.startswith("2") for row in rows):
            kept += 1
            if kept > 3:
                file.write_text("".join(f"{row}\n" for row in rows if not row.startswith("2")))


def huge_pictures(folder: Path, _rng: random.Random) -> None:
    """Each training image is a PNG of four megapixels: one worker can't read them fast enough."""
    noise = np.random.default_rng(0).integers(0, 60, (2048, 2048, 3), dtype=np.uint8)
    for file in sorted((folder / "images/train").glob("*.jpg")):
        large = cv2.resize(picture(file), (2048, 2048), interpolation=cv2.INTER_NEAREST)
        cv2.imwrite(str(file.with_suffix(".png")), cv2.add(large, noise))
        file.unlink()


def foreign_val(folder: Path, _rng: random.Random) -> None:
    """Validation images are negatives, with the channels in another order."""
    for file in sorted((folder / "images/val").glob("*.jpg")):
        cv2.imwrite(str(file), 255 - picture(file)[:, :, ::-1])


def crowd_with_tiny_ones(folder: Path, rng: random.Random) -> None:
    """Along the lower edge of each picture stand six others, so small that hardly a pixel is left of their objects."""
    for split in ("train", "val"):
        files = labels(folder, split)
        before = {file: (file.read_text().splitlines(), picture(image_of(folder, split, file))) for file in files}
        for file, (own, alone) in before.items():
            rows, image, side = [*own], alone.copy(), alone.shape[0]
            small = side // 6
            for place, (theirs, other) in enumerate(rng.choices(list(before.values()), k=6)):
                thumb = cv2.resize(other, (small, small), interpolation=cv2.INTER_AREA)
                image[side - small :, place * small : (place + 1) * small] = thumb
                rows += [moved(row, small / side, place * small / side, 1 - small / side) for row in theirs]
            cv2.imwrite(str(image_of(folder, split, file)), image)
            file.write_text("\n".join(rows) + "\n")


def moved(row: str, scale: float, right: float, down: float) -> str:
    """A label of a picture that was made smaller and put elsewhere."""
    index, x, y, *size = row.split()
    place = (float(x) * scale + right, float(y) * scale + down, *(float(each) * scale for each in size))
    return f"{index} {' '.join(f'{value:.5f}' for value in place)}"


def image_of(folder: Path, split: str, label: Path) -> Path:
    return folder / f"images/{split}/{label.stem}.jpg"
