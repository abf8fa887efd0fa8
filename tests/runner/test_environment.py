from __future__ import annotations

import ast
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.runner.rig import ROOT, RUNNER, Attempt
from yolotui.runner import device, environment, job, offline, settings, training

SOURCES = sorted(RUNNER.glob("*.py"))


def made(base: dict[str, str], **more: str) -> dict[str, str]:
    return environment.training_environment(base, run_dir="/runs/000001-a", attempt="tag", gpu_uuids=[], **more)


@pytest.mark.parametrize(
    "name",
    ["RANK", "LOCAL_RANK", "WORLD_SIZE", "LOCAL_WORLD_SIZE", "GROUP_RANK", "MASTER_ADDR", "MASTER_PORT",
     "TORCHELASTIC_RUN_ID", "ULTRALYTICS_API_KEY", "ULTRALYTICS_PLATFORM_URL", "PYTEST_CURRENT_TEST",
     "PYTEST_XDIST_WORKER", "YOLO_VERBOSE", "GITHUB_ACTIONS"],
)  # fmt: skip
def test_what_the_shell_must_not_hand_down_is_scrubbed(name):
    assert name not in made({name: "1"})


def test_the_rest_of_the_shell_stays():
    assert made({"PATH": "/bin", "OMP_NUM_THREADS": "4", "NCCL_DEBUG": "INFO"}).items() >= {
        "PATH": "/bin", "OMP_NUM_THREADS": "4", "NCCL_DEBUG": "INFO"
    }.items()  # fmt: skip


def test_gpus_are_given_by_uuid():
    uuids = ["GPU-b", "GPU-a"]
    given = environment.training_environment(
        {"CUDA_VISIBLE_DEVICES": "0,1,2"}, run_dir="/runs/1", attempt="tag", gpu_uuids=uuids
    )
    assert given["CUDA_VISIBLE_DEVICES"] == "GPU-b,GPU-a"
    assert given["CUDA_DEVICE_ORDER"] == "PCI_BUS_ID"
    assert made({"CUDA_VISIBLE_DEVICES": "0"})["CUDA_VISIBLE_DEVICES"] == "-1"


def test_offline_private_and_tagged():
    given = made({"YOLO_OFFLINE": "no", "YOLO_CONFIG_DIR": "/shared"})
    assert given["YOLO_OFFLINE"] == "true"
    assert given["YOLO_AUTOINSTALL"] == "false"
    assert given["YOLO_CONFIG_DIR"] == "/runs/000001-a/.yolo"
    assert given["YOLOTUI_ATTEMPT"] == "tag"
    assert given["PYTHONUNBUFFERED"] == "1"
    assert (given["YOLOTUI_LOCKS"], given["YOLOTUI_WEIGHTS"]) == ("/runs/.locks", "/runs/.weights")
    assert made({}, weights_dir="/w", locks_dir="/l")["YOLOTUI_WEIGHTS"] == "/w"


def test_command_lines():
    one, two = (environment.trainer_argv("python", "/attempt", gpus) for gpus in (1, 2))
    assert one == ["python", str(RUNNER / "trainer.py"), "/attempt"]
    assert two == [*one, "--ranks", "2"]
    assert environment.shim_argv("python", "/attempt") == ["python", "-I", "-S", str(RUNNER / "shim.py"), "/attempt"]


@pytest.mark.parametrize(
    ("version", "gpus", "expected"),
    [
        ("8.4.120", 1, "0"),
        ("8.4.190", 2, "0,1"),
        ("9.0.0", 1, "0"),
        ("8.4.119", 1, ""),  # any index would be written over our UUID
        ("8.3.40", 2, "0,1"),
    ],
)
def test_device_keeps_to_the_gpus_that_were_given(version, gpus, expected):
    assert device.device_argument(version, gpus, cpu=False) == expected
    assert device.device_argument(version, gpus, cpu=True) == "cpu"
    # Where an older version must be given indices, CUDA has to know its GPUs before it rewrites the variable.
    assert device.needs_anchor(version, gpus, cpu=False) == (gpus > 1 and version < "8.4.120")


def test_settings_and_fonts_are_there_before_ultralytics(tmp_path, monkeypatch):
    monkeypatch.delenv(settings.RESTARTED, raising=False)
    monkeypatch.setenv("YOLO_CONFIG_DIR", "shared")
    settings.prepare(str(tmp_path / "config"), str(tmp_path), str(tmp_path / "weights"))

    folder = tmp_path / "config" / "Ultralytics"
    assert (folder / "settings.json").is_file()
    for font in settings.FONTS:
        assert (folder / font).read_bytes()[:4] in {b"\0\1\0\0", b"true", b"OTTO"}
    assert os.environ["YOLO_CONFIG_DIR"] == str(tmp_path / "config")


def test_the_installed_version_takes_the_settings_as_they_are(tmp_path):
    script = (
        "import sys; from yolotui.runner import settings\n"
        f"settings.prepare({str(tmp_path)!r}, {str(tmp_path)!r}, {str(tmp_path / 'w')!r})\n"
        "import ultralytics\n"
        f"wanted = settings.wanted({str(tmp_path)!r}, {str(tmp_path / 'w')!r})\n"
        "assert dict(ultralytics.settings) == wanted, dict(ultralytics.settings)\n"
    )
    shell = {**os.environ, "YOLO_OFFLINE": "true"}
    subprocess.run([sys.executable, "-c", script], cwd=ROOT, env=shell, check=True)


