"""How long the check of a large data set takes, beside Ultralytics' own scan of its labels, in the same run.

    python -m benchmarks.preflight [--images 100000] [--json OUT]

Draws the data set first (a few pictures, linked under many names, with labels of their own). Prints seconds: our check
without and with what it remembers, then Ultralytics' `cache_labels` of the same training split. Ours also looks at val,
compares pictures with one another and says what is wrong. Both find the files in the page cache.
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

from PIL import Image

PICTURES = 200
CLASSES = 20
THEIRS = """
import json, sys, time
from ultralytics.data import YOLODataset
from ultralytics.data.utils import check_det_dataset
data = check_det_dataset(sys.argv[1])
began = time.monotonic()
dataset = YOLODataset(img_path=data["train"], data=data, task="detect", augment=False)
print(json.dumps({"seconds": time.monotonic() - began, "images": len(dataset.labels)}))
"""


def draw(folder: Path, images: int) -> Path:
    """Write the data set; returns its data.yaml."""
    dice = random.Random(0)
    pictures = folder / "pictures"
    pictures.mkdir(parents=True)
    for number in range(PICTURES):
        size = (160, 120)
        Image.frombytes("RGB", size, dice.randbytes(size[0] * size[1] * 3)).save(pictures / f"{number}.jpg")
    for split, count in (("train", images), ("val", images // 20)):
        for kind in ("images", "labels"):
            (folder / kind / split).mkdir(parents=True)
        for number in range(count):
            os.link(pictures / f"{number % PICTURES}.jpg", folder / "images" / split / f"{number:06d}.jpg")
            rows = [
                f"{dice.randrange(CLASSES)} " + " ".join(f"{dice.uniform(0.1, 0.9):.6f}" for _ in range(4))
                for _ in range(dice.randint(1, 12))
            ]
            (folder / "labels" / split / f"{number:06d}.txt").write_text("\n".join(rows))
    (folder / "data.yaml").write_text(f"path: {folder}\ntrain: images/train\nval: images/val\nnc: {CLASSES}\n")
    return folder / "data.yaml"


def ours(data: Path, cache: Path) -> float:
    """Seconds of a check in a process of its own, its start included."""
    began = time.monotonic()
    program = (
        "import sys; from pathlib import Path; from yolotui.preflight import check_data; "
        "result = check_data(Path(sys.argv[1]), 'detect', cache=Path(sys.argv[2])); print(result.data.splits)"
    )
    subprocess.run([sys.executable, "-c", program, str(data), str(cache)], check=True, stdout=subprocess.DEVNULL)
    return time.monotonic() - began


def main() -> None:
    """Measure, print, and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=100_000)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        data = draw(folder / "data", options.images)
        first = ours(data, folder / "checks")
        again = ours(data, folder / "checks")
        environment = {**os.environ, "YOLO_OFFLINE": "1", "YOLO_CONFIG_DIR": str(folder / "config")}
        told = subprocess.run(
            [sys.executable, "-c", THEIRS, str(data)], env=environment, check=True, capture_output=True, text=True
        )
    theirs = json.loads(told.stdout.splitlines()[-1])
    result = {
        "images": options.images,
        "cores": os.cpu_count(),
        "check_s": round(first, 1),
        "check_again_s": round(again, 1),
        "ultralytics_scan_s": round(theirs["seconds"], 1),
    }
    print(json.dumps(result, indent=2))
    if options.json:
        options.json.write_text(json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
    main()
