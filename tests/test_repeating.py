"""What running a job once more can't restore is said, with what would."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
from msgspec.structs import replace

from tests.core.jobs import attempt, job
from yolotui.core.jobs import Job
from yolotui.preflight.basis import Footings
from yolotui.repeating import not_as_it_was


class Project:
    """A folder under git with the description of a data set."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.code = folder / "model.py"
        self.data = folder / "data.yaml"
        folder.mkdir()
        self.git("init", "-q")
        self.data.write_text("names: [a]")
        self.commit("one")

    def git(self, *words: str) -> str:
        command = ["git", "-C", str(self.folder), "-c", "user.name=a", "-c", "user.email=a@b", *words]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()

    def commit(self, text: str) -> str:
        self.code.write_text(text)
        self.git("add", "-A")
        self.git("commit", "-qm", text)
        return self.git("rev-parse", "HEAD")


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path / "project")


def a_run(project: Project, tmp_path: Path, **basis: str) -> Job:
    """A training of that project as it is now, with what its trainer wrote down."""
    ran = job(3, attempt(1, 0, 1), model="yolo11n.yaml", data=str(project.data), cwd=str(project.folder))
    ran = replace(ran, run_dir=str(tmp_path / "run"))
    footing = Footings().of(ran.spec, ran.project)
    assert footing is not None
    code = {"folder": str(project.folder), "commit": project.git("rev-parse", "HEAD")}
    (tmp_path / "run" / "attempt-1").mkdir(parents=True)
    record = {"code": code, "basis": footing.basis | {"data": "d1"} | basis}
    (tmp_path / "run" / "attempt-1" / "provenance.json").write_text(json.dumps(record))
    return ran


def test_nothing_is_said_where_all_is_as_it_was(project, tmp_path):
    assert not_as_it_was(a_run(project, tmp_path)) == []


def test_another_commit_is_said_with_the_way_back(project, tmp_path):
    ran, then = a_run(project, tmp_path), project.git("rev-parse", "HEAD")
    now = project.commit("two")
    (said,) = not_as_it_was(ran)
    assert said == (
        f"Its code is at {now[:12]} now, it was at {then[:12]}: "
        f"`git -C {project.folder} checkout {then[:12]}` for the same code."
    )


def test_changes_that_were_never_committed_are_said_with_the_patch_that_was_kept(project, tmp_path):
    project.code.write_text("tried out")
    ran = a_run(project, tmp_path)
    project.git("checkout", "-q", "model.py")
    (said,) = not_as_it_was(ran)
    assert f"git apply {tmp_path}/run/attempt-1/changes.diff" in said
    project.code.write_text("something else")
    assert any("changes that are not there now" in each for each in not_as_it_was(ran))


def test_changes_that_have_come_since_are_said(project, tmp_path):
    ran = a_run(project, tmp_path)
    project.code.write_text("tried out")
    (said,) = not_as_it_was(ran)
    assert "`git stash`" in said


def test_other_versions_and_another_description_of_the_data_are_said(project, tmp_path):
    ran = a_run(project, tmp_path, ultralytics="1.2.3")
    project.data.write_text("names: [a, b]")
    project.git("commit", "-qam", "three")
    said = not_as_it_was(ran)
    assert any("ultralytics" in each and "(was 1.2.3)" in each for each in said)
    assert "The description of its data set has been written since." in said


def test_a_run_of_which_nothing_is_on_record_says_so(tmp_path):
    (said,) = not_as_it_was(replace(job(3, attempt(1, 0, 1)), run_dir=str(tmp_path)))
    assert "not on record" in said


def test_of_a_job_that_has_not_run_yet_nothing_is_said(tmp_path):
    assert not_as_it_was(replace(job(3), run_dir=str(tmp_path))) == []


def test_what_repeats_a_run_stands_on_what_that_run_stood_on(project, tmp_path):
    ran = a_run(project, tmp_path)
    footing = Footings().of_run(ran, ran.spec)
    assert footing is not None
    assert (footing.basis["data"], footing.since) == ("d1", "job 3 ran")


def test_the_libraries_of_another_interpreter_are_those_of_its_environment(project, tmp_path):
    python = tmp_path / "venv" / "bin" / "python"
    site = tmp_path / "venv" / "lib" / "python3.9" / "site-packages"
    (site / "ultralytics-8.0.7.dist-info").mkdir(parents=True)
    spec = job(1, model="yolo11n.yaml", data=str(project.data), python=str(python)).spec
    footing = Footings().of(spec, str(project.folder))
    assert footing is not None
    assert footing.basis["ultralytics"] == "8.0.7"
    assert "torch" not in footing.basis
