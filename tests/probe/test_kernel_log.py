from __future__ import annotations

import os
from pathlib import Path

from yolotui.probe.kernel_log import said_of

MINE = frozenset({4711})


def ring(tmp_path: Path, *lines: str, age_s: float = 5.0) -> Path:
    moment_us = int((float(Path("/proc/uptime").read_text().split()[0]) - age_s) * 1e6)
    file = tmp_path / "kmsg"
    file.write_text("".join(f"6,{number},{moment_us},-;{line}\n" for number, line in enumerate(lines)))
    return file


def test_only_what_is_about_the_attempts_processes_is_taken(tmp_path):
    mine = "Out of memory: Killed process 4711 (python) total-vm:9kB"
    xid = "NVRM: Xid (PCI:0000:65:00): 79, pid='<unknown>', name=<unknown>, GPU has fallen off the bus."
    kmsg = ring(
        tmp_path, "EXT4-fs mounted", mine, mine.replace("4711", "47110"), xid,
        "NVRM: Xid (PCI:0000:65:00): 31, pid=9, name=python", "NVRM: Xid (PCI:0000:65:00): 31, pid=4711, name=python",
    )  # fmt: skip
    assert said_of(MINE, 60.0, kmsg=kmsg) == (mine, xid, "NVRM: Xid (PCI:0000:65:00): 31, pid=4711, name=python")


def test_what_was_said_before_the_attempt_does_not_count(tmp_path):
    kmsg = ring(tmp_path, "Killed process 4711 (python)", age_s=100.0)
    assert said_of(MINE, 60.0, kmsg=kmsg) == ()


def test_a_log_that_may_not_be_read_or_is_nonsense_says_nothing(tmp_path):
    assert said_of(MINE, 60.0, kmsg=tmp_path / "none") == ()
    (tmp_path / "kmsg").write_bytes(os.urandom(5000) + b"\n6,1;x\n;;;\n6,1,x,-;Killed process 4711\n")
    assert said_of(MINE, 60.0, kmsg=tmp_path / "kmsg") == ()


def test_the_kernels_own_log_can_be_asked():
    assert isinstance(said_of(frozenset({1}), 1.0), tuple)
