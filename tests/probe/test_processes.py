"""Processes by /proc: real ones, and what a hostile or vanishing one looks like."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

import pytest

from tests.probe.conftest import Starter
from yolotui.core.jobs import Process
from yolotui.probe.processes import attempt_of, boot_id, exists, identity, is_alive, owner_of, tagged_processes

NOBODYS_PID = 2**22 + 1


def wait_for_zombie(process: subprocess.Popen[bytes]) -> None:
    """Wait until it has ended, and leave it unreaped."""
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)


def fake_process(proc: Path, pid: int, *, name: str = "sleep", state: str = "S", start_ticks: int = 777) -> None:
    fields = [state, *["0"] * 18, str(start_ticks), *["0"] * 30]
    (proc / str(pid)).mkdir(parents=True)
    (proc / str(pid) / "stat").write_text(f"{pid} ({name}) {' '.join(fields)}\n", encoding="utf-8")


def test_a_tagged_process_belongs_to_its_attempt_and_others_to_none(start_process: Starter) -> None:
    tagged, stranger = start_process(attempt="0f9a-1"), start_process()
    assert attempt_of(tagged.pid) == "0f9a-1"
    assert attempt_of(stranger.pid) is None
    assert attempt_of(NOBODYS_PID) is None


def test_all_processes_of_an_attempt_are_found(start_process: Starter) -> None:
    first, second, other = start_process("two"), start_process("two"), start_process("other-one")
    start_process()
    found = tagged_processes()
    assert found["two"] == sorted([first.pid, second.pid])
    assert found["other-one"] == [other.pid]
    assert attempt_of(os.getpid()) is None


def test_only_the_variable_itself_is_the_tag(tmp_path: Path) -> None:
    (tmp_path / "12").mkdir()
    environ = tmp_path / "12" / "environ"
    environ.write_bytes(b"NOT_YOLOTUI_ATTEMPT=a\0X=YOLOTUI_ATTEMPT=b\0YOLOTUI_ATTEMPT=\0")
    assert attempt_of(12, proc=tmp_path) is None
    environ.write_bytes(b"A=1\0YOLOTUI_ATTEMPT=c=d\0B=2\0")
    assert attempt_of(12, proc=tmp_path) == "c=d"
    assert tagged_processes(proc=tmp_path) == {"c=d": [12]}


def test_a_process_is_alive_until_it_ends_also_before_it_is_reaped(start_process: Starter) -> None:
    process = start_process(attempt="x")
    known = identity(process.pid)
    assert known is not None
    assert known.boot_id == boot_id() != ""
    assert is_alive(known)
    process.send_signal(signal.SIGKILL)
    wait_for_zombie(process)
    assert not is_alive(known), "a zombie does not live"
    assert attempt_of(process.pid) is None
    process.wait()
    assert not is_alive(known)
    assert identity(process.pid) is None
    assert not exists(process.pid)


def test_another_process_with_the_same_pid_is_another_process(start_process: Starter) -> None:
    known = identity(start_process().pid)
    assert known is not None
    assert not is_alive(Process(known.pid, known.start_ticks - 1, known.boot_id))
    assert not is_alive(Process(known.pid, known.start_ticks, "another boot"))


@pytest.mark.parametrize("name", ["sleep", "a) S 1 (b", "))) R 4 5", "two words", "é"])
def test_a_name_can_not_forge_an_identity(tmp_path: Path, name: str) -> None:
    fake_process(tmp_path, 40, name=name, start_ticks=123_456)
    known = identity(40, proc=tmp_path)
    assert known == Process(40, 123_456, "")
    assert is_alive(known, proc=tmp_path)


@pytest.mark.parametrize("state", ["Z", "X"])
def test_a_dead_state_is_not_alive(tmp_path: Path, state: str) -> None:
    fake_process(tmp_path, 40, state=state)
    assert not is_alive(Process(40, 777, ""), proc=tmp_path)


def test_a_stat_that_is_cut_short_is_no_process(tmp_path: Path) -> None:
    (tmp_path / "41").mkdir()
    (tmp_path / "41" / "stat").write_text("41 (x) S 1", encoding="ascii")
    assert identity(41, proc=tmp_path) is None


def test_a_process_has_the_name_of_its_owner(start_process: Starter) -> None:
    assert owner_of(start_process().pid) == owner_of(os.getpid())
    assert owner_of(NOBODYS_PID) is None


def test_the_identity_is_that_of_the_running_program(start_process: Starter) -> None:
    """The kernel's own words, read another way."""
    process = start_process()
    fields = Path(f"/proc/{process.pid}/stat").read_text(encoding="utf-8").split()
    known = identity(process.pid)
    assert known is not None
    assert known.start_ticks == int(fields[21])  # "sleep" has neither blanks nor brackets
