"""A scheduler at boot: what is written, and that doing it twice changes nothing twice."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from yolotui import provisioning
from yolotui.errors import NotPossible
from yolotui.locations import Home


class Commands:
    """Stand-ins for the system's commands, first on PATH; they write down how they were called."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.calls = folder / "calls"
        self.calls.touch()

    def make(self, name: str, script: str = "") -> None:
        """A shell script that is called `name`."""
        path = self.folder / name
        path.write_text(f'#!/bin/sh\necho "{name} $*" >> {self.calls}\n{script}\n')
        path.chmod(0o755)

    @property
    def called(self) -> list[str]:
        return self.calls.read_text().splitlines()


@pytest.fixture
def commands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Commands:
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    return Commands(folder)


CRONTAB = """
table={folder}/table
case "$1" in
  -l) test -e $table && cat $table || {{ echo "no crontab for anna" >&2; exit 1; }} ;;
  -) cat > $table ;;
esac
"""


def test_the_unit_is_written_enabled_and_lingers(commands: Commands, home: Home, tmp_path: Path) -> None:
    commands.make("systemctl")
    commands.make("loginctl")
    plan = provisioning.plan_systemd(home)
    told = plan.carry_out()
    unit = tmp_path / "xdg-config" / "systemd" / "user" / provisioning.UNIT
    assert unit.read_text() == plan.content
    assert f'ExecStart="{sys.executable}" "-P" "-m" "yolotui" "scheduler" "run"' in plan.content
    assert str(unit) in told[0]
    assert commands.called == [
        "systemctl --user show-environment",
        "systemctl --user daemon-reload",
        f"systemctl --user enable --now {provisioning.UNIT}",
        f"loginctl enable-linger {plan.user}",
    ]


def test_without_a_user_manager_nothing_is_written(commands: Commands, home: Home) -> None:
    commands.make("systemctl", "echo 'Failed to connect to bus' >&2; exit 1")
    plan = provisioning.plan_systemd(home)
    with pytest.raises(NotPossible, match="--cron"):
        plan.carry_out()
    assert not plan.path.exists()


def test_a_refused_linger_is_told_with_the_way_out(commands: Commands, home: Home) -> None:
    commands.make("systemctl")
    commands.make("loginctl", "echo 'Access denied' >&2; exit 1")
    told = provisioning.plan_systemd(home).carry_out()
    assert "sudo loginctl enable-linger" in told[-1]
    assert "Access denied" in told[-1]


def test_odd_paths_survive_in_a_unit(tmp_path: Path) -> None:
    content = provisioning.plan_systemd(Home(tmp_path / 'a "b" %h')).content
    assert f'Environment="YOLOTUI_HOME={tmp_path}/a \\"b\\" %%h"' in content


@pytest.mark.skipif(not Path("/usr/bin/systemd-analyze").exists(), reason="systemd-analyze is not installed")
def test_systemd_understands_the_unit(home: Home, tmp_path: Path) -> None:
    home.create()
    unit = tmp_path / provisioning.UNIT
    unit.write_text(provisioning.plan_systemd(home).content)
    command = ["systemd-analyze", "verify", "--user", str(unit)]
    environment = {**os.environ, "XDG_RUNTIME_DIR": str(tmp_path)}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert str(unit) not in done.stderr, done.stderr
    assert provisioning.UNIT + ":" not in done.stderr, done.stderr


def test_the_crontab_keeps_its_lines_and_has_ours_once(commands: Commands, home: Home) -> None:
    commands.make("crontab", CRONTAB.format(folder=commands.folder))
    table = commands.folder / "table"
    plan = provisioning.plan_cron(home)
    plan.carry_out()
    assert table.read_text() == f"{plan.line}\n"
    table.write_text(f"0 4 * * * backup\n{plan.line}\n")
    provisioning.plan_cron(home).carry_out()
    assert table.read_text() == f"0 4 * * * backup\n{plan.line}\n"
    other = provisioning.plan_cron(Home(home.root.parent / "other"))
    other.carry_out()
    assert table.read_text() == f"0 4 * * * backup\n{plan.line}\n{other.line}\n"


def test_a_crontab_that_cannot_be_read_is_not_overwritten(commands: Commands, home: Home) -> None:
    commands.make("crontab", "echo 'cron: permission denied' >&2; exit 1")
    with pytest.raises(NotPossible, match="permission denied"):
        provisioning.plan_cron(home).carry_out()
    assert commands.called == ["crontab -l"]


def test_the_cron_line_starts_a_scheduler(home: Home, tmp_path: Path) -> None:
    spaced = Home(tmp_path / "a b")
    line = provisioning.plan_cron(spaced).line
    command = line.removeprefix("@reboot ").replace("scheduler start", "locate home")
    done = subprocess.run(["/bin/sh", "-c", command], capture_output=True, text=True, check=True)
    assert done.stdout == f"{spaced.root}\n"


def test_without_crontab_it_says_so(monkeypatch: pytest.MonkeyPatch, home: Home, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(NotPossible, match="no crontab"):
        provisioning.plan_cron(home).carry_out()


def test_what_this_shell_says_about_devices_counts_at_boot_too(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("YOLOTUI_GPUS", "cpu:2")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,1")
    unit, line = provisioning.plan_systemd(home).content, provisioning.plan_cron(home).line
    for said in ("YOLOTUI_GPUS=cpu:2", "CUDA_VISIBLE_DEVICES=0,1"):
        assert said in unit
        assert said in line
