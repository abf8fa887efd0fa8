"""Do the health rules find what is wrong with real trainings, and leave well ones alone?

    python -m benchmarks.health OUT [--only NAME …] [--jobs 2] [--set broken|healthy|tuning]

Trains small detectors from fixed seeds: some broken on purpose, some well. Each is watched as the scheduler watches it,
epoch by epoch; a second call trains only what is missing. Prints a Markdown table of hits and misses, and one of false
alarms. Ends with 1 if a broken training was missed, or if a well one was given a warning. OUT/NAME.json keeps what the
rules saw: copied to tests/core/health_runs, the tests look at it again without training.

The rules were tuned on `tuning` and on first drafts of `broken`; data and seeds of `healthy` are used for nothing else.
What comes from a card is put in by hand here (`device`), for this is run without one.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import cv2
import msgspec
import numpy as np
import ultralytics
from msgspec import Struct
from msgspec.structs import replace
from numpy.typing import NDArray

from examples.make_shapes import make_shapes
from yolotui.core.health import DeviceView, Finding, RunView, Severity, examine
from yolotui.runner.environment import trainer_argv, training_environment
from yolotui.telemetry import RunReader, RunSeries
from yolotui.telemetry.health_view import run_view

MODEL = "yolov8n-slim.yaml"
"""YOLOv8n at half its width: an epoch of a hundred small images is about a second on one core."""

BASE = "base"  # the training whose best weights the others start from, as people start from pretrained ones
Breaking = Callable[[Path, random.Random], None]


class Case(Struct, frozen=True, kw_only=True):
    """A training: its data (and what is done to it), its arguments, and the rules of which one at least must speak."""

    name: str
    seed: int
    images: int = 64
    val: int = 24
    size: int = 64
    fresh: bool = False
    epochs: int = 12
    arguments: dict[str, Any] = {}
    breaking: Breaking | None = None
    device: DeviceView = DeviceView()
    expected: tuple[str, ...] = ()
    how: str = ""


class Record(Struct, frozen=True):
    """A training as the rules saw it, with the rules of which one at least must speak; none if it is well."""

    expected: tuple[str, ...]
    run: RunView


# --- ways to break a data set ----------------------------------------------------------------------------------------


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


# --- the trainings ----------------------------------------------------------------------------------------------------

ADAM = {"optimizer": "AdamW", "lr0": 0.001}
BUSY_WAITING = DeviceView(utilization_percent=14.0)

TUNING = (
    Case(name="well-fresh-a", seed=1, fresh=True, images=128, val=32, epochs=24),
    Case(name="well-tuned-b", seed=3, images=96, val=32, epochs=14, arguments=ADAM),
)

BROKEN = (
    Case(name="shuffled-labels", seed=11, epochs=16, breaking=shuffle_labels,
         expected=("first-box-loss", "blind-learning", "not-learning", "losing-ground"),
         how="each training image has another one's labels"),
    Case(name="scaled-boxes", seed=12, breaking=scale_boxes,
         expected=("first-box-loss", "blind-learning", "losing-ground"),
         how="training boxes written for another image size"),
    Case(name="lr-1-no-warmup", seed=13, arguments={"optimizer": "SGD", "lr0": 1.0, "warmup_epochs": 0},
         expected=("first-box-loss", "oscillation", "divergence", "no-number", "losing-ground"),
         how="`optimizer=SGD lr0=1.0 warmup_epochs=0`"),
    Case(name="nan", seed=14, epochs=6, arguments={"box": 1e39}, expected=("no-number",),
         how="`box=1e39`: the loss is more than a float can hold"),
    Case(name="swapped-classes", seed=15, breaking=swap_classes, expected=("class-gap", "blind-learning"),
         how="val counts its classes otherwise than train"),
    Case(name="foreign-val", seed=16, epochs=14, breaking=foreign_val,
         expected=("class-gap", "losing-ground", "blind-learning", "over-fitting"), how="val images are negatives"),
    Case(name="tiny-data", seed=17, images=4, val=12, epochs=60,
         arguments={**ADAM, "mosaic": 0, "scale": 0, "translate": 0, "fliplr": 0},
         expected=("over-fitting",), how="four training images, no augmentation"),
    Case(name="lost-labels", seed=18, breaking=lose_labels, epochs=24, expected=("losing-ground", "low-recall"),
         how="three of four training images have lost their labels"),
    Case(name="rare-class", seed=19, epochs=6, breaking=starve_a_class, expected=("few-images",),
         how="one class is labelled in three training images only"),
    Case(name="frozen-all", seed=20, fresh=True, images=96, val=32, epochs=16, arguments={**ADAM, "freeze": 22},
         expected=("not-learning",), how="an untrained backbone and neck, frozen"),
    Case(name="lr-too-small", seed=21, fresh=True, epochs=17,
         arguments={"optimizer": "SGD", "lr0": 1e-7, "warmup_bias_lr": 0.0},
         expected=("not-learning",), how="`lr0=1e-7`, from scratch"),
    Case(name="flat-rate", seed=22, arguments={**ADAM, "lrf": 1.0, "warmup_epochs": 0},
         expected=("flat-learning-rate",), how="`lrf=1.0 warmup_epochs=0`: the rate never changes"),
    Case(name="slow-data", seed=23, images=16, epochs=5, breaking=huge_pictures, device=BUSY_WAITING,
         expected=("starved-gpu",), how="PNGs of four megapixels for one worker (utilisation put in by hand)"),
)  # fmt: skip

HEALTHY = (
    Case(name="healthy-01", seed=101, images=48, epochs=22),
    Case(name="healthy-02", seed=102, arguments=ADAM),
    Case(name="healthy-03", seed=103, images=32, size=96),
    Case(name="healthy-04", seed=104, images=40, epochs=21, arguments={"optimizer": "SGD", "lr0": 0.005}),
    Case(name="healthy-05", seed=105, arguments={"batch": 16}),
    Case(name="healthy-06", seed=106, images=32, epochs=30, arguments={**ADAM, "cos_lr": True}),
    Case(name="healthy-07", seed=107, images=40, epochs=21, arguments={"freeze": 10}),
    Case(name="healthy-08", seed=108, fresh=True, images=112, epochs=17, arguments={**ADAM, "lr0": 0.002}),
    Case(name="healthy-09", seed=109, images=56, epochs=15, arguments={**ADAM, "lr0": 0.0005}),
    Case(name="healthy-10", seed=110, images=48, arguments={"mosaic": 0.5, "close_mosaic": 4}),
)

SETS = {"tuning": TUNING, "broken": BROKEN, "healthy": HEALTHY}


# --- training and looking ---------------------------------------------------------------------------------------------


def train(case: Case, out: Path) -> RunView:
    """The case as the rules see it; trained only if OUT doesn't have it yet."""
    model = out / MODEL if case.fresh else out / BASE / "train/weights/best.pt"
    defaults = {"imgsz": case.size, "batch": 8, "seed": case.seed, "plots": False, "verbose": False}
    arguments = {**defaults, "epochs": case.epochs, **case.arguments}
    if series_of(out / case.name).end is None:
        data = make_shapes(out / f"data-{case.name}", train=case.images, val=case.val, size=case.size, seed=case.seed)
        if case.breaking:
            case.breaking(data.parent, random.Random(case.seed))
        train_as_the_runner_does(out / case.name, model, data, arguments)
    view = run_view(series_of(out / case.name), {"model": model.name, **arguments}, epochs_asked=case.epochs)
    run = replace(view, device=case.device, workers_possible=16)
    record = rounded(msgspec.json.encode(Record(case.expected, run)))
    (out / f"{case.name}.json").write_bytes(record)
    return msgspec.json.decode(record, type=Record).run


