"""What a trainer leaves in its run directory, in the real formats."""

from __future__ import annotations

import json
import pickle
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from yolotui.demo.curves import metrics
from yolotui.locations import attempt_directory

VERSION = "8.4.190"
HEAD = f"Ultralytics {VERSION} Python-3.11.7 torch-2.9.1 CUDA:0 (NVIDIA RTX 6000 Ada Generation, 48640MiB)\n"
COLUMNS = "      Epoch    GPU_mem   box_loss   cls_loss   dfl_loss  Instances       Size\n"


class RunFiles:
    """The files of one attempt, appended to as it goes."""

    def __init__(self, run_dir: Path, attempt: int) -> None:
        self._run_dir = run_dir
        self.attempt_dir = attempt_directory(run_dir, attempt)
        self.attempt_dir.mkdir(parents=True, mode=0o700, exist_ok=True)
        self._events: list[str] = []
        self._log: list[str] = []
        self._rows: list[str] = []

    def event(self, at: float, event: str, /, **fields: Any) -> None:
        """One line of events.jsonl."""
        self._events.append(json.dumps({"t": round(at, 3), "event": event, **fields}) + "\n")

    def log(self, text: str) -> None:
        """What it prints."""
        self._log.append(text)

    def row(self, epoch: int, time_s: float, measured: Mapping[str, float]) -> None:
        """One line of results.csv."""
        row = {"epoch": epoch, "time": time_s, **measured}
        if not self._rows and not self._results.exists():
            self._rows.append(",".join(row) + "\n")
        self._rows.append(",".join(f"{value:.5g}" for value in row.values()) + "\n")

    def flush(self) -> None:
        """Bring to the disk what was written."""
        if self._rows:
            self._results.parent.mkdir(parents=True, exist_ok=True)
        for path, lines in (
            (self.attempt_dir / "events.jsonl", self._events),
            (self.attempt_dir / "console.log", self._log),
            (self._results, self._rows),
        ):
            if lines:
                with path.open("a", encoding="utf-8") as file:
                    file.writelines(lines)
                lines.clear()

    def checkpoint(self, name: str, epoch: int, arguments: Mapping[str, Any], *, stripped: bool = False) -> Path:
        """A checkpoint that proves whole, as small as one can be; `stripped` as after the last epoch."""
        path = self._run_dir / "train" / "weights" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        content = {
            "epoch": -1 if stripped else epoch - 1,
            "optimizer": None if stripped else {},
            "train_args": dict(arguments),
            "train_metrics": {"fitness": 0.1},
            "version": VERSION,
        }
        with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
            archive.writestr(f"{path.stem}/data.pkl", pickle.dumps(content, protocol=2))
        return path

    def exit(self, began_at: float, ended_at: float, exit_code: int | None, signal: int | None) -> None:
        """The shim's last act."""
        ended = {
            "started_at": began_at,
            "ended_at": ended_at,
            "exit_code": exit_code,
            "signal": signal,
            "error": None,
        }
        (self.attempt_dir / "exit.json").write_text(json.dumps(ended), encoding="utf-8")

    @property
    def _results(self) -> Path:
        return self._run_dir / "train" / "results.csv"


def epoch_line(key: int, epoch: int, epochs: int, memory_gib: float, imgsz: int) -> str:
    """What Ultralytics prints of an epoch."""
    row = metrics(key, epoch, epochs)
    losses = "".join(f"{row[f'train/{name}']:>11.4g}" for name in ("box_loss", "cls_loss", "dfl_loss"))
    return f"{epoch:>7}/{epochs:<4}{memory_gib:>9.1f}G{losses}{100 + epoch * 37 % 90:>11}{imgsz:>11}: 100%\n"
