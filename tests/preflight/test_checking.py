"""Data sets broken in one way each, weights, arguments and machines: what is said of them."""

from __future__ import annotations

import errno
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from PIL import Image

from examples.make_shapes import make_shapes
from tests.preflight.drawing import draw, image_of, label_of
from yolotui.core.jobs import JobSpec, Kind
from yolotui.core.preflight import DataReport, Preflight, SplitCount
from yolotui.preflight import scanning
from yolotui.preflight.arguments import remarks_on as of_arguments
from yolotui.preflight.checking import Checker, task_of
from yolotui.preflight.images import Glance, ImageError, Unopened, look_into
from yolotui.preflight.machine import Machine
from yolotui.preflight.machine import remarks_on as of_machine

GIB = 1024**3


def training(data: Path | str = "/d.yaml", model: str = "yolo11n.yaml", gpus: int = 1, **given: Any) -> JobSpec:
    return JobSpec(name="t", kind=Kind.TRAIN, model=model, data=str(data), gpus=gpus, arguments=given)


def check(spec: JobSpec) -> Preflight:
    return Checker().check(spec)


def check_data(data: Path, cache: Path | None = None) -> Preflight:
    return Checker(cache=cache).check_data(data)


def rules(result: Preflight) -> dict[str, str]:
    return {remark.rule: remark.severity.value for remark in result.remarks}


def test_a_sound_data_set_is_fine_and_counted(tmp_path: Path) -> None:
    result = check(training(draw(tmp_path)))
    assert rules(result) == {}
    assert result.data is not None
    assert result.data.splits == {"train": SplitCount(images=20, boxes=20), "val": SplitCount(images=5, boxes=5)}
    assert result.data.boxes_per_class == {"class-0": 10, "class-1": 10}


def every_label(folder: Path, row: str) -> None:
    for number in range(20):
        label_of(folder, "train", number).write_text(row)


def copy_into_val(folder: Path) -> None:
    shutil.copy(image_of(folder, "train", 3), image_of(folder, "val", 1))


def hide_labels(folder: Path) -> None:
    shutil.move(folder / "labels", folder / "Labels")


def hide_labels_and_spoil_a_picture(folder: Path) -> None:
    hide_labels(folder)
    image_of(folder, "train", 0).write_bytes(b"")


def cut_a_png(folder: Path) -> None:
    """Ultralytics drops a PNG that is cut, and mends a JPEG."""
    Image.new("L", (32, 32)).save(whole := folder / "images/train/cut.png")
    os.truncate(whole, whole.stat().st_size - 14)


BREAKS: dict[str, tuple[Callable[[Path], object], dict[str, str]]] = {
    "pixels for fractions": (lambda f: every_label(f, "0 16 16 8 8"), {"range": "error"}),
    "classes from one on": (lambda f: every_label(f, "2 .5 .5 .5 .5"), {"class": "error"}),
    "a table with a head": (lambda f: every_label(f, "class x y w h"), {"form": "error"}),
    "labels elsewhere": (hide_labels, {"no-labels": "error"}),
    "labels elsewhere, and an empty picture": (
        hide_labels_and_spoil_a_picture,
        {"no-labels": "error", "image": "error"},
    ),
    "an empty picture": (lambda f: image_of(f, "val", 0).write_bytes(b""), {"image": "error"}),
    "a cut PNG": (cut_a_png, {"image": "error"}),
    "half a picture": (lambda f: os.truncate(image_of(f, "train", 0), 400), {"cut-jpeg": "warning"}),
    "a leak": (copy_into_val, {"leak": "warning"}),
    "a copy": (
        lambda f: shutil.copy(image_of(f, "train", 0), image_of(f, "train", 99)),
        {"duplicates": "warning"},
    ),
    "a class without pictures": (lambda f: every_label(f, "0 .5 .5 .5 .5"), {"absent-classes": "warning"}),
    "a class that val lacks": (
        lambda f: [label_of(f, "val", n).write_text("0 .5 .5 .5 .5") for n in range(5)],
        {"unmeasured-classes": "info"},
    ),
    "dots": (
        lambda f: [label_of(f, "train", n).write_text(f"{n % 2} .5 .5 .001 .001") for n in range(20)],
        {"tiny-boxes": "warning"},
    ),
    "a box without width": (lambda f: label_of(f, "train", 0).write_text("0 .5 .5 0 .5"), {"flat-boxes": "warning"}),
    "no pictures": (lambda f: shutil.rmtree(f / "images" / "val"), {"data": "error"}),
    "val is train": (
        lambda f: (f / "data.yaml").write_text("train: images/train\nval: images/train\nnc: 2"),
        {"leak": "warning"},
    ),
}


