"""Looks into every image and label of a data set, with as many processes as there are cores."""

from __future__ import annotations

import ctypes
import hashlib
import os
import signal
import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from multiprocessing import get_context
from typing import BinaryIO

from PIL import Image

from yolotui.preflight.files import IMAGE_SUFFIXES, Pair
from yolotui.preflight.labels import MOST_BYTES, Fault, LabelError, LabelRules, parse

CHUNK = 500
WORTH_PROCESSES = 2000
MOST_PROCESSES = 8
EXAMPLES = 5
SMALLEST_SIDE = 10  # pixels: Ultralytics refuses what is smaller
HEAD_BYTES = 1 << 16
SMALLER_THAN = range(4, 13)  # sides below 1/16 … 1/4096 of the image are counted

Progress = Callable[[int, int], None]
"""Told how many images of how many are looked at."""


@dataclass
class Seen:
    """What images and labels have shown. Sums of parts are those of the whole."""

    images: int = 0
    unlabelled: int = 0
    empty: int = 0
    dropped: int = 0
    boxes: Counter[int] = field(default_factory=Counter)
    narrower_than: Counter[int] = field(default_factory=Counter)
    flat: int = 0
    repeated: int = 0
    repaired: int = 0
    aspects: float = 0.0
    faults: Counter[str] = field(default_factory=Counter)
    examples: dict[str, list[str]] = field(default_factory=dict)
    heads: list[tuple[str, str]] = field(default_factory=list)

    def add(self, other: Seen) -> None:
        """Take over what another part has shown."""
        for name in ("images", "unlabelled", "empty", "dropped", "flat", "repeated", "repaired", "aspects"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.boxes += other.boxes
        self.narrower_than += other.narrower_than
        self.faults += other.faults
        self.heads += other.heads
        for fault, files in other.examples.items():
            known = self.examples.setdefault(fault, [])
            known += files[: EXAMPLES - len(known)]

    def note(self, what: str, example: str) -> None:
        """Count something odd, and keep a few examples of it."""
        self.faults[what] += 1
        known = self.examples.setdefault(what, [])
        if len(known) < EXAMPLES:
            known.append(example)


def scan(pairs: Sequence[Pair], rules: LabelRules | None, progress: Progress, twins: frozenset[int]) -> Seen:
    """Look at all of them, without `rules` only at the images. Those whose size is in `twins` may be there twice."""
    seen = Seen()
    chunks = [pairs[start : start + CHUNK] for start in range(0, len(pairs), CHUNK)]
    for part in _looked_at(chunks, rules, twins, many=len(pairs) >= WORTH_PROCESSES):
        seen.add(part)
        progress(seen.images, len(pairs))
    return seen


def _looked_at(
    chunks: Sequence[Sequence[Pair]], rules: LabelRules | None, twins: frozenset[int], *, many: bool
) -> Iterable[Seen]:
    processes = min(os.cpu_count() or 1, MOST_PROCESSES)
    if not many or processes == 1:
        for chunk in chunks:
            yield look_at(chunk, rules, twins)
        return
    # Forked: a process that has neither threads nor a GPU may, and it costs milliseconds.
    with ProcessPoolExecutor(processes, mp_context=get_context("fork"), initializer=die_with_parent) as pool:
        yield from pool.map(look_at, chunks, [rules] * len(chunks), [twins] * len(chunks))


def die_with_parent() -> None:
    """Have the kernel end this process with the one that started it, however that ends."""
    ctypes.CDLL(None, use_errno=True).prctl(1, signal.SIGKILL, 0, 0, 0)  # PR_SET_PDEATHSIG


def look_at(pairs: Sequence[Pair], rules: LabelRules | None, twins: frozenset[int]) -> Seen:
    """Look at a few of them, in this process."""
    seen = Seen()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow warns of what Ultralytics accepts
        for pair in pairs:
            seen.images += 1
            is_kept = _look_at_image(pair, seen, twins) and (rules is None or _look_at_label(pair, rules, seen))
            seen.dropped += not is_kept
    return seen


def _look_at_image(pair: Pair, seen: Seen, twins: frozenset[int]) -> bool:
    try:
        with open(pair.image, "rb") as file:  # noqa: PTH123 - a hundred thousand of them
            with Image.open(file) as image:
                width, height, kind = *image.size, (image.format or "").lower()
            if min(width, height) < SMALLEST_SIDE or kind not in IMAGE_SUFFIXES:
                raise ValueError(f"{kind}, {width}x{height} pixels")
            if kind == "jpeg" and not _has_end(file):
                seen.repaired += 1
                seen.note("cut", pair.image)
            if pair.size in twins:
                seen.heads.append((pair.image, _head(file)))
    except Exception as problem:  # noqa: BLE001  any nonsense may be in such a file, and Pillow raises what it likes
        seen.note(Fault.IMAGE, f"{pair.image} ({str(problem)[:100]})")
        return False
    seen.aspects += min(width, height) / max(width, height)
    return True


def _has_end(file: BinaryIO) -> bool:
    file.seek(-2, os.SEEK_END)
    return file.read() == b"\xff\xd9"


def _head(file: BinaryIO) -> str:
    file.seek(0)
    return hashlib.blake2b(file.read(HEAD_BYTES), digest_size=16).hexdigest()


def _look_at_label(pair: Pair, rules: LabelRules, seen: Seen) -> bool:
    if pair.label_size < 0:
        seen.unlabelled += 1
        return True
    try:
        if pair.label_size > MOST_BYTES:
            raise LabelError(Fault.FORM, "far too large")
        with open(pair.label, "rb") as file:  # noqa: PTH123
            boxes, repeated = parse(file.read(), rules)
    except LabelError as error:
        seen.note(error.fault, f"{pair.label} ({error.row})" if error.row else pair.label)
        return False
    except OSError as error:
        seen.note(Fault.FORM, f"{pair.label} ({error.strerror})")
        return False
    seen.empty += not boxes
    seen.repeated += repeated
    for box in boxes:
        seen.boxes[0 if rules.single_class else box.number] += 1
        side = min(box.width, box.height)
        seen.flat += side == 0
        for power in SMALLER_THAN:
            if side >= 2.0**-power:
                break
            seen.narrower_than[power] += 1
    return True
