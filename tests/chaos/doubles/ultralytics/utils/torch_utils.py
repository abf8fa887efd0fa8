"""Checkpoints: built as torch builds them, refused when damaged, stripped in place."""

from __future__ import annotations

import io
import pickle
import zipfile
from pathlib import Path
from typing import Any

WEIGHTS = b"weights " * 4096


def packed(content: dict[str, Any]) -> bytes:
    """A zip archive of a pickle and stored tensors."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("archive/data.pkl", pickle.dumps(content, protocol=2))
        archive.writestr("archive/data/0", WEIGHTS if content["optimizer"] else WEIGHTS[: len(WEIGHTS) // 5])
    return buffer.getvalue()


def load(path: str) -> dict[str, Any]:
    """The content. Raises what torch raises, more or less, for a file that is not whole."""
    with zipfile.ZipFile(path) as archive:
        if damaged := archive.testzip():
            raise RuntimeError(f"PytorchStreamReader failed reading file {damaged}: {path}")
        content: dict[str, Any] = pickle.loads(archive.read("archive/data.pkl"))
    return content


def strip_optimizer(f: Any = "best.pt", s: str = "", updates: dict[str, Any] | None = None) -> dict[str, Any]:
    content = {**load(str(f)), **(updates or {}), "epoch": -1, "optimizer": None}
    Path(s or f).write_bytes(packed(content))
    return content
