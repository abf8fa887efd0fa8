"""`simulate`: traces, made-up work and the queue's own past through the plan."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.cli import states
from tests.cli.conftest import Shell
from yolotui.store import Store

TRACE = """submit_s,gpus,duration_s,priority
0,2,600,P2
10,2,600,P3
20,1,60,P0
5,1,3600,P2
"""


@pytest.fixture
def trace(tmp_path: Path) -> str:
    file = tmp_path / "trace.csv"
    file.write_text(TRACE)
    return str(file)


def report(shell: Shell, *words: str) -> dict[str, Any]:
    result = shell("simulate", *words, "--json")
    assert result.exit_code == 0, result.stderr
    document: dict[str, Any] = json.loads(result.stdout)
    return document


def test_jobs_come_in_the_traces_order_with_all_that_scripts_read(shell: Shell, trace: str) -> None:
    document = report(shell, "--trace", trace, "--gpus", "2")
    assert document["schema"] == 1
    assert [job["id"] for job in document["jobs"]] == [0, 1, 2, 3]
    first, _, urgent, _ = document["jobs"]
    assert (first["start"], first["end"], first["gpus"]) == (0.0, 600.0, [0, 1])
    assert (urgent["start"], urgent["end"], len(urgent["gpus"])) == (600.0, 660.0, 1)
    assert urgent["forecast"]["start"] == 600.0
    assert urgent["forecast"].keys() == {"start", "start_low", "start_high", "finish"}


def test_policies_and_modes_are_chosen(shell: Shell, trace: str) -> None:
    fifo = report(shell, "--trace", trace, "--gpus", "2", "--policy", "fifo")
    assert fifo["jobs"][2]["start"] > 600.0
    document = report(shell, "--trace", trace, "--gpus", "2", "--mode", "throughput")
    assert (document["policy"], document["mode"]) == ("plan", "throughput")


def test_people_get_a_table_beside_the_bounds(shell: Shell, trace: str) -> None:
    told = shell("simulate", "--trace", trace, "--gpus", "2").stdout
    for words in ("mean wait", "makespan", "utilisation", "no scheduler beats"):
        assert words in told


def test_the_same_seed_makes_the_same_work(shell: Shell) -> None:
    words = ("--generate", "12", "--gpus", "4", "--load", "0.5")
    assert report(shell, *words, "--seed", "7") == report(shell, *words, "--seed", "7")
    assert report(shell, *words, "--seed", "7") != report(shell, *words, "--seed", "8")


def test_two_more_gpus_for_what_was(add: Callable[..., int], shell: Shell, store: Store) -> None:
    assert shell("simulate", "--history").exit_code == 2  # nobody knows how many GPUs there are
    states.publish(store, 2, at=time.time())
    assert shell("simulate", "--history").exit_code == 4  # there is no past
    for name in "abcd":
        states.succeed(store, add(name, "--gpus", "2"))
    add("waits")
    result = shell("simulate", "--history", "--gpus", "+2")
    assert [line.split()[2:] for line in result.stdout.splitlines() if line.startswith("jobs, GPUs")] == [
        ["4,", "2"],
        ["4,", "4"],
    ]
    assert "have not ended yet: 1 of 5 jobs" in result.stderr
    now, more = (report(shell, "--history", *gpus)["summary"]["makespan_s"] for gpus in ((), ("--gpus", "+2")))
    assert (now, more) == (pytest.approx(240, abs=5), pytest.approx(120, abs=5))
    assert len(report(shell, "--history", "--since", "1h")["jobs"]) == 4


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "Say what to replay"),
        (("--history", "--generate", "3"), "Say what to replay"),
        (("--generate", "3"), "--gpus N"),
        (("--generate", "3", "--gpus", "none"), "not a number of GPUs"),
        (("--generate", "3", "--gpus", "0"), "not a number of GPUs"),
        (("--trace", "nowhere.csv", "--gpus", "2"), "nowhere.csv"),
        (("--trace", "{trace}", "--gpus", "1"), "job 0 of the trace asks for 2 GPUs, and there are 1"),
        (("--generate", "3", "--since", "1d", "--gpus", "1"), "--since goes with --history"),
        (("--history", "--since", "soon", "--gpus", "1"), "--since: 'soon' is not a duration"),
    ],
)
def test_what_makes_no_sense_is_said(shell: Shell, trace: str, words: tuple[str, ...], said: str) -> None:
    result = shell("simulate", *(word.format(trace=trace) for word in words))
    assert (result.exit_code, result.stdout) == (2, "")
    assert said in result.stderr