def test_a_connection_is_refused_at_once_but_not_within_the_machine():
    script = """
import socket
from yolotui.runner import offline
offline.refuse_connections()
server = socket.create_server(("127.0.0.1", 0))
socket.create_connection(server.getsockname()).close()
pair = socket.socketpair()
for attempt in (
    lambda: socket.create_connection(("192.0.2.1", 80)),
    lambda: socket.getaddrinfo("example.invalid", 80),
    lambda: socket.socket(socket.AF_INET6).connect(("2001:db8::1", 80)),
):
    try:
        attempt()
    except ConnectionError as refused:
        assert "offline" in str(refused)
    else:
        raise SystemExit("got out")
"""
    subprocess.run([sys.executable, "-c", script], cwd=ROOT, check=True)


def test_an_offline_error_is_what_ultralytics_expects():
    assert issubclass(offline.OfflineError, ConnectionError)


def test_named_weights_are_found_where_they_were_fetched(tmp_path):
    (tmp_path / "yolo11n.pt").touch()
    assert job.find_model("yolo11n.pt", str(tmp_path)) == str(tmp_path / "yolo11n.pt")
    assert job.find_model("yolo11n.yaml", str(tmp_path)) == "yolo11n.yaml"


# --- stands alone, on old interpreters ------------------------------------------------------------------------------


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.name)
def test_every_file_is_python_3_8(source):
    ast.parse(source.read_text(), feature_version=(3, 8))


def old_python() -> str | None:
    beside = sorted(Path.home().glob(".pyenv/versions/3.8.*/bin/python3.8"))
    candidates = [shutil.which("python3.8"), *map(str, beside)]
    for candidate in candidates:
        if candidate and subprocess.run([candidate, "-c", ""], capture_output=True, check=False).returncode == 0:
            return candidate
    return None


@pytest.mark.skipif(old_python() is None, reason="no Python 3.8 here")
def test_shim_and_modules_run_on_python_3_8(tmp_path):
    python = old_python()
    assert python is not None
    attempt = Attempt(tmp_path / "attempt-1").order(["/bin/sh", "-c", "sleep 600 & exit 4"], kill_grace_s=0.0)
    ending = attempt.start(python).wait()
    assert (ending["exit_code"], ending["leftovers_killed"]) == (4, 1)
    modules = ", ".join(
        f"yolotui.runner.{source.stem}" for source in SOURCES if source.stem not in {"__init__", "trainer", "shim"}
    )
    script = f"import sys; sys.path.insert(0, '.'); import {modules}"
    subprocess.run([python, "-c", script], cwd=ROOT, check=True)


def test_the_trainer_leaves_its_folder_off_the_path(tmp_path):
    shutil.copytree(RUNNER, tmp_path / "runner", ignore=shutil.ignore_patterns("__pycache__"))
    probe = "import sys\ndef main(argv):\n    print(sys.path)\n    return 9\n"
    (tmp_path / "runner" / "attempt.py").write_text(probe)
    found = subprocess.run(
        [sys.executable, str(tmp_path / "runner" / "trainer.py"), "x"], capture_output=True, text=True, check=False
    )
    assert found.returncode == 9, found.stderr
    assert str(tmp_path / "runner") not in ast.literal_eval(found.stdout)


@pytest.mark.parametrize(("name", "code", "words"), [
    ("yolo11n-nonsense.pt", 2, "publishes no weights"), ("yolo11n.pt", 1, "online")
])  # fmt: skip
def test_weights_that_cannot_be_fetched_are_said_so(tmp_path, name, code, words):
    (tmp_path / "sitecustomize.py").write_text(
        "import sys, socket\ndef guard(event, arguments):\n"
        "    if event in ('socket.connect', 'socket.getaddrinfo'): raise ConnectionError('no network')\n"
        "    if event == 'subprocess.Popen': raise OSError('no curl')\n"
        "sys.addaudithook(guard)\n"
    )
    shell = {**os.environ, "PYTHONPATH": str(tmp_path)}
    found = subprocess.run(
        [sys.executable, str(RUNNER / "fetch_weights.py"), name, str(tmp_path / "weights")],
        env=shell, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert found.returncode == code, found.stderr
    assert words in found.stderr
    assert not list((tmp_path / "weights").iterdir())


def test_weights_that_are_there_are_not_fetched(tmp_path):
    (tmp_path / "yolo11n.pt").touch()
    found = subprocess.run(
        [sys.executable, str(RUNNER / "fetch_weights.py"), "yolo11n.pt", str(tmp_path)], capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert (found.returncode, found.stdout.strip()) == (0, str(tmp_path / "yolo11n.pt"))


@pytest.mark.parametrize(("resume_from", "asked"), [(None, {"batch": 16}), ("/runs/1/last.pt", {})])
def test_an_ordered_batch_overrules_the_jobs_own(resume_from, asked):
    order = job.Job(
        attempt_dir="/runs/1/attempt-2", kind="train", model="m.yaml", data="d", arguments=asked,
        resume_from=resume_from, batch_override=8,
    )  # fmt: skip
    assert training.train_arguments(order, "8.4.190")["batch"] == 8
