"""Names, tags, reasons and log lines from outside: no terminal escape, no markup and no path comes out of them."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.cli.conftest import Shell
from tests.cli.states import fail, publish, start
from tests.store.builders import ANNA, submission
from yolotui.core.jobs import JobSpec, Kind
from yolotui.errors import WrongUse
from yolotui.jobfile import checked
from yolotui.locations import run_dir_name
from yolotui.store import Actor, Store

ATTACKS = {
    "csi": "\x1b[2J\x1b[31mred",
    "osc": "\x1b]0;owned\x07\x1b]8;;http://evil\x1b\\link\x1b]8;;\x1b\\",
    "osc52": "\x1b]52;c;ZXZpbA==\x07",
    "c1": "\x9b31m\x9d0;owned\x9c",
    "bidi": "\u202egpj.exe\u2066\u200f",
    "lines": "one\ntwo\rthree\x0bfour\x85five\u2028six",
    "backspace": "safe\x08\x08\x08\x08evil\x7f",
    "markup": "[bold red]x[/] [@click=app.quit]y[/] [/nothing]",
}
OBEYED = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]")
READING = ("list", "list --json", "show {id}", "show {id} --json", "why {id}", "why {id} --json", "forecast", "gpus",
           "audit", "audit --json", "logs {id}", "logs {id} --json", "logs {id} -n 2", "gc {id} --dry-run",
           "compare {id} {id}", "doctor", "wait {id}", "locate")  # fmt: skip


@pytest.fixture(params=ATTACKS)
def attack(request: pytest.FixtureRequest) -> str:
    return ATTACKS[request.param]


@pytest.fixture
def hostile(store: Store, attack: str) -> int:
    """A failed job whose every text is an attack, as somebody who can write the file could make it."""
    spec = JobSpec(
        name=f"n{attack}", kind=Kind.COMMAND, group=f"g{attack}", command=("echo", attack), gpus=0,
        env={"X": attack}, gpu_model=attack,
    )  # fmt: skip
    evil = Actor(f"who{attack}", ANNA.uid, f"why{attack}")
    (job_id,) = store.verbs.submit([submission(spec)], evil)
    fail(store, job_id, f"it failed {attack}")
    log = Path(store.read.job(job_id).run_dir) / "attempt-1" / "console.log"
    log.parent.mkdir(parents=True)
    log.write_text(f"{attack}\n{attack}\rlast {attack}\n", encoding="utf-8", newline="")
    (waiting,) = store.verbs.submit([submission(spec)], evil)
    start(store, waiting, gpus=(f"GPU{attack}",))
    store.verbs.submit([submission(spec)], evil)
    publish(store, 1, at=1.0, name=f"card{attack}")
    return job_id


@pytest.mark.parametrize("words", READING)
def test_nothing_that_a_terminal_obeys_comes_out_of_any_reading_verb(shell: Shell, hostile: int, words: str) -> None:
    result = shell(*words.format(id=hostile).split())
    assert result.exit_code in {0, 1, 2}
    for out in (result.stdout, result.stderr):
        assert not OBEYED.findall(out), out
    if "--json" in words:
        json.loads(result.stdout)


def test_what_is_attacked_is_still_shown_as_it_is_without_markup(shell: Shell, store: Store) -> None:
    spec = JobSpec(name=ATTACKS["markup"], kind=Kind.COMMAND, command=("true",), gpus=0)
    store.verbs.submit([submission(spec)], ANNA)
    assert ATTACKS["markup"] in shell("list").stdout


def test_errors_that_quote_what_was_typed_are_clean(shell: Shell, attack: str, tmp_path: Path) -> None:
    file = tmp_path / "jobs.toml"
    file.write_text(f'[[job]]\nname = "a"\n{json.dumps(attack)} = 1\n', encoding="utf-8")
    for words in (
        ("show", attack), ("cancel", f"@{attack}"), ("add", attack, "x.yaml"), ("run", "--name", attack, "--", "true"),
        ("add", "--file", str(file)), ("add", "--file", attack), ("backup", f"/proc/{attack}"), (attack,),
        ("simulate", "--trace", str(file), "--gpus", "2"), ("add", "m.yaml", "d.yaml", f"epochs={attack}"),
        ("config", "show", attack), ("list", "--state", attack), ("locate", "home", attack),
    ):  # fmt: skip
        result = shell(*words)
        is_fine = attack == ATTACKS["markup"] and words[0] == "run"
        assert result.exit_code in ({0} if is_fine else {2, 3}), (words, result.output)
        assert not OBEYED.findall(result.stderr), (words, result.stderr)


@pytest.mark.parametrize("key", ["name", "group"])
def test_a_program_can_not_submit_a_name_that_a_person_could_not(key: str, attack: str, tmp_path: Path) -> None:
    spec = JobSpec(**{"name": "job", "kind": Kind.COMMAND, "command": ("true",), key: attack})  # type: ignore[arg-type]
    if attack == ATTACKS["markup"]:
        assert checked(spec, folder=tmp_path, weights_dir=tmp_path).name
        return
    with pytest.raises(WrongUse, match=key):
        checked(spec, folder=tmp_path, weights_dir=tmp_path)


@given(st.text() | st.sampled_from(["../../etc/passwd", "/etc", "..", ".", "a/../b", "-rf", "~", "con\0", "é" * 300]))
def test_no_name_becomes_a_path(name: str) -> None:
    folder = run_dir_name(7, name)
    assert re.fullmatch(r"000007-[A-Za-z0-9._-]{1,60}", folder)
    assert Path("/runs", folder).resolve().parent == Path("/runs")
