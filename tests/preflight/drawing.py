"""Data sets of tiny pictures, to be broken by tests."""

from __future__ import annotations

import random
from pathlib import Path

from PIL import Image


def draw(folder: Path, *, train: int = 20, val: int = 5, size: int = 32, names: int = 2, seed: int = 0) -> Path:
    """Pictures of noise with one box each, the classes in turn; returns the data.yaml."""
    noise = random.Random(seed)
    for split, count in (("train", train), ("val", val)):
        for number in range(count):
            image = image_of(folder, split, number)
            image.parent.mkdir(parents=True, exist_ok=True)
            label_of(folder, split, number).parent.mkdir(parents=True, exist_ok=True)
            Image.frombytes("L", (size, size), noise.randbytes(size * size)).save(image)
            label_of(folder, split, number).write_text(f"{number % names} 0.5 0.5 0.5 0.5\n")
    listed = "".join(f"  {number}: class-{number}\n" for number in range(names))
    (folder / "data.yaml").write_text(f"train: images/train\nval: images/val\nnames:\n{listed}")
    return folder / "data.yaml"


def image_of(folder: Path, split: str, number: int) -> Path:
    return folder / "images" / split / f"{number:05d}.jpg"


def label_of(folder: Path, split: str, number: int) -> Path:
    return folder / "labels" / split / f"{number:05d}.txt"
