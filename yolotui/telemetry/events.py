"""What the trainer writes into events.jsonl: one JSON object a line, told apart by `event`.

Fields that a version leaves out have defaults; fields that it adds are ignored. Numbers that were NaN or infinite are
null there.
"""

from __future__ import annotations

from typing import Annotated, Any, TypeAlias

import msgspec
from msgspec import Meta, Struct, field

Numbers: TypeAlias = dict[str, float | None]
FromOne: TypeAlias = Annotated[int, Meta(ge=1)]


class Start(Struct, frozen=True, tag_field="event", tag="start"):
    """A session begins. `resumed_from_epoch` is the last whole epoch before it, None for a fresh start.

    `settings` are arguments as they are in force. `images` counts the training images, `images_without_labels` those
    without an object, `images_per_class` those that show one, by its name.
    """

    t: float
    task: str | None = None
    epochs: int | None = None
    batch: float | None = None
    imgsz: int | list[int] | None = None
    batches: int | None = None
    resumed_from_epoch: int | None = None
    resumed_from: str | None = None
    save_dir: str | None = None
    device: Any = None
    versions: dict[str, Any] = {}
    settings: dict[str, Any] = {}
    images: int | None = None
    images_without_labels: int = 0
    images_per_class: dict[str, int] = {}


class Phase(Struct, frozen=True, tag_field="event", tag="phase"):
    """What the trainer does from now on."""

    t: float
    name: str


class Batch(Struct, frozen=True, tag_field="event", tag="batch"):
    """A batch, one of those that the throttle let through. Times in seconds, `memory_bytes` is reserved GPU memory.

    One that `stands_for` several of its epoch, long ago, tells their means, and the highest memory and gradient norm.
    """

    t: float
    epoch: FromOne
    batch: int
    stands_for: FromOne = 1
    batches: int | None = None
    losses: Numbers = {}
    lr: Numbers = {}
    wait_s: float | None = None
    compute_s: float | None = None
    images_per_s: float | None = None
    memory_bytes: float | None = None
    gradient_norm: float | None = None
    nonfinite: list[str] = []


class Epoch(Struct, frozen=True, tag_field="event", tag="epoch"):
    """A whole epoch, with the row of results.csv."""

    t: float
    epoch: FromOne
    epochs: int | None = None
    epoch_s: float | None = None
    metrics: Numbers = {}
    fitness: float | None = None
    best_fitness: float | None = None
    best_epoch: int | None = None


class Checkpoint(Struct, frozen=True, tag_field="event", tag="checkpoint"):
    """A checkpoint is on disk."""

    t: float
    epoch: int | None = None
    path: str | None = None
    bytes: int | None = None


class Changed(Struct, frozen=True, tag_field="event", tag="changed"):
    """Something is not as it was asked for."""

    t: float
    what: str
    before: Any = field(name="from", default=None)
    to: Any = None
    why: str = ""


class Control(Struct, frozen=True, tag_field="event", tag="control"):
    """A request was carried out."""

    t: float
    id: int
    request: str = ""


class Error(Struct, frozen=True):
    """The exception that ended a session."""

    type: str = ""
    message: str = ""
    trace_tail: str = ""


class End(Struct, frozen=True, tag_field="event", tag="end"):
    """A session ended in its own words; the shim's exit.json has the last one."""

    t: float
    outcome: str
    error: Error | None = None
    epochs_done: int | None = None
    best: str | None = None
    last: str | None = None
    metrics: dict[str, Any] | None = None
    artifacts: dict[str, Any] | None = None


Event: TypeAlias = Start | Phase | Batch | Epoch | Checkpoint | Changed | Control | End

_DECODER: msgspec.json.Decoder[Event] = msgspec.json.Decoder(Event)


def decode(line: str) -> Event | None:
    """The event on a line; None for a line that is none, or one of a kind that is not known here."""
    try:
        return _DECODER.decode(line)
    except (msgspec.DecodeError, RecursionError):
        return None
