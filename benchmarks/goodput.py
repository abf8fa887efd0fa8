"""Real trainings whose trainer is killed at random: useful epochs ÷ epochs begun, beside a shell loop that starts over.

    python benchmarks/goodput.py [--epochs 120] [--every 3 10 30] [--seed 1]

Both are killed (SIGKILL) after the same numbers of epochs, drawn from the seed. The shell loop is what people write
first: `until yolo train …; do :; done`. It is given up when it has begun three times the epochs of the training. Epochs
are as short as they come, so that there are enough of them for kills that are rare.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
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

GIVEN_UP_AFTER = 3
ARGUMENTS: dict[str, Any] = {"imgsz": 32, "batch": 4, "patience": 0, "plots": False}
# Goodput counts epochs: a try of the loop need not import PyTorch anew.
FORKS = multiprocessing.get_context("forkserver")


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


def with_a_shell_loop(data: Path, folder: Path, epochs: int, moments: Iterator[float]) -> tuple[int, int, int]:
    """Useful epochs, epochs begun, kills."""
    counter, kills = folder / "epochs", 0
    counter.touch()
    while counter.stat().st_size + kills < GIVEN_UP_AFTER * epochs:
        trainer = FORKS.Process(target=train_bare, args=(folder, {**ARGUMENTS, "data": str(data), "epochs": epochs}))
        trainer.start()
        moment = next(moments)
        while trainer.exitcode is None and counter.stat().st_size + kills < moment:
            time.sleep(0.01)
        if trainer.exitcode == 0:
            return epochs, counter.stat().st_size + kills, kills
        assert trainer.exitcode is None, "the bare training failed"
        trainer.kill()
        trainer.join()
        kills += 1
    return 0, counter.stat().st_size + kills, kills


def train_bare(folder: Path, arguments: dict[str, Any]) -> None:
    """What `yolo train` does, silently; each epoch leaves a letter in the file `epochs`."""
    silence = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silence, 1)
    os.dup2(silence, 2)
    os.chdir(folder)
    from ultralytics import YOLO

    def count(_trainer: object) -> None:
        with (folder / "epochs").open("a") as file:
            file.write(".")

    model = YOLO("yolo11n.yaml")
    model.add_callback("on_train_epoch_end", count)
    model.train(device="cpu", workers=0, save_dir=str(folder), **arguments)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--epochs", type=int, default=120)
    parser.add_argument("--every", type=int, nargs="+", default=[3, 10, 30])
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    print(f"a training of {asked.epochs} epochs")
    print(f"{'kill every':>10} {'':<12} {'useful':>6} {'begun':>6} {'kills':>6} goodput")
    FORKS.set_forkserver_preload(["ultralytics.models"])
    with tempfile.TemporaryDirectory() as directory:
        os.environ.update(YOLO_CONFIG_DIR=str(Path(directory, "config")), YOLO_OFFLINE="true", YOLO_VERBOSE="false")
        data = make_shapes(Path(directory, "shapes"), train=4, val=2, size=32)
        for every in asked.every:
            for name, train in (("yolotui", with_yolotui), ("shell loop", with_a_shell_loop)):
                folder = Path(directory, f"{every}-{name.split()[0]}")
                folder.mkdir()
                useful, begun, kills = train(data, folder, asked.epochs, killing_moments(every, asked.seed))
                print(f"{every:>10} {name:<12} {useful:>6} {begun:>6} {kills:>6} {useful / begun:>7.2f}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
