"""Lives a few moments in a new home, until there is something of everything in it that a queue keeps, and stores it.

python -m tests.store.live_home FOLDER
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from pathlib import Path

from tests.helpers import eventually
from tests.scheduler.conftest import ANNA, Rig
from tests.store.stored_homes import store
from yolotui.core.bookings import BookingRequest
from yolotui.core.jobs import Gate, JobSpec, Kind, Priority
from yolotui.locations import Home
from yolotui.store import Actor
from yolotui.store.outbox import Message

BEN = Actor("ben", 0, "new fan")
FAR_AHEAD = time.time() + 300 * 86_400.0
NOBODY = "json://127.0.0.1:9"
TRAINING = """
import json, os, sys, time
attempt_dir = next(word for word in sys.argv if "attempt-" in word)
def say(event, **fields):
    with open(attempt_dir + "/events.jsonl", "a") as file:
        file.write(json.dumps(dict(t=time.time(), event=event, **fields)) + chr(10))
rows = ["epoch,time,train/box_loss,metrics/mAP50(B)"]
say("phase", name="dataset")
say("start", task="detect", epochs=3, batch=16, imgsz=64, batches=2, versions={"ultralytics": "8.4.190"})
for epoch in (1, 2, 3):
    metrics = {"train/box_loss": 1 / epoch, "metrics/mAP50(B)": epoch / 5}
    say("phase", name="training")
    say("batch", epoch=epoch, batch=1, batches=2, losses={"box_loss": 1 / epoch}, lr={"pg0": 0.01}, wait_s=0.1,
        compute_s=0.1, images_per_s=80)
    say("epoch", epoch=epoch, epochs=3, epoch_s=0.5, metrics=metrics, fitness=epoch / 5, best_fitness=epoch / 5,
        best_epoch=epoch)
    rows.append(f"{epoch},{epoch / 2},{1 / epoch},{epoch / 5}")
folder = os.path.join(os.path.dirname(attempt_dir), "train")
os.makedirs(folder, exist_ok=True)
with open(folder + "/results.csv", "w") as table:
    table.write(chr(10).join(rows) + chr(10))
say("end", outcome="finished", epochs_done=3)
"""


def live(rig: Rig) -> None:
    """What happens in it."""
    home = rig.home
    home.create()
    home.config.write_text('[scheduling]\npreflight = "warn"\n')
    ok = rig.command("ok", "sh", "-c", "echo the server said yes", gpus=1)
    bad = rig.command("bad", "sh", "-c", "echo no such luck; exit 3")
    scheduler = rig.lead()
    rig.until(ok, "succeeded")
    rig.until(bad, "failed")
    rig.until(rig.submit(_training(home)), "succeeded")
    rig.until(rig.command("shares", "true", gpus=1, vram_bytes=8 << 30), "succeeded")
    deploy = rig.submit(
        JobSpec(
            name="deploy", kind=Kind.COMMAND, command=("sh", "-c", "echo deployed"), gpus=0, cwd=str(home.root),
            after=("night-n",), when=(Gate("night-n", "metrics/mAP50(B)", ">=", 0.5),),
        ),
        priority=Priority.P1, hold=True,
    )  # fmt: skip
    rig.store.verbs.set_deadline([deploy], FAR_AHEAD, ANNA)
    rig.command("behind", "true", group="night", after=(str(deploy),))
    rig.store.verbs.cancel([rig.command("gone", "true", after=(str(deploy),))], ANNA)
    rig.store.verbs.hold_group("night", Actor("anna", 0, "until Monday"))
    cards = eventually(lambda: [gpu.uuid for gpu in rig.store.read.cards()])
    rig.store.verbs.drain(cards[1:], BEN)
    rig.store.verbs.drain(cards[:1], BEN, at=FAR_AHEAD)
    rig.store.verbs.reserve(BookingRequest(starts_at=FAR_AHEAD - 7200, ends_at=FAR_AHEAD, count=1), ANNA)
    last = rig.store.read.audit()[-1]
    rig.store.outbox.know({NOBODY})
    failed = Message(
        audit=last.id, address=NOBODY, event="failed", severity="error", title="bad failed", body="no such luck",
        made_at=last.at, due_at=FAR_AHEAD,
    )  # fmt: skip
    rig.store.outbox.put(NOBODY, last.id, [failed])
    scheduler.terminate()
    scheduler.wait()


def _training(home: Home) -> JobSpec:
    data, double = home.root / "shapes.yaml", home.root / "double.py"
    data.write_text("names: [circle]\n")
    double.write_text(f"#!{sys.executable}\n{TRAINING}")
    double.chmod(0o755)
    return JobSpec(
        name="night-n", kind=Kind.TRAIN, group="night", model="yolo11n.yaml", data=str(data), python=str(double),
        arguments={"epochs": 3, "imgsz": 64, "seed": 0}, gpus=2, prefer=("0",), retries=5,
    )  # fmt: skip


if __name__ == "__main__":
    os.environ["PATH"] = "/usr/bin:/bin"
    with tempfile.TemporaryDirectory() as directory, Rig(Home(Path(directory, "home")), "sim:2x24GiB") as rig:
        live(rig)
        store(rig.home, Path(sys.argv[1]))
