"""What is to be said of a data set: from what its files have shown to a report that any job on it can use."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

from yolotui.core.preflight import DataReport, Remark, SplitCount
from yolotui.preflight.dataset import Progress
from yolotui.preflight.description import UNLABELLED_TASKS, Description
from yolotui.preflight.files import Files
from yolotui.preflight.labels import LABEL_FAULTS, Fault, LabelRules
from yolotui.preflight.scanning import EXAMPLES, Seen, scan

FEW_DROPPED = 0.01  # of a split: more than that is a mistake in how the labels were made
MANY_UNLABELLED = 0.5
OUTLINED_TASKS = frozenset({"segment", "obb"})
SMALLER_THAN = range(4, 13)  # boxes with a side below 1/16 … 1/4096 of the image are counted
ADVICE = {
    Fault.UNOPENED: "Look whether the disk is there, and whether you may read them.",
    Fault.IMAGE: "Mend or remove them.",
    Fault.FORM: "A row is `class x y width height`, or `class x1 y1 x2 y2 …`.",
    Fault.MIXED: "A file has either boxes or outlines.",
    Fault.COLUMNS: "A row is `class x y width height`; keypoints need `kpt_shape` in data.yaml and a pose model.",
    Fault.RANGE: "Divide pixels by the width and height of the image.",
    Fault.CLASS: "Classes count from 0: mend `names` (or `nc`) in data.yaml, or the labels.",
}


def look_at(
    description: Description, files: Files, task: str | None, *, single_class: bool, progress: Progress
) -> DataReport:
    """Look into all files of a data set, and say what they show. `task` is None where nobody knows."""
    is_labelled = not description.classified and task not in UNLABELLED_TASKS
    rules = LabelRules(len(description.names), description.keypoints, task == "pose", single_class)
    done, total = 0, sum(map(len, files.pairs.values()))
    seen: dict[str, Seen] = {}
    for split, pairs in files.pairs.items():
        seen[split] = scan(pairs, rules if is_labelled else None, partial(_further, progress, done, total))
        done += len(pairs)
    counted = seen["train"].boxes if is_labelled else _folders(description, files)
    names = description.names
    remarks = [
        *(remark for split in seen for remark in _faults(split, seen[split])),
        *(_labelling(seen) if is_labelled else ()),
        *(_outlines(task, seen) if is_labelled else ()),
        *_classes(counted, names if not single_class else names[:1], seen, is_labelled=is_labelled),
        *_same(files, seen),
    ]
    return DataReport(
        fingerprint=files.fingerprint,
        splits={split: _count(part) for split, part in seen.items()},
        boxes_per_class={name: counted[number] for number, name in enumerate(names)},
        narrower_than={power: seen["train"].narrower_than(power) for power in SMALLER_THAN},
        aspect=seen["train"].aspects / max(1, seen["train"].images - seen["train"].unseen),
        remarks=tuple(remarks),
    )


def _further(progress: Progress, before: int, total: int, here: int, _of: int) -> None:
    """Progress of one split, told as progress of all."""
    progress(before + here, total)


def _count(seen: Seen) -> SplitCount:
    return SplitCount(
        images=seen.images,
        unlabelled=seen.unlabelled,
        empty=seen.empty,
        dropped=seen.dropped,
        boxes=sum(seen.boxes.values()),
    )


def _folders(description: Description, files: Files) -> Counter[int]:
    """Images of each class, where each class is a folder."""
    if not description.classified:
        return Counter()
    (train,) = description.places["train"]
    numbers = {name: number for number, name in enumerate(description.names)}
    folders = (Path(pair.image).relative_to(train).parts[0] for pair in files.pairs["train"])
    return Counter(numbers[folder] for folder in folders if folder in numbers)


def _faults(split: str, seen: Seen) -> Iterator[Remark]:
    for fault in Fault:
        if count := seen.faults[fault]:
            remark = Remark.error if seen.dropped / seen.images > FEW_DROPPED else Remark.warning
            text = f"In {split} {count:,} of {seen.images:,} images would be left out silently: {fault}."
            yield remark(fault.rule, text, ADVICE[fault], seen.examples[fault])
    if seen.repaired:
        text = f"{split} has {seen.repaired:,} JPEG files whose end is missing: Ultralytics rewrites them in place."
        yield Remark.warning("cut-jpeg", text, "Copy them anew from where they came.", seen.examples["cut"])


def _labelling(seen: dict[str, Seen]) -> Iterator[Remark]:
    for split, part in seen.items():
        if not part.boxes and not any(part.faults[fault] for fault in LABEL_FAULTS):
            text = f"{split} has {part.images:,} images and not one box."
            advice = "Labels are looked for in a folder `labels` beside `images`, under the same names, as .txt."
            yield Remark.error("no-labels", text, advice)
        elif part.unlabelled > MANY_UNLABELLED * part.images:
            text = f"{split} has no labels for {part.unlabelled:,} of {part.images:,} images: they count as empty."
            advice = "Look whether the names fit; images that show nothing should be 10 % at most."
            yield Remark.warning("few-labels", text, advice)
        if part.flat:
            text = f"{split} has {part.flat:,} boxes without width or height."
            yield Remark.warning("flat-boxes", text, "Remove these rows.")
        if part.repeated:
            yield Remark.info("repeated-rows", f"{split} has {part.repeated:,} rows of labels twice: they count once.")


def _outlines(task: str | None, seen: dict[str, Seen]) -> Iterator[Remark]:
    """What Ultralytics makes of boxes where it wants outlines, and of both where it wants boxes."""
    for split, part in seen.items():
        objects = sum(part.boxes.values())
        plain = objects - part.outlined
        if not plain:
            continue
        if task in OUTLINED_TASKS:
            what = "four corners" if task == "obb" else "an outline"
            text = f"In {split} {plain:,} of {objects:,} objects are boxes, and {task} wants {what} for each: "
            text += "Ultralytics refuses the data set."
            yield Remark.error("outlines", text, "Label them so, or train a model that detects.")
        elif part.outlined:
            text = f"{split} has {part.outlined:,} outlines and {plain:,} boxes: all count as boxes."
            yield Remark.info("mixed-labels", text)


def _classes(
    counted: Counter[int], names: Sequence[str], seen: dict[str, Seen], *, is_labelled: bool
) -> Iterator[Remark]:
    if not counted:
        return
    if absent := [name for number, name in enumerate(names) if not counted[number]]:
        text = f"train shows nothing of {_listed(absent)}: it can't be learned."
        yield Remark.warning("absent-classes", text, "Add images of it, or take it out of `names`.")
    if not is_labelled:
        return
    known = seen["val"].boxes
    if known and (unseen := [name for number, name in enumerate(names) if counted[number] and not known[number]]):
        text = f"val shows nothing of {_listed(unseen)}: how well that is learned can't be told."
        yield Remark.info("unmeasured-classes", text)


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(names[:EXAMPLES])
    return f"{shown} and {len(names) - EXAMPLES} more classes" if len(names) > EXAMPLES else shown


def _same(files: Files, seen: dict[str, Seen]) -> Iterator[Remark]:
    """Images that are there twice: within a split they weigh double, across splits they make a score a lie."""
    train, val = ({pair.image: pair for pair in files.pairs[split]} for split in ("train", "val"))
    if shared := train.keys() & val.keys():
        yield _leak(len(shared), len(val), sorted(shared)[:EXAMPLES])
        return
    twins = _twins(files, seen)
    leaked = sorted(path for group in twins for path in group if path in val and group & train.keys())
    if leaked:
        yield _leak(len(leaked), len(val), leaked[:EXAMPLES])
    copies = [sorted(here) for group in twins if len(here := group & train.keys()) > 1]
    if doubled := sum(len(here) - 1 for here in copies):
        remark = Remark.warning if doubled > FEW_DROPPED * len(train) else Remark.info
        text = f"train has {doubled:,} images more than once, of {len(train):,}."
        examples = [" = ".join(here[:2]) for here in copies[:EXAMPLES]]
        yield remark("duplicates", text, "Remove the copies: they count double.", examples)


def _leak(count: int, of: int, examples: Sequence[str]) -> Remark:
    text = f"{count:,} of {of:,} images of val are in train, too: its scores will be better than the model is."
    return Remark.warning("leak", text, "Take them out of one of the two.", examples)


def _twins(files: Files, seen: dict[str, Seen]) -> list[set[str]]:
    """Groups of images with the same bytes: those that are equally long and end alike are read whole."""
    alike: defaultdict[tuple[int, int], set[str]] = defaultdict(set)
    for split, pairs in files.pairs.items():
        for pair, end in zip(pairs, seen[split].ends, strict=True):
            if end:
                alike[pair.size, end].add(pair.image)
    same: defaultdict[bytes, set[str]] = defaultdict(set)
    for path in (path for paths in alike.values() if len(paths) > 1 for path in paths):
        same[_digest(path)].add(path)
    return [group for digest, group in same.items() if digest and len(group) > 1]


def _digest(path: str) -> bytes:
    """Of all that is in the file; empty where it can't be read any more."""
    try:
        with open(path, "rb") as file:  # noqa: PTH123 - as the scan does
            return hashlib.file_digest(file, "blake2b").digest()
    except OSError:
        return b""
