"""Jobs that a Python program hands over are checked as those of a file are."""

from __future__ import annotations

from pathlib import Path

import pytest

from yolotui.core.jobs import JobSpec, Kind
from yolotui.errors import WrongUse
from yolotui.jobfile import checked


def training(**options: object) -> JobSpec:
    fields: dict[str, object] = {"model": "yolo11n.yaml", "data": "shapes.yaml", **options}
    return JobSpec(name="job", kind=Kind.TRAIN, **fields)  # type: ignore[arg-type]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "shapes.yaml").write_text("path: .")
    return tmp_path


def test_relative_paths_become_absolute(folder: Path) -> None:
    found = checked(training(), folder=folder, weights_dir=folder / "weights")
    assert found.data == str(folder / "shapes.yaml")
    assert found.model == "yolo11n.yaml"
    command = JobSpec(name="c", kind=Kind.COMMAND, command=("true",))
    assert checked(command, folder=folder, weights_dir=folder).cwd == str(folder)


def test_what_earlier_jobs_make_is_not_looked_for(folder: Path) -> None:
    spec = training(model="{first.best}", after=("first",))
    assert checked(spec, folder=folder, weights_dir=folder).model == "{first.best}"


def test_every_mistake_is_told_at_once(folder: Path) -> None:
    spec = training(model="yolo11n.pt", data="shape.yaml", arguments={"epcohs": 3, "optimizer": "Adamm"})
    with pytest.raises(WrongUse) as refused:
        checked(spec, folder=folder, weights_dir=folder / "weights")
    told = str(refused.value).splitlines()
    assert len(told) == 4
    assert "yolotui weights yolo11n.pt" in told[0]
    assert "shapes.yaml" in told[1]
    assert "did you mean 'epochs'?" in told[2]
    assert "Adam" in told[3]


@pytest.mark.parametrize(
    "spec", [training(data=None), training(model=None), JobSpec(name="c", kind=Kind.COMMAND, gpus=0)]
)
def test_what_is_missing_is_named(folder: Path, spec: JobSpec) -> None:
    with pytest.raises(WrongUse):
        checked(spec, folder=folder, weights_dir=folder)
