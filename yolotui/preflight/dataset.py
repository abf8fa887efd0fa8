"""What is to be said of a data set: from what its files show to a report that any job that trains on it can use."""

from __future__ import annotations

import filecmp
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path

import msgspec

from yolotui.core.health import Severity
from yolotui.core.preflight import DataReport, Remark, SplitCount
from yolotui.preflight.description import Description
from yolotui.preflight.files import Files, Pair, find
from yolotui.preflight.labels import Fault, LabelRules
from yolotui.preflight.scanning import EXAMPLES, Progress, Seen, scan
from yolotui.runner.durable import write_atomically

FEW_DROPPED = 0.01  # of a split: more than that is a mistake in how the labels were made
MANY_UNLABELLED = 0.5
UNLABELLED_TASKS = frozenset({"classify", "semantic", "depth"})
VERSION = 1  # of the kept reports: another way to look makes them worthless
ADVICE = {
    Fault.IMAGE: "Mend or remove them.",
    Fault.FORM: "A row is `class x y width height`, or `class x1 y1 x2 y2 …`.",
    Fault.MIXED: "A file has either boxes or outlines.",
    Fault.COLUMNS: "A row is `class x y width height`; keypoints need `kpt_shape` in data.yaml and a pose model.",
    Fault.RANGE: "Divide pixels by the width and height of the image.",
    Fault.CLASS: "Classes count from 0: mend `names` (or `nc`) in data.yaml, or the labels.",
}


def report_on(
    description: Description, *, task: str | None, single_class: bool, cache: Path | None, progress: Progress
) -> DataReport:
    """Look at a data set, or remember what was seen of it. Raises DescriptionError where it has no images.

    `cache` is a folder of reports by fingerprint; `task` is None where nobody knows.
    """
    files = find(description)
    key = f"{files.fingerprint}-{task or 'any'}{'-single' if single_class else ''}-{VERSION}"
    kept = cache / f"{key}.json" if cache else None
    if kept and (known := _kept(kept)):
        return known
    report = _looked_at(description, files, task, single_class=single_class, progress=progress)
    if kept:
        kept.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_atomically(str(kept), msgspec.json.encode(report))
    return report


def _kept(file: Path) -> DataReport | None:
    try:
        return msgspec.json.decode(file.read_bytes(), type=DataReport)
    except (OSError, msgspec.MsgspecError):
        return None


