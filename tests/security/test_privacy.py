"""What is in a home is its owner's alone, under any umask; nothing listens; secrets stay in the shell."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.conftest import Shell
from tests.helpers import eventually
from tests.preflight.drawing import draw
from tests.scheduler.conftest import Rig
from tests.scheduler.test_leading import waiting_for
from yolotui.environment import submitted_environment, withheld
from yolotui.errors import QueueUnusable
from yolotui.locations import Home
from yolotui.probe.processes import descendants
from yolotui.scheduler.preparing import prepare
from yolotui.store import Store

NOBODY = 65534


@pytest.fixture
def loose_umask() -> Iterator[None]:
    before = os.umask(0)
    yield
    os.umask(before)


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    with Rig(Home(tmp_path / "home"), "cpu:2") as rig:
        yield rig


def exposed(root: Path) -> dict[str, str]:
    """Everything that others could use, with its mode."""
    found = {}
    for path in (root, *root.rglob("*")):
        mode = path.lstat()
        if not stat.S_ISLNK(mode.st_mode) and mode.st_mode & 0o077:
            found[str(path.relative_to(root))] = oct(mode.st_mode & 0o7777)
    return found


@pytest.mark.usefixtures("loose_umask")
def test_every_file_of_a_home_is_its_owners_alone_and_what_a_command_writes_elsewhere_is_not_touched(tmp_path):
    result = tmp_path / "result"
    with Rig(Home(tmp_path / "home"), "cpu:2") as rig:
        job = rig.command("job", "sh", "-c", f"echo hello; echo x >{result}; echo y >$YOLOTUI_RUN_DIR/own")
        rig.lead("--until-idle")
        rig.until(job, "succeeded")
        shell = Shell(rig.home)
        assert shell("backup").exit_code == 0
        assert shell("check", str(draw(tmp_path / "shapes"))).exit_code == 0
        eventually(rig.home.samples.exists)
        found = exposed(rig.home.root)
    # What a command makes in its run directory is its own; nobody else gets as far as there.
    assert {path for path in found if not path.endswith("/own")} == set()
    assert result.stat().st_mode & 0o777 == 0o666
    assert rig.home.root.stat().st_mode & 0o777 == 0o700


def test_a_home_that_was_open_to_others_is_closed(tmp_path):
    (tmp_path / "home").mkdir(mode=0o755)
    Store(Home(tmp_path / "home")).close()
    assert (tmp_path / "home").stat().st_mode & 0o777 == 0o700


def test_nothing_listens_and_no_process_of_ours_has_a_socket(rig, tmp_path):
    job = rig.command("job", *waiting_for(tmp_path / "never"))
    scheduler = rig.lead()
    running = rig.until(job, "running")
    ours = {scheduler.pid, running.attempts[0].process.pid, *descendants(scheduler.pid)}
    assert len(ours) >= 3  # scheduler, shim, job
    links = {pid: [str(each.readlink()) for each in Path(f"/proc/{pid}/fd").iterdir()] for pid in ours}
    assert not [(pid, link) for pid, own in links.items() for link in own if link.startswith("socket:")]


# --- secrets --------------------------------------------------------------------------------------------------------

SECRETS = {
    "HF_TOKEN": "1", "AWS_SECRET_ACCESS_KEY": "1", "WANDB_API_KEY": "1", "PGPASSWORD": "1", "MYSQL_PWD": "1",
    "OPENAI_KEY": "1", "AZURE_PAT": "1", "SENTRY_DSN": "1", "SLACK_WEBHOOK": "1",
    "DATABASE_URL": "postgres://anna:hunter2@db/x", "http_proxy": "http://u:p@proxy:3128",
}  # fmt: skip
HARMLESS = {"PATH": "/bin", "LANG": "C", "DATA_URL": "https://host:8080/x@2", "KEYBOARD": "us", "MONKEYPATCH": "1"}


def test_what_looks_like_a_secret_is_not_stored_but_named():
    assert submitted_environment({**SECRETS, **HARMLESS}) == HARMLESS
    assert withheld({**SECRETS, **HARMLESS, "PWD": "/x"}) == sorted(SECRETS)


def test_a_secret_is_stored_on_request_and_only_that_one():
    assert submitted_environment(SECRETS, ("HF_TOKEN",)) == {"HF_TOKEN": "1"}
    assert "HF_TOKEN" not in withheld(SECRETS, ("HF_TOKEN",))


def test_the_value_of_a_secret_is_nowhere_in_the_home_nor_told(shell: Shell, shapes: Path, monkeypatch, tmp_path):
    monkeypatch.setenv("HF_TOKEN", "hunter2-hf")
    monkeypatch.setenv("WANDB_API_KEY", "hunter2-wandb")
    file = tmp_path / "jobs.toml"
    file.write_text(f'[[job]]\nmodel = "yolo11n.yaml"\ndata = "{shapes}"\n')
    told = [
        shell("add", "yolo11n.yaml", str(shapes), "--name", "a").stderr,
        shell("run", "--name", "b", "--", "true").stderr,
        shell("add", "--file", str(file)).stderr,
    ]
    assert all("HF_TOKEN, WANDB_API_KEY" in each and "hunter2" not in each for each in told)
    assert not [path for path in shell.home.root.rglob("*") if path.is_file() and b"hunter2" in path.read_bytes()]
    kept = shell("run", "--name", "c", "--keep-env", "WANDB_API_KEY", "--", "true")
    assert "WANDB" not in kept.stderr
    stored = b"".join(path.read_bytes() for path in shell.home.root.rglob("queue.db*"))
    assert b"hunter2-wandb" in stored
    assert b"hunter2-hf" not in stored


def test_a_file_of_jobs_names_what_to_keep(shell: Shell, store: Store, monkeypatch, tmp_path):
    monkeypatch.setenv("HF_TOKEN", "x")
    file = tmp_path / "jobs.toml"
    file.write_text('[[job]]\nrun = "true"\nkeep_env = ["HF_TOKEN"]\n[[job]]\nrun = "false"\n')
    assert shell("add", "--file", str(file)).exit_code == 0
    assert [store.read.environment(job.id).get("HF_TOKEN") for job in store.read.jobs()] == ["x", None]
    file.write_text('[[job]]\nrun = "true"\nkeep_env = ["HF_TOKEN=x"]\n')
    assert "takes names alone" in shell("add", "--file", str(file)).stderr


# --- other users ----------------------------------------------------------------------------------------------------

as_root = pytest.mark.skipif(os.getuid() != 0, reason="only root can be somebody else")


@as_root
def test_another_users_queue_can_not_be_read(shell: Shell, add, tmp_path):
    add("night")
    for folder in (tmp_path, *list(tmp_path.parents)[:-2]):
        folder.chmod(folder.stat().st_mode | 0o055)  # only the home itself keeps them out
    script = (
        'for each in queue.db queue.db-wal scheduler.log runs; do cat "$1/$each" && exit 1; done; ls "$1" && exit 1'
    )
    words = ["/bin/sh", "-c", f"{script}; exit 0", "sh", str(shell.home.root)]
    peeked = subprocess.run(
        words, user=NOBODY, group=NOBODY, extra_groups=[], cwd="/", capture_output=True, text=True, check=False
    )
    assert (peeked.returncode, peeked.stdout) == (0, "")
    assert "Permission denied" in peeked.stderr


AS_NOBODY = """
import contextlib, os, sys
from yolotui.cli.main import cli

