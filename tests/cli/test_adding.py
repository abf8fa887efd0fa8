"""Jobs get in: one by one, by the file, as commands; and what is wrong is told before anything is taken."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli import states
from tests.cli.conftest import Shell
from yolotui.core.jobs import Held, Kind, Priority
from yolotui.store import Store

FILE = """
[defaults]
gpus = 0
[[job]]
name = "first"
run = ["true"]
[[job]]
name = "second"
run = "echo 'two words'"
after = ["first"]
"""


def test_add_prints_the_id_and_nothing_else(shell: Shell, store: Store, shapes: Path) -> None:
    options = ["--name", "night", "--priority", "p1", "--gpus", "2", "--group", "g", "--env", "A=b=c"]
    options += ["--retries", "1", "--retry-delay", "5m"]
    arguments = ["epochs=3", "lr0=0.01", "cos_lr=True"]
    result = shell("add", "yolo11n.yaml", str(shapes), *arguments, *options, "--reason", "why not")
    assert (result.exit_code, result.stdout, result.stderr) == (0, "1\n", "")
    job = store.read.job(1)
    assert job.spec.arguments == {"epochs": 3, "lr0": 0.01, "cos_lr": True}
    assert (job.priority, job.spec.gpus, job.spec.retries, job.spec.retry_delay_s) == (Priority.P1, 2, 1, 300.0)
    assert (job.spec.env, job.spec.group, job.spec.data) == ({"A": "b=c"}, "g", str(shapes))
    assert store.read.audit()[-1].reason == "why not"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["yolo11n.yaml", "{data}", "epohcs=3"], "epochs"),
        (["yolo11n.yaml", "{data}", "epochs=many"], "whole number"),
        (["yolo11n.yaml", "nowhere/data.yaml"], "nowhere/data.yaml"),
        (["yolo11n.pt", "{data}"], "yolotui weights yolo11n.pt"),
        (["yolo11n.yaml", "{data}", "epochs=3", "epochs=4"], "twice"),
        (["yolo11n.yaml", "{data}", "--env", "A"], "K=V"),
        (["yolo11n.yaml", "{data}", "stray"], "KEY=VALUE"),
        ([], "Name a model"),
        (["yolo11n.yaml", "{data}", "--again"], "--file"),
        (["yolo11n.yaml", "--file", "jobs.toml"], "--file"),
    ],
)
def test_what_is_wrong_is_told_and_nothing_is_taken(
    shell: Shell, store: Store, shapes: Path, words: list[str], said: str
) -> None:
    result = shell("add", *(word.format(data=shapes) for word in words))
    assert result.exit_code == 2
    assert said in result.stderr
    assert result.stdout == ""
    assert store.read.jobs() == []


def test_a_held_job_waits_for_its_release(add: Callable[..., int], store: Store) -> None:
    assert isinstance(store.read.job(add("a", "--hold")).status, Held)


def test_after_takes_names_ranges_and_groups(add: Callable[..., int], shell: Shell, store: Store) -> None:
    for name in ("a", "b", "c"):
        add(name, "--group", "first")
    assert store.read.job(add("d", "--after", "a")).after == (1,)
    assert store.read.job(add("e", "--after", "1-2", "--after", "4")).after == (1, 2, 4)
    assert store.read.job(add("f", "--after", "@first")).after == (1, 2, 3)
    assert shell("run", "--after", "nobody", "--", "true").exit_code == 3


def test_a_file_is_taken_whole_and_only_once(shell: Shell, store: Store, tmp_path: Path) -> None:
    file = tmp_path / "jobs.toml"
    file.write_text(FILE)
    assert shell("add", "--file", str(file)).stdout == "1\n2\n"
    again = shell("add", "--file", str(file))
    assert again.stdout == "1\n2\n"
    assert "2 there already" in again.stderr
    assert shell("add", "--file", str(file), "--again").stdout == "3\n4\n"
    assert store.read.job(2).spec.command == ("echo", "two words")
    assert len(store.read.jobs()) == 4


def test_a_wrong_file_is_refused_with_every_mistake(shell: Shell, store: Store, tmp_path: Path) -> None:
    file = tmp_path / "jobs.toml"
    file.write_text(FILE + 'prioritty = "P1"\n[[job]]\nname = "third"\n')
    result = shell("add", "--file", str(file))
    assert result.exit_code == 2
    assert f"{file}:11: prioritty" in result.stderr
    assert f"{file}:12: " in result.stderr
    assert store.read.jobs() == []


def test_run_takes_any_command_as_it_is(shell: Shell, store: Store, tmp_path: Path) -> None:
    result = shell("run", "--gpus", "0", "--name", "probe", "--", "python", "-c", "print('a b')", "--gpus", "7")
    assert result.stdout == "1\n"
    spec = store.read.job(1).spec
    assert (spec.kind, spec.gpus, spec.name, spec.cwd) == (Kind.COMMAND, 0, "probe", str(Path.cwd()))
    assert spec.command == ("python", "-c", "print('a b')", "--gpus", "7")


def test_a_program_that_is_nowhere_is_refused_with_a_hint_at_the_shell(
    shell: Shell, store: Store, tmp_path: Path
) -> None:
    line = shell("run", "--", "sleep 3 && echo hi")
    assert line.exit_code == 2
    assert "there is no program 'sleep 3 && echo hi' on PATH" in line.stderr
    assert "run with: sh -c 'sleep 3 && echo hi'" in line.stderr
    typo = shell("run", "--", "slep", "3")
    assert (typo.exit_code, "no program 'slep' on PATH" in typo.stderr, "sh -c" in typo.stderr) == (2, True, False)
    assert store.read.jobs() == []
    assert shell("run", "--", "./comes-later.sh").exit_code == 0
    program = tmp_path / "here"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    assert shell("run", "--env", f"PATH={tmp_path}", "--", "here").exit_code == 0


def test_a_file_with_a_program_that_is_nowhere_is_refused_by_line(shell: Shell, store: Store, tmp_path: Path) -> None:
    file = tmp_path / "jobs.toml"
    file.write_text("[[job]]\nrun = 'true'\n\n[[job]]\nrun = 'slep 3'\n")
    result = shell("add", "--file", str(file))
    assert (result.exit_code, store.read.jobs()) == (2, [])
    assert "jobs.toml:5: run: there is no program 'slep' on PATH" in result.stderr


def test_edit_changes_what_waits(add: Callable[..., int], shell: Shell, store: Store) -> None:
    add("a", "--priority", "P1")
    assert shell("edit", "a", "epochs=20", "imgsz=320").exit_code == 0
    assert store.read.job(1).spec.arguments == {"epochs": 20, "imgsz": 320}
    assert shell("edit", "a", "imgsz=").exit_code == 0
    assert store.read.job(1).spec.arguments == {"epochs": 20}
    for wrong in ("epohcs=3", "epochs=x", "retries=3", "batch=", "epochs"):
        assert shell("edit", "a", wrong).exit_code == 2
    states.start(store, 1)
    assert shell("edit", "a", "epochs=30").exit_code == 4
    assert store.read.job(1).spec.arguments == {"epochs": 20}


def test_add_imports_nothing_heavy(shell: Shell, shapes: Path) -> None:
    script = (
        "import sys, atexit\n"
        "heavy = ['torch', 'ultralytics', 'textual', 'rich', 'numpy', 'pynvml']\n"
        "atexit.register(lambda: print([name for name in heavy if name in sys.modules], file=sys.stderr))\n"
        "from yolotui.cli.main import main\n"
        f"sys.argv = ['yolotui', 'add', 'yolo11n.yaml', {str(shapes)!r}, 'epochs=3']\n"
        "main()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], env=shell.environment, capture_output=True, text=True, check=True
    )
    assert (done.stdout, done.stderr) == ("1\n", "[]\n")


def test_one_may_come_after_a_job_of_the_queue_with_almost_its_name(shell: Shell, store: Store, tmp_path: Path) -> None:
    assert shell("run", "--name", "train1", "--", "true").exit_code == 0
    result = shell("run", "--name", "train2", "--after", "train1", "--", "true")
    assert result.exit_code == 0, result.stderr
    file = tmp_path / "jobs.toml"
    file.write_text("[[job]]\nname = 'train3'\nrun = 'true'\nafter = 'train2'\n")
    assert shell("add", "--file", str(file)).exit_code == 0
    assert [job.after for job in store.read.jobs()] == [(), (1,), (2,)]
    file.write_text("[[job]]\nname = 'other'\nrun = 'true'\nafter = 'train4'\n")
    assert "after: there is no job 'train4'; did you mean 'train" in shell("add", "--file", str(file)).stderr


def test_a_job_that_comes_after_another_can_be_edited(add: Callable[..., int], shell: Shell, store: Store) -> None:
    add("train1")
    add("train2", "--after", "train1")
    result = shell("edit", "train2", "epochs=20")
    assert result.exit_code == 0, result.stderr
    assert store.read.job(2).spec.arguments["epochs"] == 20
