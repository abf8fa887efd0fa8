"""A label file is judged as Ultralytics judges it: asked in the same breath, of rows right, odd and wrong."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from PIL import Image

from yolotui.preflight.labels import Box, Fault, LabelError, LabelRules, parse

ODD_NUMBERS = ["0", "1", "1.005", "1.02", "-0.005", "-0.02", "nan", "inf", "1e-3", "0.25", "x", "", "1_0", "0x1", "½"]
ODD_BYTES = [
    b"",
    b"\n\n",
    b"\xef\xbb\xbf0 .5 .5 .1 .1\n",
    b"\xff\xfe\x00",
    b"0 .5 .5 .1 .1\r\n0 .5 .5 .1 .1\r\n",
    b"\0",
]


def made_up(dice: random.Random, columns: int) -> bytes:
    if dice.random() < 0.05:
        return dice.choice(ODD_BYTES)
    rows = []
    for _ in range(dice.randrange(4)):
        wide = columns if dice.random() < 0.9 else dice.randrange(12)
        row = [str(dice.randrange(3)), *(f"{dice.uniform(0.0, 1.0):.4f}" for _ in range(max(0, wide - 1)))][:wide]
        if row and dice.random() < 0.3:
            row[dice.randrange(len(row))] = dice.choice(ODD_NUMBERS)
        rows.append(" ".join(row))
    return "\n".join(rows).encode()


@pytest.mark.parametrize(("task", "columns"), [("detect", 5), ("segment", 9), ("pose", 11), ("boxes of pose", 11)])
def test_the_verdict_is_that_of_ultralytics(tmp_path: Path, task: str, columns: int) -> None:
    from ultralytics.data.utils import verify_image_label

    is_pose = task == "pose"
    rules = LabelRules(3, (2, 3) if columns == 11 else None, pose=is_pose)
    image, label = tmp_path / "a.png", tmp_path / "a.txt"
    Image.new("L", (16, 16)).save(image)
    dice = random.Random(task)
    verdicts = set()
    for _ in range(500):
        content = made_up(dice, columns)
        label.write_bytes(content)
        count, numbers = rules.keypoints or (0, 0)
        theirs = verify_image_label((str(image), str(label), "", is_pose, 3, count, numbers, False))
        try:
            read = parse(content, rules)
            ours = len(read.boxes) - read.repeated
        except LabelError:
            ours = None
        assert ours == (None if theirs[0] is None else len(theirs[1])), content
        verdicts.add(ours is None)
    assert verdicts == {True, False}


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (b"0 .5 .5 .1", Fault.COLUMNS),
        (b"0 320 240 64 64", Fault.RANGE),
        (b"2 .5 .5 .1 .1", Fault.CLASS),
        (b"-1 .5 .5 .1 .1", Fault.CLASS),
        (b"cat .5 .5 .1 .1", Fault.FORM),
        (b"0 .5 .5 .1 .1\n0 .1 .1 .2 .2 .3 .1", Fault.MIXED),
    ],
)
def test_what_is_wrong_is_told_apart(content: bytes, fault: Fault) -> None:
    with pytest.raises(LabelError) as told:
        parse(content, LabelRules(2))
    assert told.value.fault is fault


def test_an_outline_counts_as_the_box_around_it() -> None:
    label = parse(b"1 .1 .2 .5 .2 .5 .8", LabelRules(2))
    assert (label.outlined, label.repeated) == (True, 0)
    assert label.boxes == [Box(1, pytest.approx(0.4), pytest.approx(0.6))]  # type: ignore[arg-type]


def test_a_single_class_takes_any_number() -> None:
    assert parse(b"7 .5 .5 .1 .1", LabelRules(1, single_class=True)).boxes == [Box(7, 0.1, 0.1)]