@pytest.mark.parametrize("what", BREAKS)
def test_what_is_wrong_with_a_data_set_is_found(tmp_path: Path, what: str) -> None:
    data = draw(tmp_path)
    breaks, expected = BREAKS[what]
    breaks(tmp_path)
    result = check(training(data))
    assert rules(result) == expected
    assert all(remark.text.endswith(".") for remark in result.remarks)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("names: [a]", "does not say where `train` is"),
        ("train: images/train\nval: images/val", "names no classes"),
        ("train: images/train\nval: images/nowhere\nnames: [a, b]", "nowhere does not exist"),
        ("path: ../here\ntrain: images/train\nval: images/val\nnames: [a, b]", "relative"),
        ("train: images/train\nval: images/val\nnc: 3\nnames: [a, b]", "`nc` is 3"),
        ("train: images/train\nval: images/val\nnames: {0: a, 2: b}", "numbers of `names`"),
        ("train: [images/train", "is no YAML"),
        ("- 1", "describes no data set"),
        ("!!python/object/apply:os.system ['true']", "is no YAML"),
        ("[" * 5000, "is no YAML"),
    ],
)
def test_a_description_that_leads_nowhere_is_told(tmp_path: Path, content: str, said: str) -> None:
    data = draw(tmp_path)
    data.write_text(content)
    (error,) = check(training(data)).errors
    assert said in error.text
    assert error.advice


@pytest.mark.parametrize("name", ["data.yaml", "images/val"])
def test_a_pipe_is_not_waited_for(tmp_path: Path, name: str) -> None:
    data, place = draw(tmp_path), tmp_path / name
    shutil.move(place, tmp_path / "elsewhere")
    os.mkfifo(place)
    (error,) = check(training(data)).errors
    assert error.rule == "data"


def test_a_folder_of_class_folders_is_counted(tmp_path: Path) -> None:
    folder = make_shapes(tmp_path, "classify", train=9, val=3, size=32)
    result = check(training(folder, "yolo11n-cls.yaml"))
    assert rules(result) == {}
    assert result.data is not None
    assert sum(result.data.boxes_per_class.values()) == 9


@pytest.mark.parametrize("model", ["yolo11n-seg.yaml", "yolo11n-obb.yaml"])
def test_boxes_where_outlines_are_wanted_are_an_error(tmp_path: Path, model: str) -> None:
    data = draw(tmp_path)
    assert rules(check(training(data, model))) == {"outlines": "error"}
    for label in tmp_path.glob("labels/*/*.txt"):
        label.write_text(label.read_text().replace("0.5 0.5 0.5 0.5", ".2 .2 .8 .2 .8 .8 .2 .8"))
    assert rules(check(training(data, model))) == {}


def test_a_pose_model_needs_keypoints_and_takes_them(tmp_path: Path) -> None:
    data = draw(tmp_path)
    (error,) = check(training(data, "yolo11n-pose.yaml")).errors
    assert "no `kpt_shape`" in error.text
    data.write_text(data.read_text() + "kpt_shape: [2, 3]\n")
    assert rules(check(training(data, "yolo11n-pose.yaml"))) == {"columns": "error"}
    for label in tmp_path.glob("labels/*/*.txt"):
        label.write_text(label.read_text().rstrip() + " .4 .4 2 .6 .6 2\n")
    assert rules(check(training(data, "yolo11n-pose.yaml"))) == {}
    assert rules(check(training(data, "yolo11n.yaml"))) == {}


def test_a_folder_of_class_folders_teaches_no_boxes(tmp_path: Path) -> None:
    folder = make_shapes(tmp_path, "classify", train=9, val=3, size=32)
    (error,) = check(training(folder, "yolo11n.yaml")).errors
    assert "has no data.yaml" in error.text