def series_of(run_dir: Path) -> RunSeries:
    reader = RunReader(run_dir)
    reader.poll()
    return reader.series


def train_as_the_runner_does(run_dir: Path, model: Path, data: Path, arguments: dict[str, Any]) -> None:
    shutil.rmtree(run_dir, ignore_errors=True)
    attempt = run_dir / "attempt-1"
    attempt.mkdir(parents=True)
    (run_dir / "cwd").mkdir()
    spec = {"job": 1, "name": run_dir.name, "kind": "train", "model": str(model), "data": str(data)}
    (run_dir / "spec.json").write_text(json.dumps({**spec, "arguments": arguments}))
    (attempt / "launch.json").write_text(json.dumps({"trainer": {"gpus": 1, "cpu": True, "workers": 1}}))
    environment = training_environment(os.environ, run_dir=str(run_dir), attempt=run_dir.name, gpu_uuids=())
    with (run_dir / "console.log").open("wb") as console:  # a training may fail here: that is what some are for
        argv = trainer_argv(sys.executable, str(attempt), 1)
        subprocess.run(argv, cwd=run_dir / "cwd", env=environment, stdout=console, stderr=console, check=False)


def rounded(document: bytes) -> bytes:
    """The same JSON with five significant digits."""
    shorter = json.loads(document, parse_float=lambda text: float(f"{float(text):.5g}"))
    return json.dumps(shorter, separators=(",", ":")).encode()


