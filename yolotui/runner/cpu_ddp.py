"""Several ranks on the CPU, over gloo: for machines without GPUs and for tests. Ultralytics does it on GPUs only."""

from __future__ import annotations

import os
from typing import Any


def trainer_for(base: Any) -> Any:
    """A trainer like `base` whose ranks meet over gloo. The final validation is left to the parent of the ranks."""
    import torch
    from torch import distributed as dist

    class CpuRanksTrainer(base):  # type: ignore[misc]
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            self.world_size = int(os.environ["WORLD_SIZE"])  # Ultralytics counts devices, and the CPU is none

        def _setup_ddp(self) -> None:
            self.device = torch.device("cpu")
            dist.init_process_group("gloo", rank=int(os.environ["RANK"]), world_size=self.world_size)

        def _setup_train(self) -> None:
            original = torch.nn.parallel.DistributedDataParallel

            def without_device_ids(model: Any, device_ids: Any = None, **kwargs: Any) -> Any:  # noqa: ARG001
                return original(model, **kwargs)

            torch.nn.parallel.DistributedDataParallel = without_device_ids
            try:
                super()._setup_train()
            finally:
                torch.nn.parallel.DistributedDataParallel = original

        def final_eval(self) -> None:
            """Nothing: Ultralytics validates ranks on GPUs only."""

    return CpuRanksTrainer
