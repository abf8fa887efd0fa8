"""How long the check of a large data set takes, beside Ultralytics' own scan of its labels, in the same run.

    python -m benchmarks.preflight [--images 100000] [--json OUT]

Draws the data set first: each picture is a file of its own (one of 200, with a comment of random length before its end,
so that sizes and ends differ as those of photographs do), with one to twelve boxes. Then, in processes of their own and
counted from the call: our check without and with what it remembers, and Ultralytics' `YOLODataset` of both splits
without and with its `labels.cache`, with as many threads as it takes by itself. Ours compares all pictures with one
another besides, and says what is wrong. All find the files in the page cache.

`cpu` is what the call took of all cores, `start` what its process took before it, `peak` the most memory of that
process and of its largest child. Ours stands back for others (`nice 10`): on a busy machine `cpu` is the fair figure.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TypedDict

from PIL import Image

PICTURES = 200
SIZE = (160, 120)
CLASSES = 20
END = b"\xff\xd9"
MEASURED = """
import json, resource, time
WHOSE = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
def cpu_s():
    used = [resource.getrusage(each) for each in WHOSE]
    return sum(each.ru_utime + each.ru_stime for each in used)
def now():
    return time.monotonic(), cpu_s()
def tell(began, images):
    ended = now()
    peak_bytes = sum(resource.getrusage(each).ru_maxrss for each in WHOSE) * 1024
    told = {"called_at": began[0], "took_s": ended[0] - began[0], "cpu_s": ended[1] - began[1]}
    print(json.dumps({**told, "images": images, "peak_bytes": peak_bytes}))
"""
OURS = """
import sys
from pathlib import Path
from yolotui.preflight.checking import Checker
began = now()
result = Checker(cache=Path(sys.argv[2])).check_data(Path(sys.argv[1]), "detect")
assert not result.errors, result.errors
tell(began, sum(split.images for split in result.data.splits.values()))
"""
THEIRS = """
import sys
from ultralytics.data import YOLODataset
from ultralytics.data.utils import check_det_dataset
data = check_det_dataset(sys.argv[1])
began = now()
splits = [YOLODataset(img_path=data[split], data=data, task="detect", augment=False) for split in ("train", "val")]
tell(began, sum(len(split.labels) for split in splits))
"""


class Figures(TypedDict):
    """One call: seconds before and in it, those of all cores in it, the images, the most memory (it, largest child)."""

    start_s: float
    took_s: float
    cpu_s: float
    images: int
    peak_bytes: int


def draw(folder: Path, images: int) -> Path:
    """Write the data set; returns its data.yaml."""
    dice = random.Random(0)
    pictures = [_picture(folder, dice) for _ in range(PICTURES)]
    for split, count in (("train", images), ("val", images // 20)):
        for kind in ("images", "labels"):
            (folder / kind / split).mkdir(parents=True)
        for number in range(count):
            comment = dice.randbytes(dice.randint(100, 5000))
            marked = b"\xff\xfe" + (len(comment) + 2).to_bytes(2, "big") + comment
            content = pictures[number % PICTURES].removesuffix(END) + marked + END
            (folder / "images" / split / f"{number:06d}.jpg").write_bytes(content)
            rows = [
                f"{dice.randrange(CLASSES)} " + " ".join(f"{dice.uniform(0.1, 0.9):.6f}" for _ in range(4))
                for _ in range(dice.randint(1, 12))
            ]
            (folder / "labels" / split / f"{number:06d}.txt").write_text("\n".join(rows))
    (folder / "data.yaml").write_text(f"path: {folder}\ntrain: images/train\nval: images/val\nnc: {CLASSES}\n")
    return folder / "data.yaml"


def _picture(folder: Path, dice: random.Random) -> bytes:
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "drawn.jpg"
    Image.frombytes("RGB", SIZE, dice.randbytes(SIZE[0] * SIZE[1] * 3)).save(file, quality=30)
    content = file.read_bytes()
    file.unlink()
    return content


def measured(program: str, *arguments: object, environment: dict[str, str]) -> Figures:
    """Run a program in a process of its own, and read what it tells of its call."""
    began_at = time.monotonic()
    command = [sys.executable, "-c", MEASURED + program, *map(str, arguments)]
    told = subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout.splitlines()[-1]
    figures = json.loads(told)
    return Figures(
        start_s=figures["called_at"] - began_at,
        took_s=figures["took_s"],
        cpu_s=figures["cpu_s"],
        images=figures["images"],
        peak_bytes=figures["peak_bytes"],
    )


def compare(folder: Path, images: int) -> dict[str, Figures]:
    """Ours and theirs, without and with what each remembers."""
    data = draw(folder / "data", images)
    environment = {**os.environ, "YOLO_OFFLINE": "1", "YOLO_CONFIG_DIR": str(folder / "config")}
    figures = {}
    for what in ("cold", "cached"):
        figures[f"yolotui {what}"] = measured(OURS, data, folder / "checks", environment=environment)
        figures[f"ultralytics {what}"] = measured(THEIRS, data, environment=environment)
    return figures


def show(figures: dict[str, Figures]) -> None:
    """A line a call."""
    print(f"{os.cpu_count()} cores; ratio: ours by theirs")
    print(f"{'':20}{'images':>9}{'call':>9}{'ratio':>8}{'cpu':>9}{'start':>9}{'peak':>10}")
    for what, each in figures.items():
        theirs = figures[what.replace("yolotui", "ultralytics")]
        ratio = f"{each['took_s'] / theirs['took_s']:.2f}" if theirs is not each else ""
        print(
            f"{what:20}{each['images']:9,}{each['took_s']:7.1f} s{ratio:>8}{each['cpu_s']:7.1f} s"
            f"{each['start_s']:7.1f} s{each['peak_bytes'] / 1024**2:6.0f} MiB",
            flush=True,
        )


def main() -> None:
    """Measure, print a table, and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=100_000)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        figures = compare(Path(name), options.images)
        show(figures)
        if options.json:
            options.json.write_text(json.dumps({"cores": os.cpu_count(), "calls": figures}, indent=2) + "\n")


if __name__ == "__main__":
    main()
