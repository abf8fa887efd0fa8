"""What do we cost a training? Epoch times beside a bare `model.train()`.

    python benchmarks/overhead.py [--pairs 10] [--epochs 8]

Each pair is two trainings at the same time: the bare call, and a job with everything on: batch signals, atomic
checkpoints, provenance, and a scheduler with samples, health and metrics. Each training has one half of the cores, and
the halves change hands from pair to pair, so that both meet the same neighbours, clock and heat; the scheduler is at
home on all cores. Epoch times are the differences of the `time` column that Ultralytics itself writes into results.csv,
the first epoch left out; they hold what happens between two rows: batches, validation, checkpoints, callbacks. The
result is the geometric mean of the pairs' ratios of median epoch times, with a 95 % interval (Student's t).
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
import time
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from subprocess import Popen
from typing import Any

import tomli_w

from yolotui.runner.environment import training_environment

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
    environment = training_environment(os.environ, run_dir=str(run_dir), attempt="bare", gpu_uuids=())
    pinned = ["taskset", "--cpu-list", ",".join(map(str, cores))]
    return start([*pinned, sys.executable, "-c", BARE, json.dumps(everything)], run_dir, environment)


def start_ours(run_dir: Path, arguments: dict[str, Any], cores: Cores) -> Popen[bytes]:
    """Under a scheduler of its own, which reads, samples and judges it, and answers Prometheus."""
    (run_dir / "cwd").mkdir(parents=True)
    jobs, job_dir = run_dir / "jobs.toml", run_dir / "home/runs/000001-ours"
    jobs.write_text(tomli_w.dumps({"job": [{"name": "ours", "model": "yolo11n.yaml", "workers": 1, **arguments}]}))
    (run_dir / "train").symlink_to(job_dir / "train")
    environment = {**os.environ, "YOLOTUI_HOME": str(run_dir / "home"), "YOLOTUI_GPUS": "cpu:1"}
    command = [sys.executable, "-m", "yolotui", "--batch", str(jobs), "--metrics", "127.0.0.1:0"]
    night = start(command, run_dir, environment)
    process = job_dir / "attempt-1/process.json"  # written before anything of the trainer runs
    while not process.exists() and night.poll() is None:
        time.sleep(0.01)
    if night.returncode is None:
        os.sched_setaffinity(json.loads(process.read_text())["pid"], cores)
    return night


def start(command: list[str], run_dir: Path, environment: Mapping[str, str]) -> Popen[bytes]:
    with (run_dir / "console.log").open("wb") as console:
        return Popen(command, cwd=run_dir / "cwd", env=environment, stdout=console, stderr=console)


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
