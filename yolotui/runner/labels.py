"""What the training set shows: counted from the labels that Ultralytics has read."""

from __future__ import annotations

from typing import Any

MOST_IMAGES = 200_000  # beyond that no class of any use is rare, and counting takes a while


def what_is_shown(trainer: Any) -> dict[str, Any]:
    """How many training images show each class, by its name, and how many show none; empty without such labels."""
    labels = getattr(trainer.train_loader.dataset, "labels", None)
    names = trainer.data.get("names") if isinstance(trainer.data, dict) else None
    if not isinstance(labels, list) or not isinstance(names, dict) or len(labels) > MOST_IMAGES:
        return {}
    counts = dict.fromkeys(names, 0)
    without = 0
    for label in labels:
        classes = label.get("cls") if isinstance(label, dict) else None
        if classes is None:
            return {}
        shown = {int(each) for each in classes.reshape(-1)}
        without += not shown
        for number in shown:
            counts[number] = counts.get(number, 0) + 1
    return {
        "images": len(labels),
        "images_without_labels": without,
        "images_per_class": {str(names.get(number, number)): count for number, count in counts.items()},
    }
