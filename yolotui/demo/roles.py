"""What a made-up job does when it runs: how fast, how much of a card, and how it ends."""

from __future__ import annotations

from dataclasses import dataclass

from yolotui.core.jobs import JobSpec, Kind

EPOCH_S = {"n": 42.0, "s": 70.0, "m": 126.0, "l": 190.0, "x": 280.0}
MEMORY_GIB = {"n": 5.5, "s": 8.2, "m": 14.6, "l": 21.4, "x": 33.0}
QUICK_EPOCH_S = 4.0
QUICK_JOB_S = 25.0


@dataclass(frozen=True)
class Break:
    """An accident in the epoch after `epoch`: what the trainer says of it, and how its process ends.

    Only the first attempt has it, unless it is `permanent`.
    """

    epoch: int
    error_type: str = ""
    message: str = ""
    exit_code: int | None = 1
    signal: int | None = None
    permanent: bool = False


@dataclass(frozen=True)
class Role:
    """How a job behaves. A job without epochs takes `lasts_s`.

    `stops_at` is the epoch at which it stops early; `smaller_batch` the epoch in which it halves its batch.
    """

    epoch_s: float = QUICK_EPOCH_S
    lasts_s: float = QUICK_JOB_S
    memory_gib: float = 6.0
    busy_percent: int = 93
    stops_at: int | None = None
    smaller_batch: int | None = None
    breaks: Break | None = None


def usual(spec: JobSpec, *, stops_at: int | None = None, smaller_batch: int | None = None,
          breaks: Break | None = None, lasts_s: float = QUICK_JOB_S) -> Role:  # fmt: skip
    """The role of a job of the week, by the size of its model and its images."""
    size = size_of(spec.model)
    imgsz = spec.arguments.get("imgsz")
    pixels = (imgsz / 640) ** 1.6 if isinstance(imgsz, int) else 1.0
    return Role(
        epoch_s=EPOCH_S[size] * pixels / max(1, spec.gpus) ** 0.85,
        lasts_s=lasts_s,
        memory_gib=min(44.0, MEMORY_GIB[size] * pixels),
        busy_percent=97 if size in "lx" else 93 if size == "m" else 84,
        stops_at=stops_at,
        smaller_batch=smaller_batch,
        breaks=breaks,
    )


def quick(spec: JobSpec) -> Role:
    """The role of a job that a visitor submits: fast, so that there is something to see."""
    return Role(memory_gib=MEMORY_GIB[size_of(spec.model)] if spec.kind is not Kind.COMMAND else 0.4)


def size_of(model: str | None) -> str:
    """`n` of `…/yolo11n.yaml`; `s` where a name doesn't say."""
    name = (model or "").rpartition("/")[2].partition(".")[0].partition("-")[0]
    return name[-1] if name[-1:] in EPOCH_S else "s"
