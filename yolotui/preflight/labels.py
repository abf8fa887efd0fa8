"""One label file, judged as Ultralytics judges it: a file that it refuses costs the training its image, silently."""

from __future__ import annotations

from enum import StrEnum
from math import isnan

from msgspec import Struct

MOST_BYTES = 64 * 1024**2
SLACK = 0.01  # coordinates may lie so far outside


class Fault(StrEnum):
    """Why an image is left out, as people read it."""

    IMAGE = "images that can't be read"
    FORM = "labels that are no rows of numbers"
    MIXED = "labels that mix boxes and outlines"
    COLUMNS = "labels with a wrong number of columns"
    RANGE = "labels with coordinates outside of 0 to 1"
    CLASS = "labels with a class that `names` does not have"


class LabelRules(Struct, frozen=True):
    """What a label of a data set may look like. `keypoints`: how many, and of how many numbers; `pose` wants them."""

    classes: int
    keypoints: tuple[int, int] | None = None
    pose: bool = False
    single_class: bool = False

    @property
    def pose_columns(self) -> int:
        """How many numbers a row with keypoints has."""
        count, numbers = self.keypoints or (0, 0)
        return 5 + count * numbers


class LabelError(Exception):
    """A label file for which its image is left out. `row` is a line of it that shows why."""

    def __init__(self, fault: Fault, row: str = "") -> None:
        super().__init__(f"{fault}: {row}")
        self.fault = fault
        self.row = row[:80]


class Box(Struct, frozen=True):
    """An object: its class, and width and height as fractions of the image."""

    number: int
    width: float
    height: float


def parse(content: bytes, rules: LabelRules) -> tuple[list[Box], int]:
    """The objects of a label file, and how many rows are there twice. Raises LabelError."""
    try:
        text = content.decode("utf-8-sig")
        rows = [line.split() for line in text.strip().splitlines() if line.strip()]
        if rules.keypoints and not rules.pose:
            rows = [row[:5] if len(row) == rules.pose_columns else row for row in rows]
        numbers = [[float(word) for word in row] for row in rows]
    except (UnicodeDecodeError, ValueError) as error:
        raise LabelError(Fault.FORM, content[:60].decode(errors="replace").split("\n")[0]) from error
    outlines = not rules.pose and any(len(row) > 6 for row in numbers)
    if outlines and any(len(row) == 5 for row in numbers):
        raise LabelError(Fault.MIXED)
    distinct = {tuple(row) for row in numbers}
    return [_object(row, rules, outlines=outlines) for row in numbers], len(numbers) - len(distinct)


def _object(row: list[float], rules: LabelRules, *, outlines: bool) -> Box:
    shown = " ".join(f"{number:g}" for number in row)
    if any(map(isnan, row)):
        raise LabelError(Fault.RANGE, shown)
    if outlines:
        if len(row) < 3 or len(row) % 2 == 0:
            raise LabelError(Fault.COLUMNS, shown)
        across, down = row[1::2], row[2::2]
        left, right, top, bottom = min(across), max(across), min(down), max(down)
        # Judged as the box around it, as Ultralytics does.
        points = [(left + right) / 2, (top + bottom) / 2, right - left, bottom - top]
        width, height = points[2:]
        inside = points
    else:
        if len(row) != (rules.pose_columns if rules.pose else 5):
            raise LabelError(Fault.COLUMNS, shown)
        width, height = row[3:5]
        step = rules.keypoints[1] if rules.pose and rules.keypoints else 0
        points = [x for start in range(5, len(row), step) for x in row[start : start + 2]] if step else row[1:]
        inside = row[1:]
    if max(points, default=0) > 1 + SLACK or min(inside) < -SLACK or min(width, height) < 0:
        raise LabelError(Fault.RANGE, shown)
    number = row[0]
    if number < 0 or number % 1 != 0 or (not rules.single_class and number >= rules.classes):
        raise LabelError(Fault.CLASS, shown)
    return Box(int(number), width, height)
