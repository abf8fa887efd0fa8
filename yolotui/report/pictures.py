"""The pictures that Ultralytics drew of the data of runs. They show the data: a report has them only when asked to."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from msgspec import Struct

from yolotui.core.jobs import Job

DRAWN = {
    "labels.jpg": "what is in the labels",
    "val_batch0_labels.jpg": "a batch for validation, as it is labelled",
    "val_batch0_pred.jpg": "the same batch, as the model sees it",
}
MOST_BYTES = 4 * 1024**2


class Picture(Struct, frozen=True, kw_only=True):
    """A JPEG of a run; `shows` says what is on it."""

    job_id: int
    name: str
    shows: str
    content: bytes


def pictures(jobs: Iterable[Job]) -> list[Picture]:
    """Those of the runs that have some, in their order. What is larger than 4 MiB is left out."""
    return [
        Picture(job_id=job.id, name=job.name, shows=shows, content=content)
        for job in jobs
        for file, shows in DRAWN.items()
        if (content := _read(Path(job.run_dir, job.spec.kind.value, file)))
    ]


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes() if file.is_file() and file.stat().st_size <= MOST_BYTES else b""
    except OSError:
        return b""
