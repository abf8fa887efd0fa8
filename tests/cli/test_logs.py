"""Logs: of one attempt, or followed from attempt to attempt."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tests.cli import states
from tests.cli.conftest import Shell
from yolotui.core.jobs import Outcome, Succeeded, Waiting
from yolotui.locations import console_log
from yolotui.scheduler.warden import cut
from yolotui.store import Store


def write(store: Store, job_id: int, attempt: int, text: str) -> None:
    """Append to an attempt's console.log."""
    folder = Path(store.read.job(job_id).run_dir) / f"attempt-{attempt}"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "console.log").open("a") as log:
        log.write(text)


def test_logs_shows_the_newest_attempt(add: Callable[..., int], shell: Shell, store: Store) -> None:
    job_id = add("a")
    assert shell("logs", "a").exit_code == 4
    states.start(store, job_id)
    write(store, job_id, 1, "one\ntwo\nthree\n")
    states.end(store, job_id, Waiting(0.0), outcome=Outcome.FAILED, signal=9)
    states.start(store, job_id)
    write(store, job_id, 2, " 10%\r 50%\r100%\n\x1b[31mred\x1b[0m\x07 and torn")
    assert shell("logs", "a").stdout == "100%\nred and torn\n"
    assert shell("logs", "a", "--attempt", "1", "-n", "2").stdout == "two\nthree\n"
    assert shell.json("logs", "a")["log"] == {"id": 1, "attempt": 2, "lines": ["100%", "red and torn"]}
    assert shell("logs", "a", "--attempt", "3").exit_code == 4


def test_of_a_log_that_was_cut_it_is_said_where_the_rest_is(
    add: Callable[..., int], shell: Shell, store: Store
) -> None:
    job_id = add("loud")
    states.start(store, job_id)
    write(store, job_id, 1, "one\ntwo\n")
    assert "cut" not in shell("logs", "loud").stderr
    file = console_log(store.read.job(job_id).run_dir, 1)
    cut(file, 1000)
    write(store, job_id, 1, "three\n")
    told = shell("logs", "loud")
    assert told.stdout == "three\n"
    assert told.stderr == f"It was cut because it grew so long: what came before is in {file}.1.\n"


def test_logs_follows_across_attempts_until_the_job_has_ended(
    add: Callable[..., int], shell: Shell, store: Store
) -> None:
    job_id = add("a")
    states.start(store, job_id)
    write(store, job_id, 1, "old\nfirst\n")
    with shell.spawn("logs", "-f", "-n", "1", "a") as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "first\n"
        write(store, job_id, 1, "second\ntorn by a kill")
        assert process.stdout.readline() == "second\n"
        states.end(store, job_id, Waiting(0.0), outcome=Outcome.FAILED, signal=9)
        states.start(store, job_id)
        write(store, job_id, 2, "third\n")
        assert process.stdout.readline() == "torn by a kill\n"
        assert process.stdout.readline() == "third\n"
        write(store, job_id, 2, "last")
        states.end(store, job_id, Succeeded(1.0))
        out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (0, "last\n")
    assert "attempt 2" in err
    assert "succeeded" in err