def test_names_that_are_no_text_are_told(tmp_path: Path) -> None:
    data = draw(tmp_path)
    odd = os.fsencode(tmp_path / "images" / "train") + b"/\xff.jpg"
    Path(os.fsdecode(odd)).write_bytes(b"nothing")
    (remark,) = check(training(data)).remarks
    assert msgspec.json.encode(remark)
    assert "no picture" in remark.examples[0]


def test_many_processes_see_what_one_sees(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = draw(tmp_path, train=60)
    label_of(tmp_path, "train", 7).write_text("nonsense")
    alone = check_data(data)
    monkeypatch.setattr(scanning, "WORTH_PROCESSES", 1)
    monkeypatch.setattr(scanning, "CHUNK", 7)
    monkeypatch.setattr(os, "cpu_count", lambda: 3)
    together = check_data(data)
    assert (alone.data, alone.remarks) == (together.data, together.remarks)


INTERRUPTED = """
import os, sys
from pathlib import Path
from yolotui.preflight import scanning
from yolotui.preflight.checking import Checker
scanning.WORTH_PROCESSES, os.cpu_count = 1, lambda: 2
try:
    Checker(progress=lambda done, of: print(done, flush=True)).check_data(Path(sys.argv[1]))
except KeyboardInterrupt:
    sys.exit(130)
"""


def test_many_processes_end_without_a_word_when_interrupted(tmp_path: Path) -> None:
    data = draw(tmp_path, train=250)
    endless = image_of(tmp_path, "train", 240)
    endless.unlink()
    os.mkfifo(endless)  # as long as nobody writes, it hangs after the first 200
    command = [sys.executable, "-c", INTERRUPTED, str(data)]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as checking:
        assert checking.stdout
        assert checking.stdout.readline() == "200\n"
        os.killpg(checking.pid, signal.SIGINT)
        endless.write_bytes(b"")
        assert checking.communicate() == ("", "")
    assert checking.returncode == 130


def test_a_data_set_is_looked_at_once_until_it_changes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data, cache = draw(tmp_path / "data"), tmp_path / "cache"
    first = check_data(data, cache=cache)
    with monkeypatch.context() as patch:
        patch.delattr(scanning, "look_into")
        assert check_data(data, cache=cache).data == first.data
    label_of(tmp_path / "data", "train", 0).write_text("0 .5 .5 .5 .5\n1 .4 .4 .2 .2")
    again = check_data(data, cache=cache)
    assert again.data is not None
    assert first.data is not None
    assert again.data.splits["train"].boxes == first.data.splits["train"].boxes + 1
    assert again.data.fingerprint != first.data.fingerprint
    for kept in cache.iterdir():
        kept.write_bytes(b"{")
    assert check_data(data, cache=cache).data == again.data


def test_what_may_pass_is_not_remembered_of_a_data_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data, cache = draw(tmp_path / "data"), tmp_path / "cache"

    def gone(path: str, size: int) -> Glance:
        raise Unopened("Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr(scanning, "look_into", gone)
        assert rules(check_data(data, cache))["unopened"] == "error"
    assert rules(check_data(data, cache)) == {}


def test_a_file_that_can_not_be_opened_is_told_apart_from_one_that_is_no_picture(tmp_path: Path) -> None:
    with pytest.raises(Unopened, match="Is a directory"):
        look_into(str(tmp_path), 1)
    (tmp_path / "a.jpg").write_bytes(b"no picture")
    with pytest.raises(ImageError, match="no picture"):
        look_into(str(tmp_path / "a.jpg"), 10)


def test_trainings_on_the_same_data_look_at_it_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data, checker = draw(tmp_path / "data"), Checker()
    first = checker.check(training(data))
    monkeypatch.delattr(scanning, "look_into")
    second = checker.check(training(data, lr0=0.1))
    assert second.data == first.data
    assert (rules(first), rules(second)) == ({}, {"optimizer": "warning"})


def test_what_was_seen_need_not_be_kept(tmp_path: Path) -> None:
    """A full disk, as any place where nothing can be written, says nothing about the data set."""
    (tmp_path / "cache").touch()
    assert rules(check_data(draw(tmp_path / "data"), cache=tmp_path / "cache")) == {}


@pytest.mark.parametrize(
    ("trouble", "severity"), [(errno.EIO, "warning"), (errno.ESTALE, "warning"), (errno.EACCES, "error")]
)
def test_a_share_that_is_away_for_a_moment_holds_no_training(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, trouble: int, severity: str
) -> None:
    def away(*_: object, **__: object) -> None:
        raise OSError(trouble, os.strerror(trouble))

    data = draw(tmp_path / "data")
    monkeypatch.setattr("yolotui.preflight.dataset.find", away)
    assert rules(check_data(data)) == {"data": severity}


def test_weights_that_can_not_be_used_are_an_error(tmp_path: Path) -> None:
    data = draw(tmp_path)
    assert rules(check(training(data, str(tmp_path / "gone.pt")))) == {"weights": "error"}
    (tmp_path / "cut.pt").write_bytes(b"PK\x03\x04 and no more")
    assert rules(check(training(data, str(tmp_path / "cut.pt")))) == {"weights": "error"}
    (tmp_path / "old.pt").write_bytes(b"\x80\x02 a format of long ago")
    assert rules(check(training(data, str(tmp_path / "old.pt")))) == {"weights": "warning"}


@pytest.mark.parametrize(
    ("given", "gpus", "rule", "severity"),
    [
        ({"lr0": 0.01}, 1, "optimizer", "warning"),
        ({"lr0": 0.5, "optimizer": "AdamW"}, 1, "lr0", "warning"),
        ({"batch": 0.7}, 2, "batch", "error"),
        ({"batch": 15}, 2, "batch", "error"),
        ({"epochs": 5, "close_mosaic": 10}, 1, "close_mosaic", "warning"),
        ({"epochs": 3, "warmup_epochs": 3}, 1, "warmup", "warning"),
        ({"epochs": 3, "time": 1.5}, 1, "time", "warning"),
        ({"imgsz": 600}, 1, "imgsz", "warning"),
        ({"imgsz": 9_999_999_999}, 1, "imgsz", "error"),
        ({"imgsz": -32}, 1, "imgsz", "error"),
        ({"val": False, "patience": 5}, 1, "patience", "warning"),
        ({"rect": True}, 1, "rect", "warning"),
        ({"classes": [0, 5]}, 1, "classes", "error"),
        ({"dropout": 0.1}, 1, "no-effect", "warning"),
    ],
)
def test_arguments_that_do_not_go_together(given: dict[str, Any], gpus: int, rule: str, severity: str) -> None:
    (remark,) = of_arguments(training(gpus=gpus, **given), 2, "detect")
    assert (remark.rule, remark.severity.value) == (rule, severity)


def test_arguments_that_go_together_are_left_alone() -> None:
    given: dict[str, Any] = {"optimizer": "SGD", "lr0": 0.1, "batch": 16, "epochs": 100, "imgsz": 640}
    assert list(of_arguments(training(gpus=2, **given, classes=[0, 1], close_mosaic=10, patience=5), 2, "detect")) == []


def test_what_the_machine_lacks() -> None:
    data = DataReport(splits={"train": SplitCount(images=100_000)})
    small = Machine(memory_bytes=8 * GIB, shared_bytes=64 * 1024**2, cores=4, data_disk_bytes=GIB)
    large = Machine(memory_bytes=1000 * GIB, shared_bytes=500 * GIB, cores=64, data_disk_bytes=1000 * GIB)
    for given, rule in (({"cache": True}, "cache-ram"), ({"cache": "disk"}, "cache-disk"), ({"workers": 8}, "workers")):
        asked = training(**given)
        assert rule in {remark.rule for remark in of_machine(asked, data, small)}
        assert list(of_machine(asked, data, large)) == []
    assert "shm" in {remark.rule for remark in of_machine(training(workers=4, batch=32), data, small)}


@pytest.mark.parametrize(
    ("model", "task"),
    [
        ("yolo11n.yaml", "detect"),
        ("/w/yolov8s-seg.pt", "segment"),
        ("yolo26m-pose.yaml", "pose"),
        ("yolo11x-obb.pt", "obb"),
        ("rtdetr-l.pt", "detect"),
        ("/runs/best.pt", None),
    ],
)
def test_the_task_is_that_of_the_models_name(model: str, task: str | None) -> None:
    assert task_of(model) == task


def test_neither_torch_nor_ultralytics_is_imported() -> None:
    program = "import sys, yolotui.preflight.__main__; print({'torch', 'ultralytics', 'numpy'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
