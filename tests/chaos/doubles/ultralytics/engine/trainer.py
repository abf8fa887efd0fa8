"""The training loop in the order in which Ultralytics does things, and with its weaknesses."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from ultralytics.utils.torch_utils import load, packed, strip_optimizer

BATCHES = 3
WORKER_OUTLIVES_S = 0.2
HEADER = "epoch,time,train/box_loss,metrics/mAP50(B)\n"


class Loader:
    """So many batches of a data set without labels."""

    dataset = SimpleNamespace(labels=[])

    def __len__(self) -> int:
        return BATCHES


class DetectionTrainer:
    """One process of one training."""

    def __init__(self, arguments: Mapping[str, Any], callbacks: Mapping[str, list[Callable[[Any], None]]]) -> None:
        self._callbacks = callbacks
        self.save_dir = Path(arguments["save_dir"])
        self.wdir = self.save_dir / "weights"
        self.last, self.best = self.wdir / "last.pt", self.wdir / "best.pt"
        self.csv = self.save_dir / "results.csv"
        self.args = SimpleNamespace(task="detect", imgsz=32, time=None, resume=arguments.get("resume"))
        self.resume = bool(arguments.get("resume"))
        self.epochs = int(arguments.get("epochs", 100))
        self.save_period = int(arguments.get("save_period", -1))
        self.batch_size = int(arguments.get("batch", 16))
        self.start_epoch = self.epoch = 0
        self.device = SimpleNamespace(type="cpu")
        self.train_loader = Loader()
        self.data = {"names": {0: "circle"}}
        self.optimizer = SimpleNamespace(param_groups=[{"lr": 0.01}])
        self.stopper = SimpleNamespace(best_epoch=0)
        self.tloss = 0.0
        self.metrics: dict[str, float] = {}
        self.lr = {"lr/pg0": 0.01}
        self.epoch_time: float | None = None
        self.fitness: float | None = None
        self.best_fitness: float | None = None
        self.stop = False
        self._batch_s = float(os.environ.get("DOUBLE_BATCH_S", "0.01"))
        self._naive = os.environ.get("DOUBLE_NAIVE") == "1"

    def label_loss_items(self, loss: float) -> dict[str, float]:
        return {"train/box_loss": loss}

    def train(self) -> None:
        if int(os.environ.get("RANK", "-1")) > 0:
            while True:  # works until rank 0 has had enough
                time.sleep(self._batch_s)
        self._tell("on_pretrain_routine_start")
        self.wdir.mkdir(parents=True, exist_ok=True)
        if self.resume:
            self._go_on_from(load(str(self.args.resume)))
        else:
            self.csv.unlink(missing_ok=True)
        self._start_worker()
        self._tell("on_pretrain_routine_end")
        self._tell("on_train_start")
        self._began_at = time.monotonic()
        for epoch in range(self.start_epoch, self.epochs):
            self.epoch = epoch
            self._train_epoch()
            if self.stop:
                break
        self.final_eval()
        self._tell("on_train_end")

    def save_model(self) -> None:
        """last.pt, best.pt where it is the best, epochN.pt where one is due."""
        content = {
            "epoch": self.epoch,
            "best_fitness": self.best_fitness,
            "optimizer": {"state": self.epoch},
            "train_args": {"epochs": self.epochs, "batch": self.batch_size, "save_period": self.save_period},
            "train_metrics": {"fitness": self.fitness},
            "version": "8.4.190",
        }
        data = packed(content)
        self._save(self.last, data)
        if self.best_fitness == self.fitness:
            self._save(self.best, data)
        if self.save_period > 0 and self.epoch % self.save_period == 0:
            self._save(self.wdir / f"epoch{self.epoch}.pt", data)

    def final_eval(self) -> None:
        for file in (self.last, self.best):
            if file.exists():
                strip_optimizer(file)
        self.metrics = {"metrics/mAP50(B)": 0.9}
        self._tell("on_fit_epoch_end")

    def _go_on_from(self, content: dict[str, Any]) -> None:
        self.start_epoch = content["epoch"] + 1
        self.epochs = content["train_args"]["epochs"]
        self.best_fitness = content["best_fitness"]
        assert 0 < self.start_epoch < self.epochs, "nothing to resume"

    def _train_epoch(self) -> None:
        began_at = time.monotonic()
        self._tell("on_train_epoch_start")
        for _ in range(BATCHES):
            self._tell("on_train_batch_start")
            time.sleep(self._batch_s)
            self.tloss = 1.0 / (self.epoch + 1)
            self._tell("on_train_batch_end")
        self._tell("on_train_epoch_end")
        self._tell("on_val_start")
        self.fitness = 0.5 if self.epoch % 4 == 3 else self.epoch / 1000  # now and then the best so far, then not
        self.best_fitness = max(self.best_fitness or 0.0, self.fitness)
        self.metrics = {"metrics/mAP50(B)": self.fitness}
        self.epoch_time = time.monotonic() - began_at
        self._write_row()
        self.stop = self.stop or self.epoch + 1 >= self.epochs
        self.save_model()
        self._tell("on_model_save")
        self._tell("on_fit_epoch_end")

    def _write_row(self) -> None:
        row = f"{self.epoch + 1},{time.monotonic() - self._began_at:.4f},{self.tloss},{self.fitness}\n"
        with self.csv.open("a") as table:
            if not table.tell():
                table.write(HEADER)
            table.write(row[:3])
            table.flush()
            table.write(row[3:])

    def _save(self, path: Path, data: bytes) -> None:
        if not self._naive:
            path.write_bytes(data)
            return
        with open(str(path), "wb") as file:  # noqa: PTH123  past every path's `write_bytes`
            file.write(data[: len(data) // 2])
            file.flush()
            time.sleep(self._batch_s / 2)
            file.write(data[len(data) // 2 :])

    def _start_worker(self) -> None:
        """A data worker: it has everything that its parent has, and outlives it for a moment."""
        parent = os.getpid()
        if os.fork() == 0:
            while os.getppid() == parent:
                time.sleep(0.02)
            time.sleep(WORKER_OUTLIVES_S)
            os._exit(0)

    def _tell(self, event: str) -> None:
        for callback in self._callbacks.get(event, ()):
            callback(self)
