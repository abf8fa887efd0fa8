from __future__ import annotations

import pytest

from yolotui.core.jobs import JobSpec, Kind
from yolotui.core.sizes import run_bytes

MIB = 1024**2


def size(model: str = "yolo11n.yaml", weights: int | None = None, **options) -> int:
    arguments = options.pop("arguments", {"epochs": 100})
    return run_bytes(JobSpec(name="a", kind=Kind.TRAIN, model=model, arguments=arguments, **options), weights)


@pytest.mark.parametrize(
    ("model", "checkpoint_mib"),  # as measured: a checkpoint of yolo11n has 26 MB, one of yolo11l 254 MB
    [("yolo11n.yaml", 26), ("yolo11l.yaml", 254), ("yolov8x-seg.pt", 680), ("rtdetr-l.yaml", 320), ("yolov5nu.pt", 26)],
)
def test_a_guess_is_no_less_than_what_four_checkpoints_take_and_not_absurd(model, checkpoint_mib):
    assert 4 * checkpoint_mib * MIB * 0.95 < size(model) < 4 * checkpoint_mib * MIB * 3


def test_weights_tell_the_size_of_the_model_whatever_its_name():
    assert size("x.pt", 5_400_000) == size("other.pt", 5_400_000) < size("yolo11l.pt", None)
    assert size("x.pt", 5_400_000) - 50 * MIB == 4 * 27_000_000


def test_kept_epochs_take_room_too():
    one = (size() - 50 * MIB) // 4
    assert size(keep=10) == size() + 10 * one
    assert size(keep=(10, 20, 400)) == size() + 2 * one
    assert size(arguments={"epochs": 100, "save_period": 1}) == size() + 100 * one
