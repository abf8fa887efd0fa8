"""Jobs that hang on each other, from the command line to a real scheduler."""

from __future__ import annotations

from pathlib import Path

from tests.cli import states
from tests.cli.conftest import Shell
from yolotui.core.jobs import Skipped, Waiting
from yolotui.store import Store

FILE = """
[defaults]
gpus = 0
[[job]]
name = "fails"
run = "false"
[[job]]
name = "works"
run = "true"
[[job]]
name = "behind"
run = "true"
after = ["works", "fails"]
[[job]]
name = "either"
run = "true"
after = { any = ["fails", "works"] }
[[job]]
name = "rescue"
run = "true"
after = { failed = ["fails"] }
[[job]]
name = "tidy"
run = "true"
after = { finished = ["behind", "fails"] }
[[job]]
name = "no-rescue"
run = "true"
after = { failed = ["works"] }
"""


def test_each_way_of_coming_after_is_asked_for_by_an_option(shell: Shell, store: Store) -> None:
    for name in "abcd":
        assert shell("run", "--name", name, "--", "true").exit_code == 0
    words = ("--after", "a", "--after-any", "2-3", "--after-finished", "d", "--after-failed", "@default")
    assert shell("run", *words, "--", "true").exit_code == 2  # @default means all of them: each is asked one thing
    assert shell("run", *words[:-2], "--name", "last", "--", "true").exit_code == 0
    job = store.read.job(5)
    assert (job.after, job.after_modes) == ((1, 2, 3, 4), {2: "any", 3: "any", 4: "finished"})
    assert "1, any of 2, 3, end of 4" in shell("show", "5").stdout
    assert shell("run", "--after-failed", "nobody", "--", "true").exit_code == 3


def test_a_real_scheduler_starts_what_a_failure_calls_for_and_skips_the_rest(live_shell: Shell, tmp_path: Path) -> None:
    file = tmp_path / "jobs.toml"
    file.write_text(FILE)
    done = live_shell.run("--batch", str(file))
    assert done.returncode == 1, done.stderr
    jobs = {job["name"]: job for job in live_shell.json("list")["jobs"]}
    assert {name: job["state"] for name, job in jobs.items()} == {
        "fails": "failed",
        "works": "succeeded",
        "behind": "skipped",
        "either": "succeeded",
        "rescue": "succeeded",
        "tidy": "succeeded",
        "no-rescue": "skipped",
    }
    assert jobs["behind"]["why"] == "It comes after job 1 (fails), which failed."
    assert jobs["no-rescue"]["why"] == "It comes after a failure of job 2 (works), which succeeded."
    ended = {name: job["attempts"][0]["ended_at"] for name, job in jobs.items() if job["attempts"]}
    started = {name: job["attempts"][0]["started_at"] for name, job in jobs.items() if job["attempts"]}
    assert started["rescue"] >= ended["fails"]
    assert started["tidy"] >= ended["fails"]
    again = live_shell("retry", "fails")
    assert "And what was skipped behind: 3 (behind)." in again.stderr


def test_a_retry_says_at_which_stage_it_begins_and_which_group_is_held(shell: Shell, store: Store) -> None:
    for name, after in (("stage", ()), ("s1", ("--after", "stage")), ("s2", ("--after", "stage"))):
        assert shell("run", "--name", name, "--group", "g", *after, "--", "true").exit_code == 0
    states.fail(store, 1)
    for job_id in (2, 3):
        assert store.ledger.settle(job_id, Waiting, Skipped(1.0, "because"), "skip", "because")
    assert shell("hold", "@g").exit_code == 0
    told = shell("retry", "s1").stderr
    assert "Wait again: 1 (stage), 2 (s1)." in told
    assert "And what was skipped behind: 3 (s2)." in told
    assert "`yolotui release @g` lets it go." in told