def call(home, words):
    os.environ["YOLOTUI_HOME"] = home
    with contextlib.suppress(SystemExit):
        cli.main([*words], prog_name="yolotui")

mine, own, *words = sys.argv[1:]
call(own, words)  # what is imported only when used is out of nobody's reach where Python is root's own
sys.stderr.write("---\\n")
os.setuid(65534)
call(mine, words)
"""


@as_root
@pytest.mark.parametrize(
    "words", ["list", "add --file no.toml", "backup", "doctor --repair", "scheduler start", "audit --json"]
)
def test_who_names_somebody_elses_home_is_told_so(shell: Shell, add, tmp_path, words: str):
    add("night")
    for folder in (tmp_path, *list(tmp_path.parents)[:-2]):
        folder.chmod(folder.stat().st_mode | 0o055)
    command = [sys.executable, "-c", AS_NOBODY, str(shell.home.root), str(tmp_path / "own"), *words.split()]
    told = subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ, "YOLOTUI_GPUS": ""})
    _, _, said = told.stderr.partition("---\n")
    assert "Traceback" not in said
    assert str(shell.home.root) in said
    assert "belongs to uid 0" in said or "Permission denied" in said


def test_a_home_of_somebody_else_is_refused(home: Home, monkeypatch):
    Store(home).close()
    monkeypatch.setattr(os, "getuid", lambda: 4711)
    with pytest.raises(QueueUnusable, match="owner's alone"):
        Store(home)


def test_a_run_directory_that_somebody_else_prepared_is_not_used(store: Store, tmp_path, monkeypatch):
    from tests.store.builders import ANNA, submission, training

    (job_id,) = store.verbs.submit([submission(training("night"))], ANNA)
    job = store.read.job(job_id)
    trap = tmp_path / "trap"
    trap.mkdir()
    Path(job.run_dir).parent.mkdir()
    Path(job.run_dir).symlink_to(trap)
    with pytest.raises(PermissionError, match="another user"):
        prepare(job, [])
    assert list(trap.iterdir()) == []
    Path(job.run_dir).unlink()
    monkeypatch.setattr(os, "geteuid", lambda: 4711)
    with pytest.raises(PermissionError, match="another user"):
        prepare(job, [])


def test_acts_are_recorded_under_the_real_uid_whatever_name_is_claimed(shell: Shell, add, monkeypatch):
    monkeypatch.setenv("YOLOTUI_USER", "the boss")
    job = add("night")
    (row,) = shell.json("audit", str(job))["audit"]
    assert (row["actor"], row["uid"]) == ("the boss", os.getuid())
    assert f"the boss (uid {os.getuid()})" in shell("audit").stdout


def test_a_command_is_run_without_a_shell(rig, tmp_path):
    witness = tmp_path / "witness"
    job = rig.command("job", "echo", f"$(touch {witness}); touch {witness} > {witness} `touch {witness}` $HOME")
    rig.lead()
    done = rig.until(job, "succeeded")
    assert not witness.exists()
    assert "$HOME" in Path(done.run_dir, "attempt-1", "console.log").read_text()
    assert json.loads(Path(done.run_dir, "attempt-1", "launch.json").read_text())["argv"][0] == "echo"
