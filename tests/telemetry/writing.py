"""Writes what a trainer writes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any


class Run:
    """A run directory that grows as the test says, on a clock that the test moves."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.now = 1000.0
        self.attempt = 0
        root.mkdir(parents=True, exist_ok=True)

    def begin(self, resumed: int | None = None, epochs: int = 10) -> None:
        """A new attempt starts."""
        self.attempt += 1
        self.events.parent.mkdir()
        self.tell("start", epochs=epochs, resumed_from_epoch=resumed, versions={"ultralytics": "8.4.190"})

    @property
    def events(self) -> Path:
        return self.root / f"attempt-{self.attempt}" / "events.jsonl"

    def tell(self, event: str, **fields: Any) -> None:
        """One line of events.jsonl, at the present moment."""
        with self.events.open("a") as file:
            file.write(json.dumps({"t": self.now, "event": event, **fields}) + "\n")

    def epoch(self, number: int, *, takes_s: float = 10.0, **fields: Any) -> None:
        """An epoch passes and is told."""
        self.now += takes_s
        metrics = {"train/box_loss": 1.0 / number, "metrics/mAP50-95(B)": number / 100, "val/box_loss": 1.5}
        self.tell("epoch", **{"epoch": number, "epochs": 10, "epoch_s": takes_s, "metrics": metrics, **fields})

    def csv(self, text: str, folder: str = "train") -> None:
        """Append to results.csv."""
        path = self.root / folder / "results.csv"
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a") as file:
            file.write(text)