def _looked_at(
    description: Description, files: Files, task: str | None, *, single_class: bool, progress: Progress
) -> DataReport:
    is_labelled = not description.classified and task not in UNLABELLED_TASKS
    rules = LabelRules(len(description.names), description.keypoints, task == "pose", single_class)
    sizes = Counter(
        pair.size for pair in {pair.image: pair for pairs in files.pairs.values() for pair in pairs}.values()
    )
    twins = frozenset(size for size, count in sizes.items() if count > 1)
    done, total = 0, sum(map(len, files.pairs.values()))
    seen: dict[str, Seen] = {}
    for split, pairs in files.pairs.items():
        seen[split] = scan(pairs, rules if is_labelled else None, partial(_further, progress, done, total), twins)
        done += len(pairs)
    counted = seen["train"].boxes if is_labelled else _folders(description, files)
    names = description.names
    remarks = [
        *(remark for split in seen for remark in _faults(split, seen[split])),
        *(_labelling(seen) if is_labelled else ()),
        *_classes(counted, names if not single_class else names[:1], seen, is_labelled=is_labelled),
        *_same(files, seen),
    ]
    return DataReport(
        fingerprint=files.fingerprint,
        splits={split: _count(part) for split, part in seen.items()},
        boxes_per_class={name: counted[number] for number, name in enumerate(names)},
        narrower_than=dict(seen["train"].narrower_than),
        aspect=seen["train"].aspects / max(1, seen["train"].images - seen["train"].faults[Fault.IMAGE]),
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
            part = seen.dropped / seen.images
            yield Remark(
                rule=fault.name.lower(),
                severity=Severity.ERROR if part > FEW_DROPPED else Severity.WARNING,
                text=f"In {split} {count:,} of {seen.images:,} images would be left out silently: {fault}.",
                advice=ADVICE[fault],
                examples=tuple(seen.examples[fault]),
            )
    if seen.repaired:
        yield Remark(
            rule="cut-jpeg",
            severity=Severity.WARNING,
            text=f"{split} has {seen.repaired:,} JPEG files whose end is missing: Ultralytics rewrites them in place.",
            advice="Copy them anew from where they came.",
            examples=tuple(seen.examples["cut"]),
        )


def _labelling(seen: dict[str, Seen]) -> Iterator[Remark]:
    for split, part in seen.items():
        if not part.boxes and not part.faults:
            yield Remark(
                rule="no-labels",
                severity=Severity.ERROR,
                text=f"{split} has {part.images:,} images and not one box.",
                advice="Labels are looked for in a folder `labels` beside `images`, under the same names, as .txt.",
            )
        elif part.unlabelled > MANY_UNLABELLED * part.images:
            yield Remark(
                rule="few-labels",
                severity=Severity.WARNING,
                text=f"{split} has no labels for {part.unlabelled:,} of {part.images:,} images: they count as empty.",
                advice="Look whether the names fit; images that show nothing should be 10 % at most.",
            )
        if part.flat:
            yield Remark(
                rule="flat-boxes",
                severity=Severity.WARNING,
                text=f"{split} has {part.flat:,} boxes without width or height.",
                advice="Remove these rows.",
            )
        if part.repeated:
            yield Remark(
                rule="repeated-rows",
                severity=Severity.INFO,
                text=f"{split} has {part.repeated:,} rows of labels twice: they count once.",
            )


def _classes(
    counted: Counter[int], names: Sequence[str], seen: dict[str, Seen], *, is_labelled: bool
) -> Iterator[Remark]:
    if not counted:
        return
    if absent := [name for number, name in enumerate(names) if not counted[number]]:
        yield Remark(
            rule="absent-classes",
            severity=Severity.WARNING,
            text=f"train shows nothing of {_listed(absent)}: it can't be learned.",
            advice="Add images of it, or take it out of `names`.",
        )
    if not is_labelled:
        return
    known = seen["val"].boxes
    if known and (unseen := [name for number, name in enumerate(names) if counted[number] and not known[number]]):
        yield Remark(
            rule="unmeasured-classes",
            severity=Severity.INFO,
            text=f"val shows nothing of {_listed(unseen)}: how well that is learned can't be told.",
        )


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(names[:EXAMPLES])
    return f"{shown} and {len(names) - EXAMPLES} more classes" if len(names) > EXAMPLES else shown


def _same(files: Files, seen: dict[str, Seen]) -> Iterator[Remark]:
    """Images that are there twice: within a split they weigh double, across splits they make a score a lie."""
    train, val = ({pair.image: pair for pair in files.pairs[split]} for split in ("train", "val"))
    if shared := train.keys() & val.keys():
        yield _leak(len(shared), len(val), sorted(shared)[:EXAMPLES])
        return
    twins = _twins({**train, **val}, (each for part in seen.values() for each in part.heads))
    leaked = sorted(path for group in twins for path in group if path in val and group & train.keys())
    if leaked:
        yield _leak(len(leaked), len(val), leaked[:EXAMPLES])
    doubled = sum(max(0, len(group & train.keys()) - 1) for group in twins)
    if doubled:
        yield Remark(
            rule="duplicates",
            severity=Severity.WARNING if doubled > FEW_DROPPED * len(train) else Severity.INFO,
            text=f"train has {doubled:,} images more than once, of {len(train):,}.",
            advice="Remove the copies: they count double.",
            examples=tuple(
                " = ".join(sorted(group & train.keys())[:2]) for group in twins if len(group & train.keys()) > 1
            )[:EXAMPLES],
        )


def _leak(count: int, of: int, examples: Sequence[str]) -> Remark:
    return Remark(
        rule="leak",
        severity=Severity.WARNING,
        text=f"{count:,} of {of:,} images of val are in train, too: its scores will be better than the model is.",
        advice="Take them out of one of the two.",
        examples=tuple(examples),
    )


def _twins(pairs: dict[str, Pair], heads: Iterable[tuple[str, str]]) -> list[set[str]]:
    """Groups of images with the same bytes: of those that begin alike and are equally long, each is compared whole."""
    alike: defaultdict[tuple[int, str], list[str]] = defaultdict(list)
    for path, head in heads:
        alike[pairs[path].size, head].append(path)
    groups: list[set[str]] = []
    for paths in alike.values():
        rest = sorted(set(paths))
        while len(rest) > 1:
            first, *others = rest
            same = {first, *(path for path in others if _is_same(first, path))}
            if len(same) > 1:
                groups.append(same)
            rest = [path for path in others if path not in same]
    return groups


def _is_same(one: str, other: str) -> bool:
    try:
        return filecmp.cmp(one, other, shallow=False)
    except OSError:
        return False
