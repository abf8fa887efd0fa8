"""The trainings of benchmarks/health.py: those that are broken on purpose, and those that are well."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from benchmarks.health_data import (
    Breaking,
    Drawing,
    by_size,
    crowd_with_tiny_ones,
    foreign_val,
    huge_pictures,
    letters,
    lose_labels,
    one_class,
    scale_boxes,
    shapes,
    shuffle_labels,
    starve_a_class,
    swap_classes,
)
from yolotui.core.health import DeviceView

SLIM_MODEL = "yolov8n-slim.yaml"
"""YOLOv8n at half its width: an epoch of a hundred small images is about a second on one core."""


class Case(Struct, frozen=True, kw_only=True):
    """A training: its data (and what is done to it), its arguments, and the rules of which one at least must speak.

    `fresh` ones begin with random weights of `model`, the others with weights of the slim model. `slowed_from` is the
    epoch after which its process gets but a third of its time.
    """

    name: str
    seed: int
    drawing: Drawing = shapes
    images: int = 64
    val: int = 24
    size: int = 64
    fresh: bool = False
    model: str = SLIM_MODEL
    epochs: int = 12
    arguments: dict[str, Any] = {}
    breaking: Breaking | None = None
    device: DeviceView = DeviceView()
    slowed_from: int | None = None
    expected: tuple[str, ...] = ()
    how: str = ""


ADAM = {"optimizer": "AdamW", "lr0": 0.001}
BUSY_WAITING = DeviceView(utilization_percent=14.0)

TUNING = (
    Case(name="well-fresh-a", seed=1, fresh=True, images=128, val=32, epochs=24),
    Case(name="well-tuned-b", seed=3, images=96, val=32, epochs=14, arguments=ADAM),
)

BROKEN = (
    Case(name="shuffled-labels", seed=11, epochs=16, breaking=shuffle_labels,
         expected=("first-box-loss", "blind-learning", "not-learning", "losing-ground"),
         how="each training image has another one's labels"),
    Case(name="scaled-boxes", seed=12, breaking=scale_boxes,
         expected=("first-box-loss", "blind-learning", "losing-ground"),
         how="training boxes written for another image size"),
    Case(name="lr-1-no-warmup", seed=13, arguments={"optimizer": "SGD", "lr0": 1.0, "warmup_epochs": 0},
         expected=("first-box-loss", "oscillation", "divergence", "no-number", "losing-ground"),
         how="`optimizer=SGD lr0=1.0 warmup_epochs=0`"),
    Case(name="nan", seed=14, epochs=6, arguments={"box": 1e39}, expected=("no-number",),
         how="`box=1e39`: the loss is more than a float can hold"),
    Case(name="swapped-classes", seed=15, breaking=swap_classes, expected=("class-gap", "blind-learning"),
         how="val counts its classes otherwise than train"),
    Case(name="foreign-val", seed=16, epochs=14, breaking=foreign_val,
         expected=("foreign-val", "class-gap"), how="val images are negatives"),
    Case(name="tiny-data", seed=17, images=4, val=12, epochs=60,
         arguments={**ADAM, "mosaic": 0, "scale": 0, "translate": 0, "fliplr": 0},
         expected=("over-fitting",), how="four training images, no augmentation"),
    Case(name="lost-labels", seed=18, breaking=lose_labels, epochs=24,
         expected=("unlabelled-images", "losing-ground", "low-recall"),
         how="three of four training images have lost their labels"),
    Case(name="rare-class", seed=19, epochs=6, breaking=starve_a_class, expected=("few-images",),
         how="one class is labelled in three training images only"),
    Case(name="frozen-all", seed=20, fresh=True, images=96, val=32, epochs=30, arguments={**ADAM, "freeze": 22},
         expected=("not-learning",), how="an untrained backbone and neck, frozen"),
    Case(name="lr-too-small", seed=21, fresh=True, epochs=30,
         arguments={"optimizer": "SGD", "lr0": 1e-7, "warmup_bias_lr": 0.0},
         expected=("not-learning",), how="`lr0=1e-7`, from scratch"),
    Case(name="flat-rate", seed=22, arguments={**ADAM, "lrf": 1.0, "warmup_epochs": 0},
         expected=("flat-learning-rate",), how="`lrf=1.0 warmup_epochs=0`: the rate never changes"),
    Case(name="slow-data", seed=23, images=16, epochs=5, breaking=huge_pictures, device=BUSY_WAITING,
         expected=("starved-gpu",), how="PNGs of four megapixels for one worker (utilisation put in by hand)"),
    Case(name="plateau", seed=24, images=24, val=16, epochs=60, arguments={"optimizer": "AdamW", "lr0": 1e-5},
         expected=("plateau",), how="nothing left to learn: `lr0=1e-5` on what it knows"),
    Case(name="swinging", seed=25, images=48,
         arguments={"optimizer": "SGD", "lr0": 0.5, "momentum": 0.9, "warmup_epochs": 0, "batch": 4, "nbs": 4},
         expected=("first-box-loss", "oscillation", "divergence", "no-number"),
         how="`optimizer=SGD lr0=0.5 nbs=4 warmup_epochs=0`"),
    Case(name="tiny-objects", seed=26, images=48, size=128, epochs=26, breaking=crowd_with_tiny_ones,
         arguments={**ADAM, "imgsz": 64}, expected=("low-recall",),
         how="six of seven objects are 3 to 5 pixels small at `imgsz`"),
    Case(name="light-classes", seed=27, images=48, epochs=13, arguments={**ADAM, "cls": 0.02},
         expected=("lopsided-losses",), how="`cls=0.02`: classes hardly count"),
    Case(name="held-back", seed=28, images=40, epochs=15, slowed_from=6, expected=("slowing-down",),
         how="its process is stopped for two thirds of the time from epoch 7 on"),
)  # fmt: skip

HEALTHY = (
    Case(name="healthy-01", seed=101, images=48, epochs=22),
    Case(name="healthy-02", seed=102, arguments=ADAM),
    Case(name="healthy-03", seed=103, images=32, size=96),
    Case(name="healthy-04", seed=104, images=40, epochs=21, arguments={"optimizer": "SGD", "lr0": 0.005}),
    Case(name="healthy-05", seed=105, arguments={"batch": 16}),
    Case(name="healthy-06", seed=106, images=32, epochs=30, arguments={**ADAM, "cos_lr": True}),
    Case(name="healthy-07", seed=107, images=40, epochs=21, arguments={"freeze": 10}),
    Case(name="healthy-08", seed=108, fresh=True, images=112, epochs=17, arguments={**ADAM, "lr0": 0.002}),
    Case(name="healthy-09", seed=109, images=56, epochs=15, arguments={**ADAM, "lr0": 0.0005}),
    Case(name="healthy-10", seed=110, images=48, arguments={"mosaic": 0.5, "close_mosaic": 4}),
)

UNSEEN = (
    Case(name="unseen-01", seed=201, drawing=one_class, images=40, epochs=16, arguments=ADAM),
    Case(name="unseen-02", seed=202, drawing=by_size, images=80, epochs=20),
    Case(name="unseen-03", seed=203, drawing=letters, images=80, epochs=24, arguments={**ADAM, "lr0": 0.002}),
    Case(name="unseen-04", seed=204, drawing=letters, images=56, size=96, epochs=24, arguments={"cos_lr": True}),
    Case(name="unseen-05", seed=205, images=24, val=12, size=128, epochs=18, arguments={**ADAM, "batch": 4}),
    Case(name="unseen-06", seed=206, drawing=by_size, images=64, epochs=16, arguments={**ADAM, "optimizer": "NAdam"}),
    Case(name="unseen-07", seed=207, drawing=one_class, images=32, epochs=36, arguments={**ADAM, "cos_lr": True}),
    Case(name="unseen-08", seed=208, fresh=True, images=128, val=32, epochs=40, arguments={**ADAM, "lr0": 0.003}),
    Case(name="unseen-09", seed=209, fresh=True, model="yolo11n.yaml", images=96, val=32, epochs=36, arguments=ADAM),
    Case(name="unseen-10", seed=210, fresh=True, drawing=letters, images=128, val=32, epochs=40,
         arguments={**ADAM, "lr0": 0.003, "cos_lr": True}),
    Case(name="unseen-11", seed=211, fresh=True, drawing=one_class, images=112, val=32, size=48, epochs=40,
         arguments={"optimizer": "SGD", "lr0": 0.02}),
)  # fmt: skip

SETS = {"tuning": TUNING, "broken": BROKEN, "healthy": HEALTHY, "unseen": UNSEEN}
