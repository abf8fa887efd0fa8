"""One label file, judged as Ultralytics judges it: a file that it refuses costs the training its image, silently."""

from __future__ import annotations

from enum import StrEnum
from math import isnan

from msgspec import Struct

MOST_BYTES = 8 * 1024**2
SLACK = 0.01  # coordinates may lie so far outside


class Fault(StrEnum):
    """Why an image is left out, as people read it."""

    UNOPENED = "files that can't be opened"
    IMAGE = "images that can't be read"
    FORM = "labels that are no rows of numbers"
    MIXED = "labels that mix boxes and outlines"
    COLUMNS = "labels with a wrong number of columns"
    RANGE = "labels with coordinates outside of 0 to 1"
    CLASS = "labels with a class that `names` does not have"

    @property
    def rule(self) -> str:
        """Its name among the remarks."""
        return self.name.lower()


LABEL_FAULTS = frozenset(Fault) - {Fault.UNOPENED, Fault.IMAGE}


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


class Label(Struct, frozen=True):
    """The objects of a label file, how many rows are there twice, and whether they are outlines."""

    boxes: list[Box]
    repeated: int
    outlined: bool


def parse(content: bytes, rules: LabelRules) -> Label:
    """Read a label file. Raises LabelError."""
    try:
        rows = [line.split() for line in content.decode("utf-8-sig").strip().splitlines()]
        if rules.keypoints and not rules.pose:
            rows = [row[:5] if len(row) == rules.pose_columns else row for row in rows]
        numbers = [tuple(map(float, row)) for row in rows if row]
    except (UnicodeDecodeError, ValueError) as error:
        raise LabelError(Fault.FORM, content[:60].decode(errors="replace").split("\n")[0]) from error
    outlined = not rules.pose and any(len(row) > 6 for row in numbers)
    if outlined and any(len(row) == 5 for row in numbers):
        raise LabelError(Fault.MIXED)
    boxes = [_object(row, rules, outlined=outlined) for row in numbers]
    return Label(boxes, len(numbers) - len(set(numbers)), outlined)


def _object(row: tuple[float, ...], rules: LabelRules, *, outlined: bool) -> Box:
    if len(row) == 5 and not rules.pose:  # nearly all of them
        number, x, y, width, height = row
        is_inside = 0 <= x <= 1 and 0 <= y <= 1 and 0 <= width <= 1 and 0 <= height <= 1
        if is_inside and 0 <= number < rules.classes and number.is_integer():
            return Box(int(number), width, height)
    return _odd_object(row, rules, outlined=outlined)


def _odd_object(row: tuple[float, ...], rules: LabelRules, *, outlined: bool) -> Box:
    """An outline, an object with keypoints, or a box that is wrong or nearly so."""
    points, inside = (_box_around(row),) * 2 if outlined else (_points(row, rules), row[1:])
    width, height = inside[2:4]
    if any(map(isnan, row)) or max(points, default=0) > 1 + SLACK or min(inside) < -SLACK or min(width, height) < 0:
        raise LabelError(Fault.RANGE, _shown(row))
    number = row[0]
    if number < 0 or not number.is_integer() or (not rules.single_class and number >= rules.classes):
        raise LabelError(Fault.CLASS, _shown(row))
    return Box(int(number), width, height)


def _box_around(row: tuple[float, ...]) -> tuple[float, ...]:
    """Middle, width and height of an outline: Ultralytics judges it by these."""
    if len(row) < 3 or len(row) % 2 == 0:
        raise LabelError(Fault.COLUMNS, _shown(row))
    across, down = row[1::2], row[2::2]
    left, right, top, bottom = min(across), max(across), min(down), max(down)
    return (left + right) / 2, (top + bottom) / 2, right - left, bottom - top


def _points(row: tuple[float, ...], rules: LabelRules) -> tuple[float, ...]:
    """What may not be above 1: the keypoints of an object that has them, else its box."""
    if len(row) != (rules.pose_columns if rules.pose else 5):
        raise LabelError(Fault.COLUMNS, _shown(row))
    if not (rules.pose and rules.keypoints):
        return row[1:]
    step = rules.keypoints[1]
    return tuple(x for start in range(5, len(row), step) for x in row[start : start + 2])


def _shown(row: tuple[float, ...]) -> str:
    return " ".join(f"{number:g}" for number in row[:20])
