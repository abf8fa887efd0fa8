from __future__ import annotations

import ast
import subprocess
import sys

import pytest

from yolotui import ultralytics_args
from yolotui.core.jobs import Kind
from yolotui.core.training_defaults import BATCH, EPOCHS, IMGSZ, PATIENCE


def test_every_argument_of_the_installed_version_is_known_with_a_type():
    import yaml

    root = ultralytics_args.package()
    assert root is not None
    listed = yaml.safe_load((root / "cfg/default.yaml").read_text(encoding="utf-8"))
    known = ultralytics_args.arguments()
    assert set(known) == set(listed)
    assert all(taken.types <= {"int", "float", "bool", "str", "list"} and taken.types for taken in known.values())


def test_ultralytics_own_defaults_are_right():
    import yaml

    root = ultralytics_args.package()
    assert root is not None
    listed = yaml.safe_load((root / "cfg/default.yaml").read_text(encoding="utf-8"))
    given = {key: value for key, value in listed.items() if key not in ultralytics_args.OWNED}
    assert ultralytics_args.check(Kind.TRAIN, given) == []
    reckoned_with = (EPOCHS, PATIENCE, BATCH, IMGSZ)
    assert reckoned_with == tuple(listed[name] for name in ("epochs", "patience", "batch", "imgsz"))


@pytest.mark.parametrize(
    "given",
    [
        {"epochs": 1e2}, {"batch": 0.7}, {"batch": -1}, {"imgsz": [64, 96]}, {"cache": "ram"}, {"cache": True},
        {"amp": "bf16"}, {"freeze": 10}, {"freeze": [0, 1]}, {"fraction": 5}, {"scale": 0.5}, {"classes": [1]},
        {"nms": True}, {"time": 1}, {"lr0": 1}, {"half": True}, {"conf": None},
    ],
)  # fmt: skip
def test_what_ultralytics_takes_is_taken(given):
    assert ultralytics_args.check(Kind.TRAIN, given) == []


@pytest.mark.parametrize(
    "given",
    [
        {"epochs": 1.5}, {"epochs": True}, {"epochs": None}, {"imgsz": "640"}, {"lr0": -1}, {"lr0": 1.01}, {"seed": -1},
        {"val": 1}, {"optimizer": 3}, {"patience": -1}, {"amp": 1.0}, {"classes": "1"}, {"nbs": 0}, {"batch": [1]},
    ],
)  # fmt: skip
def test_what_ultralytics_refuses_is_refused(given):
    (mistake,) = ultralytics_args.check(Kind.TRAIN, given)
    assert mistake.key in given


def test_all_published_weights_are_known_by_name():
    root = ultralytics_args.package()
    assert root is not None
    source = (root / "utils/downloads.py").read_text(encoding="utf-8")
    (names,) = (
        node.value
        for node in ast.parse(source).body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "GITHUB_ASSETS_NAMES"
    )
    published = eval(compile(ast.Expression(names), "downloads.py", "eval"))
    assert {name for name in published if name.endswith(".pt")} == set(
        filter(ultralytics_args.known_weights, published)
    )
    assert not ultralytics_args.known_weights("mine.pt")
    assert not ultralytics_args.known_weights("yolo11n.pt.bak")


@pytest.mark.parametrize(
    "name", ["yolo11n.yaml", "yolo11.yaml", "yolov8x-seg.yaml", "rtdetr-l.yaml", "yolo26s-cls.yaml"]
)
def test_models_that_ship_are_known_with_any_scale(name):
    assert ultralytics_args.known_model_yaml(name)


@pytest.mark.parametrize("name", ["yolo11q.yaml", "yolo11n", "yolo11n.pt", "coco8.yaml", "../11/yolo11.yaml"])
def test_other_names_are_no_model(name):
    assert not ultralytics_args.known_model_yaml(name)


def test_checking_jobs_imports_neither_torch_nor_ultralytics_nor_yaml(tmp_path):
    (tmp_path / "data.yaml").write_text("path: .")
    code = (
        "import sys; from yolotui.jobfile import one_job; from pathlib import Path\n"
        "one_job('yolo11n.yaml', sys.argv[1], {'epochs': '3'}, weights_dir=Path('w'))\n"
        "print(sorted({'torch', 'ultralytics', 'yaml', 'textual', 'rich'} & set(sys.modules)))"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "data.yaml")]
    result = subprocess.run(command, capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"


def test_an_optimizer_that_does_not_exist_is_refused_with_the_nearest() -> None:
    check = ultralytics_args.check
    assert check(Kind.TRAIN, {"optimizer": "adamw"}) == check(Kind.TRAIN, {"optimizer": "auto"}) == []
    (mistake,) = check(Kind.TRAIN, {"optimizer": "Adamm"})
    assert mistake.key == "optimizer"
    assert mistake.nearest is not None
    assert mistake.nearest.startswith("Adam")
