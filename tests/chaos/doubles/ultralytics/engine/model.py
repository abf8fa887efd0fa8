"""The face of the library, as far as the runner looks at it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, ClassVar

from ultralytics.engine.trainer import DetectionTrainer
from ultralytics.utils.torch_utils import load


class YOLO:
    """A model from a yaml or from a checkpoint, which must be whole."""

    task = "detect"
    task_map: ClassVar = {"detect": {"trainer": DetectionTrainer}}

    def __init__(self, model: str, task: str | None = None) -> None:
        self.model = model
        if model.endswith(".pt"):
            load(model)
        self._callbacks: dict[str, list[Callable[[Any], None]]] = defaultdict(list)

    def add_callback(self, event: str, callback: Callable[[Any], None]) -> None:
        self._callbacks[event].append(callback)

    def train(self, trainer: Any = None, **arguments: Any) -> None:
        (trainer or DetectionTrainer)(arguments, self._callbacks).train()

    def val(self, **_arguments: Any) -> Any:
        return SimpleNamespace(results_dict={"metrics/mAP50(B)": 0.9, "fitness": 0.9})