def told(run: RunView) -> dict[str, Finding]:
    """All that is ever told of the run, as it was when it was told first."""
    findings: dict[str, Finding] = {}
    ever: dict[str, Finding] = {}
    for count in range(len(run.epochs) + 1):
        last = count == len(run.epochs)
        part = replace(run, epochs=run.epochs[: count + 1], altered=run.altered if last else ())
        findings = examine(part, findings, at_epoch=count)
        for rule, finding in findings.items():
            if finding.told:
                ever.setdefault(rule, finding)
    return ever


# --- the tables -------------------------------------------------------------------------------------------------------


def broken_row(case: Case, found: dict[str, Finding]) -> tuple[bool, str]:
    hits = sorted((rule for rule in case.expected if rule in found), key=lambda rule: found[rule].epoch)
    also = [rule for rule in found if rule not in case.expected and found[rule].severity is not Severity.INFO]
    hit = ", ".join(f"`{rule}` at epoch {found[rule].epoch}" for rule in hits) or "**missed**"
    more = ", ".join(f"`{rule}` ({found[rule].epoch})" for rule in also)
    return bool(hits), f"| {case.how} | {case.epochs} | {hit} | {more} |"


def healthy_row(case: Case, run: RunView, found: dict[str, Finding]) -> tuple[bool, str]:
    alarms = [f"**{rule}** ({found[rule].epoch})" for rule in found if found[rule].severity is not Severity.INFO]
    notes = [f"`{rule}` ({found[rule].epoch})" for rule in found if found[rule].severity is Severity.INFO]
    start = "from scratch" if case.fresh else "pretrained"
    special = " ".join(f"{name}={value}" for name, value in case.arguments.items())
    about = f"{start}, {case.images} images of {case.size} px, seed {case.seed}{', ' if special else ''}{special}"
    best = max((epoch.map50 or 0.0 for epoch in run.epochs), default=0.0)
    return (
        not alarms,
        f"| {about} | {len(run.epochs)} | {best:.2f} | {', '.join(alarms) or 'none'} | {', '.join(notes)} |",
    )


def make_base(out: Path) -> None:
    """The weights that the others start from."""
    source = Path(ultralytics.__file__).parent / "cfg/models/v8/yolov8.yaml"
    (out / MODEL).write_text(re.sub(r"(?m)^  n: \[.*?\]", "  n: [0.33, 0.125, 1024]", source.read_text()))
    if not (out / BASE / "train/weights/best.pt").exists():
        data = make_shapes(out / f"data-{BASE}", train=160, val=32, size=64, seed=1000)
        common = {"imgsz": 64, "batch": 8, "plots": False, "verbose": False, "seed": 0}
        train_as_the_runner_does(
            out / BASE, out / MODEL, data, {**common, "epochs": 40, "optimizer": "AdamW", "lr0": 0.002}
        )


def report(cases: Iterable[Case], runs: Iterable[RunView]) -> bool:
    """Print the tables; True if everything is as it should be."""
    outcomes = [(case, run, told(run)) for case, run in zip(cases, runs, strict=True)]
    broken = [broken_row(case, found) for case, _, found in outcomes if case.expected]
    well = [healthy_row(case, run, found) for case, run, found in outcomes if not case.expected]
    if broken:
        print("| What was broken | Epochs | Found | Besides, warnings and more |\n|---|---|---|---|")
        print("\n".join(row for _, row in broken), end="\n\n")
    if well:
        print("| Training | Epochs | Best mAP50 | Warnings and more | Notes |\n|---|---|---|---|---|")
        print("\n".join(row for _, row in well))
    return all(good for good, _ in (*broken, *well))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--only", nargs="*")
    parser.add_argument("--set", choices=SETS, action="append", dest="sets")
    parser.add_argument("--jobs", type=int, default=2)
    options = parser.parse_args()
    out = options.out.resolve()
    out.mkdir(parents=True, exist_ok=True)
    cases = [case for name in options.sets or ("broken", "healthy") for case in SETS[name]]
    cases = [case for case in cases if not options.only or case.name in options.only]
    make_base(out)
    with ThreadPoolExecutor(options.jobs) as pool:
        runs = list(pool.map(lambda case: train(case, out), cases))
    return 0 if report(cases, runs) else 1


if __name__ == "__main__":
    sys.exit(main())
