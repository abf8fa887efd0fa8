"""As much of PyTorch as the runner touches outside Ultralytics."""

from __future__ import annotations

from types import SimpleNamespace

__version__ = "2.13.0"

cuda = SimpleNamespace(init=lambda: None, device_count=lambda: 1, memory_reserved=lambda _device: 0)
