"""What do our callbacks and atomic checkpoints cost a training? Epoch times beside a bare `model.train()`.

    python benchmarks/overhead.py [--pairs 10] [--epochs 8]

Each pair is two processes at the same time: the bare call, and the runner's trainer with everything on. Each has one
half of the cores, for whatever it does, and the halves change hands from pair to pair, so that both meet the same
neighbours, clock and heat. Epoch times are the differences of the `time` column that Ultralytics itself writes into
results.csv, the first epoch left out; they hold what happens between two rows: batches, validation, checkpoints,
callbacks. The result is the geometric mean of the pairs' ratios of median epoch times, with a 95 % interval
(Student's t).
"""

from __future__ import annotations

import argparse
import csv
import json
import math
import os
import statistics
import subprocess
import sys
import tempfile
from itertools import pairwise
from pathlib import Path
from subprocess import Popen
from typing import Any

from yolotui.runner.environment import trainer_argv, training_environment

Cores = tuple[int, ...]

ROOT = Path(__file__).parent.parent
BARE = "import json, sys; from ultralytics import YOLO; YOLO('yolo11n.yaml').train(**json.loads(sys.argv[1]))"
# Student's t, two-sided 95 %, by degrees of freedom.
STUDENT = {
    1: 12.71,
    2: 4.303,
    3: 3.182,
    4: 2.776,
    5: 2.571,
    6: 2.447,
    7: 2.365,
    8: 2.306,
    9: 2.262,
    14: 2.145,
    19: 2.093,
}


def start_bare(run_dir: Path, arguments: dict[str, Any], cores: Cores) -> Popen[bytes]:
    (run_dir / "cwd").mkdir(parents=True)
    everything = {**arguments, "save_dir": str(run_dir / "train"), "device": "cpu", "workers": 1}
    return start([sys.executable, "-c", BARE, json.dumps(everything)], run_dir, cores)


def start_ours(run_dir: Path, arguments: dict[str, Any], cores: Cores) -> Popen[bytes]:
    attempt_dir = run_dir / "attempt-1"
    (run_dir / "cwd").mkdir(parents=True)
    attempt_dir.mkdir()
    spec = {"job": 1, "name": "ours", "kind": "train", "model": "yolo11n.yaml", "data": arguments["data"]}
    spec["arguments"] = {name: value for name, value in arguments.items() if name != "data"}
    (run_dir / "spec.json").write_text(json.dumps(spec))
    (attempt_dir / "launch.json").write_text(json.dumps({"trainer": {"gpus": 1, "cpu": True, "workers": 1}}))
    return start(trainer_argv(sys.executable, str(attempt_dir), 1), run_dir, cores)


def start(command: list[str], run_dir: Path, cores: Cores) -> Popen[bytes]:
    """Start a training that never leaves its cores, nor do its threads and data workers."""
    environment = training_environment(os.environ, run_dir=str(run_dir), attempt=run_dir.name, gpu_uuids=())
    pinned = ["taskset", "--cpu-list", ",".join(map(str, cores)), *command]
    with (run_dir / "console.log").open("wb") as console:
        return Popen(pinned, cwd=run_dir / "cwd", env=environment, stdout=console, stderr=console)


def median_epoch_s(run_dir: Path, training: Popen[bytes]) -> float:
    """Wait for the end of a training; the median time of its epochs in seconds, without the first."""
    if training.wait():
        raise SystemExit(f"{run_dir.name} failed:\n{(run_dir / 'console.log').read_text()[-2000:]}")
    with (run_dir / "train" / "results.csv").open() as file:
        elapsed = [float(row["time"]) for row in csv.DictReader(file)]
    return statistics.median(after - before for before, after in pairwise(elapsed))


def halves() -> tuple[Cores, Cores]:
    """The cores that this process may use, shared out evenly."""
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < 2:
        raise SystemExit("two cores are needed: one for each training of a pair")
    half = len(cores) // 2
    return tuple(cores[:half]), tuple(cores[half : 2 * half])


def measure_pair(number: int, place: Path, arguments: dict[str, Any]) -> float:
    """Train with and without us side by side; how much longer our epochs took, as a ratio."""
    left, right = halves() if number % 2 == 0 else reversed(halves())
    bare_dir, ours_dir = place / f"bare-{number}", place / f"ours-{number}"
    trainings = start_bare(bare_dir, arguments, left), start_ours(ours_dir, arguments, right)
    bare, ours = median_epoch_s(bare_dir, trainings[0]), median_epoch_s(ours_dir, trainings[1])
    print(f"pair {number + 1:2}: bare {bare:.3f} s, ours {ours:.3f} s an epoch, ratio {ours / bare:.3f}", flush=True)
    return ours / bare


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=10)
    parser.add_argument("--epochs", type=int, default=8)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        place = Path(directory)
        make = [
            sys.executable,
            str(ROOT / "examples/make_shapes.py"),
            str(place / "data"),
            "--train",
            "288",
            "--size",
            "96",
        ]
        subprocess.run(make, check=True, stdout=subprocess.DEVNULL)
        arguments = {
            "data": str(place / "data/data.yaml"), "epochs": options.epochs, "imgsz": 96, "batch": 8, "plots": False,
            "seed": 0, "verbose": False,
        }  # fmt: skip
        ratios = [measure_pair(number, place, arguments) for number in range(options.pairs)]
        logs = [math.log(ratio) for ratio in ratios]
        mean = statistics.fmean(logs)
        half = STUDENT.get(len(logs) - 1, 2.0) * statistics.stdev(logs) / math.sqrt(len(logs)) if len(logs) > 1 else 0.0
        low, middle, high = (math.exp(value) for value in (mean - half, mean, mean + half))
        print(f"ratio of epoch times {middle:.4f}, 95 % interval {low:.4f} to {high:.4f}")
        print("goal: an interval that holds 1.00 and ends below 1.03")
    return 0


if __name__ == "__main__":
    sys.exit(main())
