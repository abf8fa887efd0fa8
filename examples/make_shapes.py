"""Draw a small data set in YOLO's layout: circles, squares and triangles on noise.

    python examples/make_shapes.py OUT [--task detect|segment|classify] [--train 64] [--val 16] [--size 160] [--seed 0]

The same seed draws the same images. Prints what to give as `data`.
"""

from __future__ import annotations

import argparse
import math
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

SHAPES = ("circle", "square", "triangle")
CORNERS = {"circle": 24, "square": 4, "triangle": 3}
COLOURS = {"circle": (60, 90, 235), "square": (80, 225, 80), "triangle": (235, 170, 60)}
TASKS = ("detect", "segment", "classify")

Polygon = NDArray[np.float64]  # corners x 2, as fractions of the image


def make_shapes(
    out: str | Path, task: str = "detect", *, train: int = 64, val: int = 16, size: int = 160, seed: int = 0
) -> Path:
    """Write `train` and `val` images of `size` pixels; returns the data.yaml, for classify the folder."""
    folder = Path(out).resolve()
    random = np.random.default_rng(seed)
    for split, images in (("train", train), ("val", val)):
        for number in range(images):
            if task == "classify":
                _write_classified(folder / split, number, size, random)
            else:
                _write_labelled(folder, f"{split}/{number:04d}", task, size, random)
    if task == "classify":
        return folder
    names = "".join(f"  {index}: {shape}\n" for index, shape in enumerate(SHAPES))
    description = folder / "data.yaml"
    description.write_text(f"path: {folder}\ntrain: images/train\nval: images/val\nnames:\n{names}", encoding="utf-8")
    return description


def _write_labelled(folder: Path, name: str, task: str, size: int, random: np.random.Generator) -> None:
    image = _background(size, random)
    rows = []
    for _ in range(int(random.integers(1, 4))):
        index = int(random.integers(len(SHAPES)))
        polygon = _polygon(SHAPES[index], random)
        _draw(image, SHAPES[index], polygon)
        rows.append(f"{index} " + " ".join(f"{value:.5f}" for value in _label(polygon, task)))
    picture, label = folder / "images" / f"{name}.jpg", folder / "labels" / f"{name}.txt"
    for file in (picture, label):
        file.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(picture), image)
    label.write_text("\n".join(rows) + "\n", encoding="utf-8")


def _write_classified(folder: Path, number: int, size: int, random: np.random.Generator) -> None:
    shape = SHAPES[number % len(SHAPES)]
    image = _background(size, random)
    _draw(image, shape, _polygon(shape, random))
    (folder / shape).mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(folder / shape / f"{number:04d}.jpg"), image)


def _background(size: int, random: np.random.Generator) -> NDArray[np.uint8]:
    return random.integers(0, 90, (size, size, 3), dtype=np.uint8)


def _polygon(shape: str, random: np.random.Generator) -> Polygon:
    """A regular polygon of the shape, somewhere in the image, turned a little."""
    radius = float(random.uniform(0.14, 0.26))
    centre = random.uniform(radius, 1 - radius, 2)
    corners = CORNERS[shape]
    turn = math.pi / 4 if shape == "square" else -math.pi / 2
    angles = turn + float(random.uniform(-0.2, 0.2)) + np.arange(corners) * 2 * math.pi / corners
    return np.clip(centre + radius * np.stack([np.cos(angles), np.sin(angles)], axis=1), 0.0, 1.0)


def _draw(image: NDArray[np.uint8], shape: str, polygon: Polygon) -> None:
    cv2.fillPoly(image, [(polygon * image.shape[0]).astype(np.int32)], COLOURS[shape])


def _label(polygon: Polygon, task: str) -> list[float]:
    """The corners for segment, centre and size of the box for detect."""
    if task == "segment":
        return [float(value) for value in polygon.ravel()]
    low, high = polygon.min(axis=0), polygon.max(axis=0)
    return [float(value) for value in (*((low + high) / 2), *(high - low))]


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--task", choices=TASKS, default="detect")
    parser.add_argument("--train", type=int, default=64)
    parser.add_argument("--val", type=int, default=16)
    parser.add_argument("--size", type=int, default=160)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    print(make_shapes(given.out, given.task, train=given.train, val=given.val, size=given.size, seed=given.seed))


if __name__ == "__main__":
    main()
