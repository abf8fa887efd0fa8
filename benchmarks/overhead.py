"""What do we cost a training? Epoch times beside a bare `model.train()`.

    python benchmarks/overhead.py [--pairs 10] [--epochs 8] [--against-itself]

Each pair is two trainings at the same time: the bare call, and a job with everything on: batch signals, atomic
checkpoints, provenance, and a scheduler with samples, health and metrics. Each training has one half of the cores, and
twice a second they change places, so that both meet the same neighbours, clock and heat; the scheduler is at home on
all cores. (On halves that stay, two bare trainings differed by up to a quarter here; like this, by half a percent.)
Epoch times are the differences of the `time` column that Ultralytics itself writes into results.csv, the first epoch
left out; they hold what happens between two rows: batches, validation, checkpoints, callbacks. The result is the
geometric mean of the pairs' ratios of median epoch times, with a 95 % interval (Student's t).

`--against-itself` puts a second bare training in the place of the job: what the method itself makes of no difference.
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
from collections.abc import Callable, Mapping
from contextlib import suppress
from itertools import cycle, pairwise
from pathlib import Path
from subprocess import Popen
from typing import Any, NamedTuple, NoReturn

import psutil
import tomli_w

from yolotui.runner.environment import training_environment

Cores = tuple[int, ...]
Start = Callable[[Path, dict[str, Any], Cores], "Training"]

ROOT = Path(__file__).parent.parent
BARE = "import json, sys; from ultralytics import YOLO; YOLO('yolo11n.yaml').train(**json.loads(sys.argv[1]))"
CHANGE_PLACES_EVERY_S = 0.5
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


class Training(NamedTuple):
    """`process` trains; `command` ends when all is done: it is the same one, or waits for it."""

    run_dir: Path
    command: Popen[bytes]
    process: psutil.Process

    def move_to(self, cores: Cores) -> None:
        """Let its threads run there, and only there. It has no data workers: Ultralytics starts none on the CPU."""
        with suppress(psutil.NoSuchProcess, ProcessLookupError):
            for thread in self.process.threads():
                os.sched_setaffinity(thread.id, cores)

    def median_epoch_s(self) -> float:
        """Wait for the end; the median time of the epochs in seconds, without the first."""
        if self.command.wait():
            raise_failed(self.run_dir)
        with (self.run_dir / "train" / "results.csv").open() as file:
            elapsed = [float(row["time"]) for row in csv.DictReader(file)]
        return statistics.median(after - before for before, after in pairwise(elapsed))


def start_bare(run_dir: Path, arguments: dict[str, Any], cores: Cores) -> Training:
    (run_dir / "cwd").mkdir(parents=True)
    everything = {**arguments, "save_dir": str(run_dir / "train"), "device": "cpu", "workers": 1}
    environment = training_environment(os.environ, run_dir=str(run_dir), attempt="bare", gpu_uuids=())
    pinned = ["taskset", "--cpu-list", ",".join(map(str, cores))]  # torch counts cores when it is loaded
    command = start([*pinned, sys.executable, "-c", BARE, json.dumps(everything)], run_dir, environment)
    return Training(run_dir, command, psutil.Process(command.pid))


def start_ours(run_dir: Path, arguments: dict[str, Any], cores: Cores) -> Training:
    """Under a scheduler of its own, which reads, samples and judges it, and answers Prometheus."""
    (run_dir / "cwd").mkdir(parents=True)
    jobs, job_dir = run_dir / "jobs.toml", run_dir / "home/runs/000001-ours"
    jobs.write_text(tomli_w.dumps({"job": [{"name": "ours", "model": "yolo11n.yaml", "workers": 1, **arguments}]}))
    (run_dir / "train").symlink_to(job_dir / "train")
    environment = {**os.environ, "YOLOTUI_HOME": str(run_dir / "home"), "YOLOTUI_GPUS": "cpu:1"}
    command = [sys.executable, "-m", "yolotui", "--batch", str(jobs), "--metrics", "127.0.0.1:0"]
    night = start(command, run_dir, environment)
    process = job_dir / "attempt-1/process.json"  # written before anything of the trainer runs
    while not process.exists():
        if night.poll() is not None:
            raise_failed(run_dir)
        time.sleep(0.01)
    training = Training(run_dir, night, psutil.Process(json.loads(process.read_text())["pid"]))
    training.move_to(cores)
    return training


def start(command: list[str], run_dir: Path, environment: Mapping[str, str]) -> Popen[bytes]:
    with (run_dir / "console.log").open("wb") as console:
        return Popen(command, cwd=run_dir / "cwd", env=environment, stdout=console, stderr=console)


def raise_failed(run_dir: Path) -> NoReturn:
    raise SystemExit(f"{run_dir} failed:\n{(run_dir / 'console.log').read_text()[-2000:]}")


def halves() -> tuple[Cores, Cores]:
    """The cores that this process may use, shared out evenly."""
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < 2:
        raise SystemExit("two cores are needed: one for each training of a pair")
    half = len(cores) // 2
    return tuple(cores[:half]), tuple(cores[half : 2 * half])


def measure_pair(number: int, place: Path, arguments: dict[str, Any], start_other: Start) -> float:
    """Train with and without us side by side; how much longer our epochs took, as a ratio."""
    left, right = halves()
    bare = start_bare(place / f"bare-{number}", arguments, left)
    other = start_other(place / f"other-{number}", arguments, right)
    for bare_cores, other_cores in cycle([(left, right), (right, left)]):
        if bare.command.poll() is not None or other.command.poll() is not None:
            break
        bare.move_to(bare_cores)
        other.move_to(other_cores)
        time.sleep(CHANGE_PLACES_EVERY_S)
    bare_s, other_s = bare.median_epoch_s(), other.median_epoch_s()
    print(f"pair {number + 1:2}: {bare_s:.3f} and {other_s:.3f} s an epoch, ratio {other_s / bare_s:.4f}", flush=True)
    return other_s / bare_s


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=10)
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--against-itself", action="store_true")
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
        start_other = start_bare if options.against_itself else start_ours
        ratios = [measure_pair(number, place, arguments, start_other) for number in range(options.pairs)]
        logs = [math.log(ratio) for ratio in ratios]
        mean = statistics.fmean(logs)
        half = STUDENT.get(len(logs) - 1, 2.0) * statistics.stdev(logs) / math.sqrt(len(logs)) if len(logs) > 1 else 0.0
        low, middle, high = (math.exp(value) for value in (mean - half, mean, mean + half))
        print(f"ratio of epoch times {middle:.4f}, 95 % interval {low:.4f} to {high:.4f}")
        print("goal: an interval that ends below 1.03")
    return 0


if __name__ == "__main__":
    sys.exit(main())
