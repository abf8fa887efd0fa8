"""The environment and the command line of an attempt: pure functions, also used by the scheduler."""

from __future__ import annotations

import os
import re
from typing import Mapping, Sequence

NO_GPU = "-1"  # an empty value is dropped by some launchers on the way, this one never is
# What torchrun, Slurm's srun or a test-runner left in the caller's shell would turn a training into rank k of nothing.
INHERITED_RANKS = (
    "RANK", "LOCAL_RANK", "WORLD_SIZE", "LOCAL_WORLD_SIZE", "GROUP_RANK", "GROUP_WORLD_SIZE", "ROLE_RANK", "ROLE_NAME",
    "ROLE_WORLD_SIZE",
)  # fmt: skip
SCRUBBED_PREFIXES = ("MASTER_", "TORCHELASTIC_", "TORCH_NCCL_ASYNC_", "PYTEST_", "ULTRALYTICS_", "YOLO_", "GITHUB_")
SCRUBBED_NAMES = frozenset((*INHERITED_RANKS, "CUDA_VISIBLE_DEVICES", "CUDA_DEVICE_ORDER", "YOLOTUI_ATTEMPT"))

# A secret in a database outlives the shell that it was meant for.
SECRET_NAME = re.compile(
    r"(?i)(secret|token|passw|passphrase|credential|api_?key|access_?key|private_?key|cookie|bearer|webhook|"
    r"_auth$|_key$|_pwd$|_pass$|_pat$|_dsn$)"
)
SECRET_VALUE = re.compile(r"://[^/\s:@]*:[^/\s@]+@")  # an address with a password in it


def training_environment(
    base: Mapping[str, str],
    *,
    run_dir: str,
    attempt: str,
    gpu_uuids: Sequence[str],
    weights_dir: str | None = None,
    locks_dir: str | None = None,
) -> dict[str, str]:
    """The complete environment of a training's processes.

    `gpu_uuids` is empty on the CPU. `weights_dir` holds weights fetched once for all runs, `locks_dir` the locks that
    runs on the same data set share; both have defaults beside the run directory.
    """
    environment = command_environment(base, attempt=attempt, gpu_uuids=gpu_uuids)
    runs_dir = os.path.dirname(os.path.abspath(run_dir))
    environment.update(
        PYTHONUNBUFFERED="1",
        YOLOTUI_LOCKS=locks_dir or base.get("YOLOTUI_LOCKS") or os.path.join(runs_dir, ".locks"),
        YOLOTUI_WEIGHTS=weights_dir or base.get("YOLOTUI_WEIGHTS") or os.path.join(runs_dir, ".weights"),
        YOLO_AUTOINSTALL="false",
        YOLO_CONFIG_DIR=os.path.join(os.path.abspath(run_dir), ".yolo"),
        YOLO_OFFLINE="true",  # older versions understand no other word
    )
    return environment


def command_environment(base: Mapping[str, str], *, attempt: str, gpu_uuids: Sequence[str]) -> dict[str, str]:
    """The complete environment of a command: the caller's, with the devices that it may see and the attempt's tag."""
    return {
        **{key: value for key, value in base.items() if not is_scrubbed(key)},
        "CUDA_DEVICE_ORDER": "PCI_BUS_ID",
        "CUDA_VISIBLE_DEVICES": ",".join(gpu_uuids) or NO_GPU,
        "YOLOTUI_ATTEMPT": attempt,
    }


def is_scrubbed(name: str) -> bool:
    """Would this variable of the caller's shell change what a training does, or where its results go?"""
    return name in SCRUBBED_NAMES or name.startswith(SCRUBBED_PREFIXES)


def is_secret(name: str, value: str) -> bool:
    """Does a variable look like something that must not be written down?"""
    return bool(SECRET_NAME.search(name) or SECRET_VALUE.search(value))


def shim_argv(python: str, attempt_dir: str) -> list[str]:
    """The command line of the shim: isolated, without site-packages, because it must start at once."""
    return [python, "-I", "-S", _script("shim.py"), attempt_dir]


def trainer_argv(python: str, attempt_dir: str, gpus: int) -> list[str]:
    """The command line of the trainer. With several GPUs (or CPU ranks) it starts and judges one process for each."""
    ranks = ["--ranks", str(gpus)] if gpus > 1 else []
    return [python, _script("trainer.py"), attempt_dir, *ranks]


def _script(name: str) -> str:
    return os.path.join(os.path.dirname(os.path.abspath(__file__)), name)
