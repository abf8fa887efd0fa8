"""Asking before doing: dry runs, requests that no timetable can hold, scores, forecasts with their intervals."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli import states
from tests.cli.conftest import Shell
from yolotui.core.jobs import Priority
from yolotui.store import Store

RUN = ("run", "--estimate", "1h")


@pytest.fixture
def busy(shell: Shell, store: Store) -> Store:
    """Two GPUs: a job holds both, two wait for both; published just now."""
    for name, priority, estimate in (("runs", "P2", "1h"), ("next", "P2", "2h"), ("last", "P3", "30m")):
        words = ("run", "--gpus", "2", "--name", name, "--priority", priority, "--estimate", estimate, "--", "true")
        assert shell(*words).exit_code == 0
    states.start(store, 1, gpus=("GPU-0", "GPU-1"))
    states.publish(store, 2, at=time.time())
    return store


def starts(shell: Shell) -> dict[str, float]:
    entries = shell.json("forecast")["forecast"]["entries"]
    return {entry["name"]: entry["expected_start"] for entry in entries}


class TestPriority:
    def test_a_dry_run_tells_who_moves_and_changes_nothing(self, busy: Store, shell: Shell) -> None:
        revision = busy.read.revision()
        result = shell("priority", "P0", "last", "--dry-run")
        assert result.exit_code == 0
        lines = [line.split() for line in result.stdout.splitlines()]
        assert [(line[0], line[1], *line[-2:]) for line in lines[1:]] == [
            ("3", "last", "2h", "sooner"),
            ("2", "next", "30m", "later"),
        ]
        assert "Nothing was changed" in result.stderr
        assert busy.read.revision() == revision
        assert busy.read.job(3).priority is Priority.P3

    def test_the_same_as_json(self, busy: Store, shell: Shell) -> None:
        before = starts(shell)
        last, next_ = shell.json("priority", "P0", "last", "--dry-run")["moves"]
        assert (last["id"], last["name"], last["later_s"]) == (3, "last", pytest.approx(-7200))
        assert (last["expected_start"], last["then"]) == (before["last"], before["next"])
        assert (next_["id"], next_["later_s"]) == (2, pytest.approx(1800))

    def test_what_it_told_comes_true(self, busy: Store, shell: Shell) -> None:
        told = {move["name"]: move["then"] for move in shell.json("priority", "P0", "last", "--dry-run")["moves"]}
        published = busy.read.published()
        assert published is not None
        assert shell("priority", "P0", "last").exit_code == 0
        states.publish(busy, 2, at=published.at)
        assert starts(shell) == pytest.approx({"runs": published.at, **told})

    def test_of_very_many_moves_the_largest_are_shown(self, busy: Store, shell: Shell) -> None:
        for number in range(40):
            assert shell(*RUN, "--gpus", "2", "--name", f"n{number}", "--", "true").exit_code == 0
        states.publish(busy, 2, at=time.time())
        result = shell("priority", "P0", "last", "--dry-run")
        assert len(result.stdout.splitlines()) == 31
        assert "42 jobs would move" in result.stderr
        assert len(shell.json("priority", "P0", "last", "--dry-run")["moves"]) == 42

    def test_what_moves_nobody_says_so(self, busy: Store, shell: Shell) -> None:
        result = shell("priority", "P1", "next", "--dry-run")
        assert (result.stdout, result.exit_code) == ("", 0)
        assert "Nothing would move." in result.stderr

    def test_what_no_timetable_knows_is_refused(self, add: Callable[..., int], shell: Shell, store: Store) -> None:
        add("a")
        assert "No scheduler has made a timetable yet" in shell("priority", "P0", "a", "--dry-run").stderr
        states.publish(store, 1, at=time.time())
        add("b")
        result = shell("priority", "P0", "b", "--dry-run")
        assert result.exit_code == 4
        assert "job 2 (b) has not been looked at by a scheduler yet" in result.stderr
        assert shell("priority", "P0", "a", "--json").exit_code == 2


class TestAdd:
    def test_a_dry_run_tells_when_it_would_start_and_whom_it_delays(self, busy: Store, shell: Shell) -> None:
        new, *later = moves_of_hot(shell)  # of one class, the shorter goes first
        assert (new["id"], new["name"], new["expected_start"]) == (None, "hot", None)
        assert [(move["name"], move["later_s"]) for move in later] == [
            ("next", pytest.approx(3600)),
            ("last", pytest.approx(3600)),
        ]
        assert len(busy.read.jobs()) == 3

    def test_the_table_calls_it_new(self, busy: Store, shell: Shell) -> None:
        result = shell(*RUN, "--name", "hot", "--dry-run", "--priority", "P3", "--gpus", "2", "--", "true")
        assert result.stdout.splitlines()[1].split()[:2] == ["new", "hot"]
        assert "Nothing was changed" in result.stderr

    def test_one_that_hangs_on_others_starts_after_them(self, busy: Store, shell: Shell) -> None:
        (new,) = moves_of_hot(shell, "--after-finished", "last", "--gpus", "0")
        finishes = {e["name"]: e["expected_finish"] for e in shell.json("forecast")["forecast"]["entries"]}
        assert new["then"] == pytest.approx(finishes["last"])

    def test_what_can_not_be_foreseen_says_why(self, busy: Store, shell: Shell) -> None:
        result = shell(*RUN, "--name", "rescue", "--dry-run", "--after-failed", "runs", "--", "true")
        assert "rescue can't be foreseen. It runs only if job 1 (runs) fails" in result.stderr
        assert shell("hold", "@default", "--reason", "heat").exit_code == 0
        result = shell(*RUN, "--name", "late", "--dry-run", "--", "true")
        assert "late can't be foreseen. Its group default is held (heat)." in result.stderr
        assert shell("run", "--hold", "--dry-run", "--", "true").exit_code == 2

    def test_json_goes_with_a_dry_run_and_a_file_has_none(self, busy: Store, shell: Shell, tmp_path: Path) -> None:
        assert shell("run", "--json", "--", "true").exit_code == 2
        file = tmp_path / "jobs.toml"
        file.write_text("[[job]]\nrun = 'true'\n")
        refused = shell("add", "--file", str(file), "--dry-run")
        assert refused.exit_code == 2
        assert "--dry-run tells of one job" in refused.stderr

    def test_an_estimate_says_where_it_comes_from(self, busy: Store, shell: Shell) -> None:
        new, *others = moves_of_hot(shell)
        assert new["estimate"] == {"remaining_s": 3600.0, "source": "what its owner said", "early_stop": 0.0}
        assert {other["estimate"] for other in others} == {None}
        result = shell("run", "--name", "hot", "--dry-run", "--", "true")
        assert "Estimate of hot: 10m, a guess: nothing like it ran before." in result.stderr

    def test_an_old_timetable_foresees_nothing_in_the_past(self, busy: Store, shell: Shell) -> None:
        asked_at = time.time()
        states.publish(busy, 2, at=asked_at - 7200)
        for move in moves_of_hot(shell):
            assert isinstance(move["then"], float)
            assert move["then"] >= asked_at

    def test_without_a_timetable_it_says_what_to_do(self, shell: Shell) -> None:
        result = shell("run", "--dry-run", "--", "true")
        assert result.exit_code == 4
        assert "`yolotui scheduler start` starts one; then ask again." in result.stderr


def moves_of_hot(shell: Shell, *words: str) -> list[dict[str, object]]:
    """What a dry run of a two-GPU job called `hot` says; click takes what follows `--` for the command."""
    given = ("--gpus", "2") if "--gpus" not in words else ()
    result = shell(*RUN, *given, "--name", "hot", "--dry-run", "--json", *words, "--", "true")
    assert result.exit_code == 0, result.stderr
    moves: list[dict[str, object]] = json.loads(result.stdout)["moves"]
    return moves


class TestTooMuch:
    @pytest.mark.parametrize(
        ("words", "said"),
        [
            (("--gpus", "3"), "It asks for 3 GPUs and this machine has 2."),
            (("--gpu", "H100"), "1 GPU of the model H100"),
            (("--vram", "17GiB"), "more memory than 1 GPU here has"),
            (("--gpus", "2", "--avoid", "0"), "2 GPUs that it does not avoid"),
        ],
    )
    def test_it_is_refused_where_a_scheduler_has_seen_the_machine(
        self, busy: Store, shell: Shell, words: tuple[str, ...], said: str
    ) -> None:
        for dry in ((), ("--dry-run",)):
            result = shell("run", *dry, *words, "--", "true")
            assert (result.exit_code, result.stdout) == (2, "")
            assert said in result.stderr
        assert len(busy.read.jobs()) == 3

    def test_a_file_names_the_line_and_is_not_taken(self, busy: Store, shell: Shell, tmp_path: Path) -> None:
        file = tmp_path / "jobs.toml"
        file.write_text("[[job]]\nrun = 'true'\n\n[[job]]\nrun = 'true'\ngpus = 8\n")
        result = shell("add", "--file", str(file))
        assert result.exit_code == 2
        assert f"{file}:4: 'true-2' could never start. It asks for 8 GPUs" in result.stderr
        assert len(busy.read.jobs()) == 3

    def test_it_is_taken_where_nobody_knows_the_machine(self, shell: Shell) -> None:
        assert shell("run", "--gpus", "64", "--gpu", "H100", "--", "true").exit_code == 0

    def test_an_edit_is_refused_likewise(self, busy: Store, shell: Shell) -> None:
        assert "this machine has 2" in shell("edit", "next", "gpus=3").stderr
        assert busy.read.job(2).spec.gpus == 2


def test_where_it_may_run_is_asked_on_the_command_line_and_edited(shell: Shell, store: Store) -> None:
    words = ["--gpu", "T4", "--avoid", "0", "--avoid", "GPU-1", "--prefer", "3", "--estimate", "2h"]
    assert shell("run", *words, "--", "true").exit_code == 0
    spec = store.read.job(1).spec
    assert (spec.gpu_model, spec.avoid, spec.prefer, spec.estimate_s) == ("T4", ("0", "GPU-1"), ("3",), 7200.0)
    assert "T4, not 0 GPU-1, rather 3" in shell("show", "1").stdout
    assert shell("edit", "1", "gpus=2", "gpu=", "avoid=2", "estimate=30m").exit_code == 0
    spec = store.read.job(1).spec
    assert (spec.gpus, spec.gpu_model, spec.avoid, spec.estimate_s) == (2, "", ("2",), 1800.0)
    assert store.read.audit()[-1].detail["before"]["gpu_model"] == "T4"
    for wrong in ("gpus=many", "vram=1GiB", "name=x"):
        assert shell("edit", "1", wrong).exit_code == 2


class TestWhy:
    def test_the_score_and_its_parts(self, busy: Store, shell: Shell) -> None:
        (reason,) = shell.json("why", "last")["why"]
        assert reason["score"]["base"] == 1000.0
        assert reason["score"]["counts_as"] == "P3"
        assert reason["remedy"] == "`yolotui priority P0 3` would start it in about 1 h 00 min."
        assert reason["why"].endswith(reason["remedy"])
        assert "counts as P3" in shell("why", "-v", "last").stdout
        assert "score" not in shell("why", "last").stdout

    def test_what_does_not_wait_has_none(self, busy: Store, shell: Shell) -> None:
        (reason,) = shell.json("why", "runs")["why"]
        assert (reason["score"], reason["remedy"]) == (None, None)
        assert "score" not in shell("why", "-v", "runs").stdout


def test_the_forecast_has_intervals(busy: Store, shell: Shell) -> None:
    _, next_, _ = shell.json("forecast")["forecast"]["entries"]
    low, high = next_["start_interval"]
    assert low < next_["expected_start"] < high
    assert next_["finish_interval"][0] < next_["expected_finish"] < next_["finish_interval"][1]
    line = next(line for line in shell("forecast").stdout.splitlines() if " next " in line)
    assert line.count("\N{EN DASH}") == 2
    assert "~" not in line
