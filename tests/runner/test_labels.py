"""What the training set shows is counted from labels as Ultralytics holds them."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np

from yolotui.runner.labels import what_is_shown


def trainer(labels: object, names: object) -> SimpleNamespace:
    return SimpleNamespace(
        train_loader=SimpleNamespace(dataset=SimpleNamespace(labels=labels)), data={"names": names, "nc": 2}
    )


def shown(*classes: int) -> dict[str, object]:
    return {"cls": np.array([[each] for each in classes], dtype=np.float32).reshape(-1, 1)}


def test_images_are_counted_by_class_and_without_any() -> None:
    labels = [shown(0, 0, 1), shown(0), shown(), shown()]
    assert what_is_shown(trainer(labels, {0: "cat", 1: "dog", 2: "owl"})) == {
        "images": 4,
        "images_without_labels": 2,
        "images_per_class": {"cat": 2, "dog": 1, "owl": 0},
    }


def test_a_task_without_such_labels_says_nothing() -> None:
    assert what_is_shown(trainer(None, {0: "cat"})) == {}
    assert what_is_shown(trainer([{"cls": None}], {0: "cat"})) == {}
