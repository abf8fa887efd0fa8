"""The verbs that change something: whom they reach, what they refuse, when they ask."""

from __future__ import annotations

import os
import pty
import subprocess
from collections.abc import Callable

import pytest

from tests.cli import states
from tests.cli.conftest import YOLOTUI, Shell
from tests.helpers import eventually
from yolotui.core.jobs import Cancelled, Outcome, Paused, Priority, Request, Running, Stopping
from yolotui.store import Store


def state(store: Store, *ids: int) -> list[str]:
    return [store.read.job(job_id).state for job_id in ids]


def test_priority(add: Callable[..., int], shell: Shell, store: Store) -> None:
    for name in ("a", "b", "c"):
        add(name)
    states.succeed(store, 2)
    result = shell("priority", "p0", "1-3")
    assert result.exit_code == 0
    assert "Left alone: 2 (b) is succeeded." in result.stderr
    assert [store.read.job(i).priority for i in (1, 2, 3)] == [Priority.P0, Priority.P2, Priority.P0]
    assert shell("priority", "P0", "1").stderr == "Already P0: 1 (a).\n"
    assert shell("priority", "P1", "b").exit_code == 4
    assert shell("priority", "P9", "a").exit_code == 2


def test_hold_and_release_of_jobs_and_groups(add: Callable[..., int], shell: Shell, store: Store) -> None:
    add("a", "--group", "g")
    add("b")
    assert shell("hold", "b", "@g", "--reason", "heat").exit_code == 0
    assert state(store, 1, 2) == ["waiting", "held"]
    assert store.read.held_groups()["g"].reason == "heat"
    assert shell("release", "b", "@g").exit_code == 0
    assert state(store, 1, 2) == ["waiting", "waiting"]
    assert store.read.held_groups() == {}
    assert shell("hold", "@nobody").exit_code == 3
    assert shell("release", "b").exit_code == 4


def test_running_trainings_are_paused_and_asked(add: Callable[..., int], shell: Shell, store: Store) -> None:
    for name in ("a", "b", "c"):
        states.start(store, add(name))
    assert shell("checkpoint", "a").exit_code == 0
    assert shell("finish", "b").exit_code == 0
    assert shell("pause", "c").exit_code == 0
    asked = [store.read.job(i).status for i in (1, 2)]
    assert [status.request for status in asked if isinstance(status, Running)] == [Request.CHECKPOINT, Request.FINISH]
    assert state(store, 3) == ["pausing"]
    states.end(store, 3, Paused(1.0), outcome=Outcome.PAUSED)
    assert shell("pause", "c").exit_code == 4
    assert shell("resume", "1-3").exit_code == 0
    assert state(store, 1, 2, 3) == ["running", "running", "waiting"]


def test_retry_arms_what_was_skipped_behind(add: Callable[..., int], shell: Shell, store: Store) -> None:
    add("a")
    states.fail(store, 1)
    assert shell("retry", "a", "--reason", "disk is free again").exit_code == 0
    assert state(store, 1) == ["waiting"]
    assert shell("retry", "a").exit_code == 4


def test_a_group_is_done_where_the_verb_fits_and_a_named_job_or_nothing(
    add: Callable[..., int], shell: Shell, store: Store
) -> None:
    for name in ("a", "b", "c"):
        add(name, "--group", "g")
    states.start(store, 1)
    assert shell("cancel", "a", "b").exit_code == 4
    assert state(store, 1, 2, 3) == ["running", "waiting", "waiting"]
    result = shell("cancel", "@g")
    assert result.exit_code == 0
    assert "Left alone: 1 (a) is running." in result.stderr
    assert state(store, 1, 2, 3) == ["running", "cancelled", "cancelled"]
    assert shell("cancel", "@g").exit_code == 4
    assert "Nothing to cancel" in shell("cancel", "2-3").stderr


