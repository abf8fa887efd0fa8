"""Real trainings whose trainer is killed at random: useful epochs ÷ epochs begun, beside a shell loop that starts over.

    python benchmarks/goodput.py [--epochs 120] [--every 3 10 30] [--seed 1]

Both meet a SIGKILL after the same numbers of epochs, drawn from the seed. The shell loop is what people write first:
`until yolo train …; do :; done`. What becomes of it hangs on these numbers alone, so it is reckoned: it is through when
no kill comes for a whole training. It is given up when it has begun ten times the epochs of the training. Epochs are as
short as they come, so that there are enough of them for kills that are rare.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import random
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from examples.make_shapes import make_shapes  # noqa: E402  the repository is no package
from yolotui import JobSpec, Kind, Queue  # noqa: E402

GIVEN_UP_AFTER = 10
ARGUMENTS: dict[str, Any] = {"imgsz": 32, "batch": 4, "patience": 0, "plots": False}


def killing_moments(every: int, seed: int) -> Iterator[float]:
    """After how many epochs begun in all a kill comes: exponential gaps, as of a machine that fails at random."""
    chance, at = random.Random(seed), 0.0
    while True:
        at += chance.expovariate(1 / every)
        yield at


def harass(epochs: Callable[[], int], victim: Callable[[], int | None], moments: Iterator[float], until: Any) -> int:
    """Kill whoever trains when its time has come; returns how many kills there were."""
    kills, moment = 0, next(moments)
    while not until():
        if epochs() + kills >= moment and (pid := victim()):
            os.kill(pid, signal.SIGKILL)
            kills, moment = kills + 1, next(moments)
        time.sleep(0.01)
    return kills


def with_yolotui(data: Path, folder: Path, epochs: int, moments: Iterator[float]) -> tuple[int, int, int]:
    """Useful epochs, epochs begun, kills."""
    os.environ["YOLOTUI_GPUS"] = "cpu:1"
    with Queue(folder / "home") as queue:
        (job_id,) = queue.add(JobSpec(
            name="run", kind=Kind.TRAIN, model="yolo11n.yaml", data=str(data), retries=1000, retry_delay_s=0.1,
            arguments={**ARGUMENTS, "epochs": epochs},
        ))  # fmt: skip
        run_dir = Path(queue.job(job_id).run_dir)

        def told() -> int:
            return sum(file.read_text().count('"event": "epoch"') for file in run_dir.glob("attempt-*/events.jsonl"))

        def trainer() -> int | None:
            newest = max(run_dir.glob("attempt-*"), key=lambda each: int(each.name[8:]))
            if (newest / "exit.json").exists() or not (newest / "process.json").exists():
                return None
            pid: int = json.loads((newest / "process.json").read_text())["pid"]
            return pid if Path(f"/proc/{pid}").exists() else None

        kills = harass(told, trainer, moments, lambda: queue.job(job_id).ended)
        done = queue.job(job_id).progress.epochs_done
    return done, told() + kills, kills


def with_a_shell_loop(epochs: int, moments: Iterator[float]) -> tuple[int, int, int]:
    """Useful epochs, epochs begun, kills."""
    begun = kills = 0
    while begun < GIVEN_UP_AFTER * epochs:
        moment = next(moments)
        if begun + epochs < moment:
            return epochs, begun + epochs, kills
        begun = max(begun, math.ceil(moment)) + 1  # the one that is killed
        kills += 1
    return 0, begun, kills


def show(every: int, name: str, result: tuple[int, int, int]) -> None:
    useful, begun, kills = result
    print(f"{every:>10} {name:<12} {useful:>6} {begun:>6} {kills:>6} {useful / begun:>7.2f}", flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--epochs", type=int, default=120)
    parser.add_argument("--every", type=int, nargs="+", default=[3, 10, 30])
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    print(f"a training of {asked.epochs} epochs")
    print(f"{'kill every':>10} {'':<12} {'useful':>6} {'begun':>6} {'kills':>6} goodput")
    with tempfile.TemporaryDirectory() as directory:
        data = make_shapes(Path(directory, "shapes"), train=4, val=2, size=32)
        for every in asked.every:
            folder = Path(directory, str(every))
            folder.mkdir()
            show(every, "yolotui", with_yolotui(data, folder, asked.epochs, killing_moments(every, asked.seed)))
            show(every, "shell loop", with_a_shell_loop(asked.epochs, killing_moments(every, asked.seed)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
