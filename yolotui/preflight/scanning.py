"""Looks into every image and label of a data set, with as many processes as there are cores."""

from __future__ import annotations

import os
import signal
import warnings
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import repeat
from math import frexp
from multiprocessing import get_context

from yolotui.preflight.dataset import Progress
from yolotui.preflight.files import Pair
from yolotui.preflight.images import ImageError, Unopened, look_into
from yolotui.preflight.labels import MOST_BYTES, Fault, LabelError, LabelRules, parse
from yolotui.runner.kinship import die_with_parent

CHUNK = 200
WORTH_PROCESSES = 2000
MOST_PROCESSES = 8
NICE = 10
EXAMPLES = 5


@dataclass
class Seen:
    """What images and labels have shown. Sums of parts are those of the whole.

    `sides` counts boxes by the size of their shorter side: those at `-k` are below 2**-k of the image and not below
    half of that; `flat` ones are none of them. `ends` tells images that may be the same from those that are not, in the
    order of the files; 0 for what can't be read. `outlined` counts the boxes that are around an outline.
    """

    images: int = 0
    unlabelled: int = 0
    empty: int = 0
    dropped: int = 0
    boxes: Counter[int] = field(default_factory=Counter)
    sides: Counter[int] = field(default_factory=Counter)
    flat: int = 0
    outlined: int = 0
    repeated: int = 0
    repaired: int = 0
    aspects: float = 0.0
    faults: Counter[str] = field(default_factory=Counter)
    examples: dict[str, list[str]] = field(default_factory=dict)
    ends: list[int] = field(default_factory=list)

    def add(self, other: Seen) -> None:
        """Take over what another part has shown."""
        for name in ("images", "unlabelled", "empty", "dropped", "flat", "outlined", "repeated", "repaired", "aspects"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.boxes += other.boxes
        self.sides += other.sides
        self.faults += other.faults
        self.ends += other.ends
        for fault, files in other.examples.items():
            known = self.examples.setdefault(fault, [])
            known += files[: EXAMPLES - len(known)]

    def note(self, what: str, example: str) -> None:
        """Count something odd, and keep a few examples of it."""
        self.faults[what] += 1
        known = self.examples.setdefault(what, [])
        if len(known) < EXAMPLES:
            known.append(os.fsencode(example).decode(errors="replace"))  # names of files are any bytes

    @property
    def unseen(self) -> int:
        """Images into which nobody could look."""
        return self.ends.count(0)

    def narrower_than(self, power: int) -> int:
        """Of how many boxes the shorter side is below 2**-power of the image."""
        return self.flat + sum(count for size, count in self.sides.items() if size <= -power)


def scan(pairs: Sequence[Pair], rules: LabelRules | None, progress: Progress) -> Seen:
    """Look at all of them, without `rules` only at the images."""
    seen = Seen()
    chunks = [pairs[start : start + CHUNK] for start in range(0, len(pairs), CHUNK)]
    for part in _looked_at(chunks, rules, many=len(pairs) >= WORTH_PROCESSES):
        seen.add(part)
        progress(seen.images, len(pairs))
    return seen


def _looked_at(chunks: Sequence[Sequence[Pair]], rules: LabelRules | None, *, many: bool) -> Iterable[Seen]:
    processes = min(os.cpu_count() or 1, MOST_PROCESSES)
    if not many or processes == 1:
        yield from map(look_at, chunks, repeat(rules))
        return
    # Forked: a process that has neither threads nor a GPU may, and it costs milliseconds.
    with ProcessPoolExecutor(processes, mp_context=get_context("fork"), initializer=_stand_back) as pool:
        with _interruptions_postponed():  # it starts all its processes now, and they could not ignore one yet
            parts = pool.map(look_at, chunks, repeat(rules))
        yield from parts


@contextmanager
def _interruptions_postponed() -> Iterator[None]:
    """What is interrupted meanwhile is so afterwards. Processes that are started meanwhile never are."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _stand_back() -> None:
    """Leave the cores to trainings, and nothing behind; an interruption is for the process that started it."""
    os.nice(NICE)
    die_with_parent()


def look_at(pairs: Sequence[Pair], rules: LabelRules | None) -> Seen:
    """Look at a few of them, in this process."""
    seen = Seen()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow warns of what Ultralytics accepts
        for pair in pairs:
            seen.images += 1
            is_kept = _look_at_image(pair, seen) and (rules is None or _look_at_label(pair, rules, seen))
            seen.dropped += not is_kept
    return seen


def _look_at_image(pair: Pair, seen: Seen) -> bool:
    try:
        image = look_into(pair.image, pair.size)
    except ImageError as error:
        is_there = pair.size >= 0
        fault = Fault.UNOPENED if is_there and isinstance(error, Unopened) else Fault.IMAGE
        seen.note(fault, f"{pair.image} ({error})")
        seen.ends.append(0)
        return False
    if image.is_cut:
        seen.repaired += 1
        seen.note("cut", pair.image)
    seen.ends.append(image.end)
    seen.aspects += image.aspect
    return True


def _look_at_label(pair: Pair, rules: LabelRules, seen: Seen) -> bool:
    if pair.label_size < 0:
        seen.unlabelled += 1
        return True
    try:
        if pair.label_size > MOST_BYTES:
            raise LabelError(Fault.FORM, "far too large")
        with open(pair.label, "rb") as file:  # noqa: PTH123 - a hundred thousand of them
            label = parse(file.read(), rules)
    except LabelError as error:
        seen.note(error.fault, f"{pair.label} ({error.row})" if error.row else pair.label)
        return False
    except OSError as error:
        seen.note(Fault.UNOPENED, f"{pair.label} ({error.strerror})")
        return False
    seen.empty += not label.boxes
    seen.repeated += label.repeated
    seen.outlined += len(label.boxes) if label.outlined else 0
    for box in label.boxes:
        seen.boxes[0 if rules.single_class else box.number] += 1
        if side := min(box.width, box.height):
            seen.sides[frexp(side)[1]] += 1
        else:
            seen.flat += 1
    return True