def test_a_script_is_not_asked(add: Callable[..., int], shell: Shell, store: Store) -> None:
    states.start(store, add("a"))
    assert shell("kill", "a", "--reason", "diverged").exit_code == 0
    assert isinstance(store.read.job(1).status, Stopping)
    assert store.read.audit()[-1].reason == "diverged"


def on_a_terminal(shell: Shell, answer: str, *words: str) -> tuple[int, str]:
    """Run a verb on a terminal, answer its question, return its exit code and what was on the screen."""
    master, slave = pty.openpty()
    with subprocess.Popen(
        [*YOLOTUI, *words], stdin=slave, stdout=slave, stderr=slave, env=shell.environment
    ) as process:
        os.close(slave)
        screen = b""

        def asked() -> bool:
            nonlocal screen
            screen += read_terminal(master)
            return b"[y/N]" in screen or process.poll() is not None

        eventually(asked)
        if process.poll() is None:
            os.write(master, answer.encode())
        while chunk := read_terminal(master):
            screen += chunk
        code = process.wait(timeout=60)
    os.close(master)
    return code, screen.decode()


def read_terminal(master: int) -> bytes:
    try:
        return os.read(master, 65536)
    except OSError:  # what Linux says when the other end is closed
        return b""


@pytest.mark.parametrize(
    ("answer", "code", "after"), [("\n", 130, "running"), ("n\n", 130, "running"), ("y\n", 0, "stopping")]
)
def test_a_person_is_asked_before_a_kill_and_no_is_the_default(
    add: Callable[..., int], shell: Shell, store: Store, answer: str, code: int, after: str
) -> None:
    states.start(store, add("precious"))
    states.reach(store, 1, 7)
    assert on_a_terminal(shell, answer, "kill", "precious")[0] == code
    assert state(store, 1) == [after]


def test_the_question_names_what_would_be_lost(add: Callable[..., int], shell: Shell, store: Store) -> None:
    states.start(store, add("precious"))
    states.reach(store, 1, 7)
    _, screen = on_a_terminal(shell, "\n", "kill", "1")
    assert "1  precious: running, epoch 7/10" in screen
    assert "Nothing was changed." in screen


def test_yes_and_harmless_cancels_are_not_asked(add: Callable[..., int], shell: Shell, store: Store) -> None:
    for name in ("a", "b", "c", "d", "e"):
        add(name)
    assert on_a_terminal(shell, "", "cancel", "a")[0] == 0
    assert on_a_terminal(shell, "", "cancel", "b", "c", "--yes")[0] == 0
    assert on_a_terminal(shell, "\n", "cancel", "d", "e")[0] == 130
    shell.home.config.write_text('[queue]\nconfirm = "never"\n')
    assert on_a_terminal(shell, "", "cancel", "d", "e")[0] == 0
    assert all(isinstance(store.read.job(i).status, Cancelled) for i in range(1, 6))


def test_undo_takes_back_the_last_deed_and_says_which(add: Callable[..., int], shell: Shell, store: Store) -> None:
    for name in ("a", "b"):
        add(name)
    assert shell("priority", "P0", "a").exit_code == 0
    assert shell("hold", "b").exit_code == 0
    result = shell("undo", "--reason", "the wrong one")
    assert result.exit_code == 0
    assert "Taken back: hold of" in result.stderr
    assert "2 (b)." in result.stderr
    assert state(store, 1, 2) == ["waiting", "waiting"]
    assert (store.read.audit()[-1].verb, store.read.audit()[-1].reason) == ("undo", "the wrong one")
    states.start(store, 2)
    assert shell("undo").exit_code == 0
    assert store.read.job(1).priority is Priority.P2
    refused = shell("undo")
    assert refused.exit_code == 4
    assert "Your last act was adding job 2: `yolotui cancel 2` takes it out." in refused.stderr
    nothing = shell("undo", "--older")
    assert nothing.exit_code == 4
    assert "There is nothing to undo" in nothing.stderr
    assert "status=" not in shell("audit").stdout
