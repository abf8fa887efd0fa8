"""How soon does a P0 train on a full machine, and what do those lose who make room? And a booking over a training.

    python benchmarks/preemption.py [--epoch-images 2000]

Real trainings on a simulated host of two cards, with the real scheduler. First both cards are taken by trainings of
long epochs (so many images each), then a P0 comes: printed are the seconds from its submission to its first batch, and
what the evicted one lost, foreseen and in the end. Then a card is booked over a running training: printed is the
audit trail. At the end every training must have every epoch once in its results.csv.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from examples.make_shapes import make_shapes
from yolotui.core.bookings import BookingRequest
from yolotui.core.jobs import Job, JobSpec, Kind, Outcome, Priority
from yolotui.locations import Home
from yolotui.store import Actor, Store, Submission

CONFIG = """
[scheduling]
preemption = "evict"
notice = "30s"
checkpoint_wait = "20s"

[bookings]
smallest = "10s"
"""
EPOCHS = 6
HOST = "sim:2x24GiB"
TOLD = {"notice", "withdraw-notice", "warn-booking", "evict", "open-booking", "use-booking", "end-booking"}


class Bench:
    """A home with a scheduler that leads it, and two data sets: one whose epochs are long, one for those in a hurry."""

    def __init__(self, root: Path, images: int) -> None:
        self.home = Home(root / "home")
        self.home.create()
        self.home.config.write_text(CONFIG)
        self.store = Store(self.home)
        self.long = make_shapes(root / "long", train=images, val=4, size=64)
        self.short = make_shapes(root / "short", train=8, val=4, size=64)
        environment = {**os.environ, "YOLOTUI_HOME": str(self.home.root), "YOLOTUI_GPUS": HOST}
        self.leader = subprocess.Popen([sys.executable, "-m", "yolotui.scheduler"], env=environment)
        self.actor = Actor.current()

    def train(self, name: str, data: Path, *, epochs: int = EPOCHS, priority: Priority = Priority.P2) -> int:
        spec = JobSpec(
            name=name,
            kind=Kind.TRAIN,
            model="yolo11n.yaml",
            data=str(data),
            arguments={"epochs": epochs, "imgsz": 64, "batch": 4, "plots": False},
            estimate_s=3600.0 if data == self.long else 60.0,
        )
        return self.store.verbs.submit(
            [Submission(spec=spec, priority=priority, environment=_environment())], self.actor
        )[0]

    def job(self, job_id: int) -> Job:
        return self.store.read.job(job_id)

    def until_training(self, job_id: int) -> float:
        """When its newest attempt computed its first batch (UTC seconds)."""
        return wait_for(lambda: first_batch_at(self.job(job_id)))

    def until_saved(self, job_id: int) -> None:
        wait_for(lambda: self.job(job_id).progress.epochs_done >= 1)

    def until_ended(self, job_id: int) -> Job:
        wait_for(lambda: self.job(job_id).ended)
        return self.job(job_id)

    def close(self) -> None:
        self.leader.terminate()
        self.leader.wait()
        self.store.close()


def _environment() -> dict[str, str]:
    return {key: value for key, value in os.environ.items() if key in {"PATH", "PYTHONPATH"}}


def wait_for(condition: Callable[[], float | bool | None]) -> float:
    while not (found := condition()):
        time.sleep(0.05)
    return float(found)


def first_batch_at(job: Job) -> float | None:
    if not job.attempts:
        return None
    events = Path(job.run_dir, f"attempt-{job.attempts[-1].number}", "events.jsonl")
    lines = events.read_text().splitlines() if events.exists() else []
    return next((each["t"] for line in lines if (each := json.loads(line))["event"] == "batch"), None)


def epochs_in_csv(job: Job) -> list[int]:
    lines = Path(job.run_dir, "train/results.csv").read_text().splitlines()[1:]
    return [int(float(line.split(",")[0])) for line in lines]


def show(job: Job) -> None:
    """How its attempts ended, and whether every epoch is there once."""
    for attempt in job.attempts:
        print(f"  {job.name}, attempt {attempt.number}: {attempt.outcome}. {attempt.explanation}")
    epochs = epochs_in_csv(job)
    whole = epochs == list(range(1, EPOCHS + 1)) and job.state == "succeeded"
    print(f"  {job.name}: {job.state}, epochs {epochs}: {'each once' if whole else 'NOT each once'}")


def urgent_work(bench: Bench) -> None:
    victims = [bench.train(f"long-{number}", bench.long) for number in range(2)]
    for victim in victims:
        bench.until_saved(victim)
    submitted_at = time.time()
    urgent = bench.train("hot-fix", bench.short, epochs=1, priority=Priority.P0)
    print(f"P0: first batch {bench.until_training(urgent) - submitted_at:.1f} s after its submission on a full host")
    bench.until_ended(urgent)
    ended = [bench.until_ended(victim) for victim in victims]
    for job in ended:
        show(job)
    if not any(attempt.outcome is Outcome.EVICTED for job in ended for attempt in job.attempts):
        print("  Nobody was evicted: on this machine these trainings end too soon for that. Give them more images.")


def booked_window(bench: Bench) -> None:
    trainings = [bench.train(f"night-{number}", bench.long) for number in range(2)]
    for training in trainings:
        bench.until_saved(training)
    demo = bench.train("demo", bench.short, epochs=1)
    opens_at = time.time() + 60
    window = BookingRequest(starts_at=opens_at, ends_at=opens_at + 300, count=1, job_id=demo)
    bench.store.verbs.reserve(window, bench.actor)
    print(f"Booking: first batch {bench.until_training(demo) - opens_at:.1f} s after its window opened")
    bench.until_ended(demo)
    for training in trainings:
        show(bench.until_ended(training))
    for row in bench.store.read.audit():
        if row.verb in TOLD and row.at >= opens_at - 60:
            print(f"  {row.at - opens_at:+7.1f} s  {row.verb:15} {row.detail.get('why') or row.detail}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--epoch-images", type=int, default=2000, help="images in an epoch of the long trainings")
    images: int = parser.parse_args().epoch_images
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(Path(folder), images)
        try:
            urgent_work(bench)
            booked_window(bench)
        finally:
            bench.close()


if __name__ == "__main__":
    main()
