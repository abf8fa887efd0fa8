"""The program as a shell sees it: exit codes, streams, and no traceback for what people do."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable

import pytest

from tests.cli import states
from tests.cli.conftest import Shell
from tests.helpers import eventually
from yolotui import __version__
from yolotui.cli.group import BROKEN_PIPE
from yolotui.cli.main import SECTIONS, cli
from yolotui.leadership import Lock
from yolotui.store import Store


@pytest.mark.parametrize("verb", cli.verbs)
def test_every_verb_explains_itself(shell: Shell, verb: str) -> None:
    result = shell(verb, "--help")
    assert result.exit_code == 0
    assert f"yolotui {verb}" in result.stdout


def test_help_tells_the_verbs_by_what_people_want(shell: Shell) -> None:
    told = shell("--help").stdout
    for title, verbs in SECTIONS.items():
        section = told.partition(f"\n{title}:\n")[2].partition("\n\n")[0]
        assert [line.split()[0] for line in section.splitlines()] == list(verbs)


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["lst"], 2, "did you mean 'list'?"),
        (["ls"], 2, "did you mean 'list'?"),
        (["submit", "yolo11n.yaml"], 2, "did you mean 'add'?"),
        (["list", "--jsn"], 2, "--json"),
        (["show", "nobody"], 3, "No job matches 'nobody'"),
        (["--again"], 2, "--batch"),
        (["--batch", "jobs.toml", "list"], 2, "leave out 'list'"),
        (["--batch", "nowhere.toml"], 2, "nowhere.toml"),
        ([], 2, "needs a terminal"),
    ],
)
def test_mistakes_are_sentences_with_their_exit_code(shell: Shell, words: list[str], code: int, said: str) -> None:
    result = shell.run(*words)
    assert (result.returncode, result.stdout) == (code, "")
    assert said in result.stderr
    assert "Traceback" not in result.stderr


def test_a_queue_that_cannot_be_used(shell: Shell, store: Store) -> None:
    store.close()
    shell.home.queue.write_bytes(b"this is no database" * 1000)
    result = shell.run("list")
    assert result.returncode == 5
    assert "Traceback" not in result.stderr


def test_version(shell: Shell) -> None:
    assert shell.run("--version").stdout == f"yolotui, version {__version__}\n"


@pytest.mark.parametrize("name", ["bash", "zsh", "fish"])
def test_completion(shell: Shell, name: str) -> None:
    assert "_YOLOTUI_COMPLETE" in shell("completion", name).stdout


def test_jobs_are_completed(add: Callable[..., int], shell: Shell) -> None:
    add("night-n")
    asked = {"_YOLOTUI_COMPLETE": "bash_complete", "COMP_WORDS": "yolotui show ni", "COMP_CWORD": "2"}
    assert shell.run(env=asked).stdout == "plain,night-n\n"


def test_a_reader_that_leaves_early_is_no_error(add: Callable[..., int], shell: Shell) -> None:
    add("a")
    reader, writer = os.pipe()
    os.close(reader)
    with shell.spawn("list", "--json", stdout=writer) as process:
        os.close(writer)
        _, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (BROKEN_PIPE, "")


def test_an_interrupt_is_130(add: Callable[..., int], shell: Shell) -> None:
    add("a")
    watchers = Lock(shell.home.watchers_lock)

    def somebody_watches() -> bool:
        if watchers.acquire():
            watchers.release()
            return False
        return True

    with shell.spawn("wait", "a") as process:
        eventually(somebody_watches)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in err


def test_wait_answers_for_jobs_that_have_ended(add: Callable[..., int], shell: Shell, store: Store) -> None:
    states.succeed(store, add("good"))
    states.fail(store, add("bad"))
    assert shell("wait", "good").exit_code == 0
    assert shell("wait", "1-2").exit_code == 1
    assert shell("wait", "nobody").exit_code == 3


def test_wait_ends_with_the_last_job(add: Callable[..., int], shell: Shell, store: Store) -> None:
    add("a")
    add("b")
    states.succeed(store, 1)
    with shell.spawn("wait", "1-2") as process:
        assert process.stderr is not None
        assert process.stderr.readline().startswith("1 a succeeded")
        assert process.poll() is None
        states.succeed(store, 2)
        _, err = process.communicate(timeout=60)
    assert process.returncode == 0
    assert err.startswith("2 b succeeded")


def test_the_top_level_imports_no_verb() -> None:
    script = (
        "import sys; from yolotui.cli.main import cli\n"
        "print([m for m in sys.modules if m.startswith('yolotui.cli.verbs.') or m in ('rich', 'textual', 'sqlite3')])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_every_verb_of_the_table_exists() -> None:
    context = cli.make_context("yolotui", ["list"])
    for verb in cli.verbs:
        command = cli.get_command(context, verb)
        assert command is not None
        assert command.name == verb
