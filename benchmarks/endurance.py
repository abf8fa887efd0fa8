"""A day of a queue's life in minutes: a job a minute, on a clock that goes 300 times as fast. What grows?

    python benchmarks/endurance.py [--hours 24] [--speed 300]

The scheduler and the jobs are real processes; the clock is that of tests/chaos/fate.c, which needs a C compiler. Each
simulated hour: the leader's memory, descriptors and threads, and the sizes of the files of the home.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tests.chaos.fate import Fate
from yolotui import JobSpec, Kind, Queue
from yolotui.leadership import scheduler_command

MIB = 1024**2
JOB_EVERY_S = 60.0
STEP_S = 0.05
FILES = ("queue.db", "queue.db-wal", "samples.db", "samples.db-wal", "scheduler.log")


def show(hour: float, scheduler: psutil.Process, home: Path, jobs: int) -> None:
    sizes = " ".join(f"{_size(home / name) / MIB:>12.2f}" for name in FILES)
    memory = scheduler.memory_info().rss / MIB
    print(
        f"{hour:>5.1f} {jobs:>5} {memory:>7.1f} {scheduler.num_fds():>4} {scheduler.num_threads():>7} {sizes}",
        flush=True,
    )


def _size(file: Path) -> int:
    return file.stat().st_size if file.exists() else 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--hours", type=float, default=24)
    parser.add_argument("--speed", type=float, default=300)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        home = Path(directory, "home")
        fate = Fate(Path(directory, "fate"), home)
        environment = {**os.environ, **fate.env, "YOLOTUI_HOME": str(home), "YOLOTUI_GPUS": "sim:2x24GiB"}
        with Queue(home, start_scheduler=False) as queue:
            scheduler = subprocess.Popen(scheduler_command(), env=environment)
            try:
                print(
                    f"{'hour':>5} {'jobs':>5} {'MiB':>7} {'fds':>4} {'threads':>7} "
                    + " ".join(f"{n:>12}" for n in FILES)
                )
                live(asked.hours, asked.speed, queue, fate, psutil.Process(scheduler.pid))
            finally:
                scheduler.terminate()
                scheduler.wait()
        print(f"when it has left: WAL {_size(home / 'queue.db-wal') / MIB:.2f} MiB")
    return 0


def live(hours: float, speed: float, queue: Queue, fate: Fate, scheduler: psutil.Process) -> None:
    """Submit a job a minute, and look once an hour."""
    began_at = time.monotonic()
    jobs, shown = 0, 0
    while (hour := (time.monotonic() - began_at) * speed / 3600) < hours:
        fate.move_clock(STEP_S * (speed - 1))
        while jobs < hour * 3600 / JOB_EVERY_S:
            queue.add(JobSpec(name=f"job-{jobs}", kind=Kind.COMMAND, command=("true",), gpus=jobs % 3))
            jobs += 1
        if hour >= shown:
            show(hour, scheduler, queue.home.root, jobs)
            shown += 1
        time.sleep(max(0.0, STEP_S - (time.monotonic() - began_at) % STEP_S))
    show(hours, scheduler, queue.home.root, jobs)
    left = len(queue.jobs(unfinished=True))
    print(f"{jobs} jobs, {left} of them not ended yet")


if __name__ == "__main__":
    sys.exit(main())
