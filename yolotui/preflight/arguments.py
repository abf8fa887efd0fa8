"""Arguments that don't go together: each takes effect, or is right, only without the other. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from yolotui.core.jobs import Argument, JobSpec
from yolotui.core.preflight import Remark
from yolotui.core.training_defaults import EPOCHS
from yolotui.preflight.given import number

STRIDE = 32  # pixels: Ultralytics rounds the size of images up to a multiple
LARGEST = 32_767  # pixels: OpenCV counts them in 16 bits where it warps an image
ONLY_FOR = {
    "segment": ("overlap_mask", "mask_ratio"),
    "pose": ("pose", "kobj"),
    "classify": ("dropout", "auto_augment", "erasing"),
}
"""Arguments that Ultralytics heeds for one task alone, and takes without a word for the others."""


def remarks_on(spec: JobSpec, classes: int | None, task: str | None) -> Iterator[Remark]:
    """What is odd about the arguments of a training. `classes` is how many its data set has; of its task, None is all
    that is known of a file of weights."""
    given = spec.arguments
    yield from _without_effect(given, task)
    yield from _optimizer(given)
    yield from _batch(given, spec.gpus)
    yield from _length(given)
    yield from _size(given)
    if given.get("val") is False and given.get("patience"):
        text = "patience waits for a better score, and val = false measures none."
        yield Remark.warning("patience", text, "Leave one of them out.")
    if given.get("rect") is True:
        text = "rect = true shows the images in the same order each epoch, without mosaic."
        yield Remark.warning("rect", text, "It is meant for validation: leave it out.")
    chosen = given.get("classes")
    numbers = chosen if isinstance(chosen, list) else [chosen]
    if classes and (beyond := [n for n in numbers if isinstance(n, int) and not 0 <= n < classes]):
        text = f"classes = {chosen} asks for class {beyond[0]}, and the data set has 0 to {classes - 1}."
        yield Remark.error("classes", text, "Mend `classes`.")


def _without_effect(given: dict[str, Argument], task: str | None) -> Iterator[Remark]:
    for only, names in ONLY_FOR.items():
        if task not in {None, only} and (idle := [name for name in names if name in given]):
            text = f"No effect: {' and '.join(idle)}. Ultralytics heeds that for {only} only, and this is {task}."
            yield Remark.warning("no-effect", text, "Leave it out.")


def _optimizer(given: dict[str, Argument]) -> Iterator[Remark]:
    ignored = [name for name in ("lr0", "momentum") if name in given]
    if ignored and str(given.get("optimizer", "auto")).lower() == "auto":
        names = " and ".join(ignored)
        by_default = "" if "optimizer" in given else " (the default)"
        text = f"optimizer = auto{by_default} ignores {names}."
        yield Remark.warning("optimizer", text, f"Name one (SGD, AdamW …), or leave {names} out.")
    rate = number(given, "lr0")
    if rate and rate >= 0.1 and "adam" in str(given.get("optimizer", "")).lower():
        text = f"lr0 = {rate:g} is far too high for {given['optimizer']}: losses will not fall."
        yield Remark.warning("lr0", text, "0.001 is usual.")


def _batch(given: dict[str, Argument], gpus: int) -> Iterator[Remark]:
    batch = number(given, "batch")
    if batch is None or gpus < 2:
        return
    if batch < 1:
        text = f"batch = {batch:g} asks for an automatic batch size, which exists for one GPU only."
        yield Remark.error("batch", text, "Write the batch size, or use one GPU.")
    elif batch % gpus:
        text = f"batch = {batch:g} can't be shared evenly by {gpus} GPUs."
        near = max(gpus, round(batch / gpus) * gpus)
        yield Remark.error("batch", text, f"Write batch = {near:g}.")


def _size(given: dict[str, Argument]) -> Iterator[Remark]:
    size = number(given, "imgsz")
    if size is None:
        return
    if not 0 < size <= LARGEST:
        text = f"imgsz = {size:g} is no size of an image."
        yield Remark.error("imgsz", text, "640 is usual; it is in pixels.")
    elif size % STRIDE:
        used = -(-int(size) // STRIDE) * STRIDE
        text = f"imgsz = {size:g} is no multiple of {STRIDE}: Ultralytics trains with {used}."
        yield Remark.warning("imgsz", text, "Say what is meant: forecasts and memory are reckoned with it.")


def _length(given: dict[str, Argument]) -> Iterator[Remark]:
    epochs = number(given, "epochs") or EPOCHS
    close = number(given, "close_mosaic")
    if close and close >= epochs:
        text = f"close_mosaic = {close:g} turns mosaic off for all of the {epochs:g} epochs."
        yield Remark.warning("close_mosaic", text, "It counts from the end: choose less, or mosaic = 0.")
    warmup = number(given, "warmup_epochs")
    if warmup is not None and warmup >= epochs > 1:
        text = f"warmup_epochs = {warmup:g} takes all of the {epochs:g} epochs: it never trains at its learning rate."
        yield Remark.warning("warmup", text, "Three are usual.")
    if given.get("time") and "epochs" in given:
        text = f"time = {given['time']} sets the number of epochs anew; epochs = {epochs:g} does not count."
        yield Remark.warning("time", text, "Use time_limit, which ends a job without changing its schedule.")
