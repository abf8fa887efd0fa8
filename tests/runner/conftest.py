from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.runner.rig import RECORDER, Attempt, Run, example

EPOCHS = 3


@pytest.fixture(scope="session")
def together(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """A folder that all xdist workers of this session share."""
    base = Path(tmp_path_factory.getbasetemp())
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base

    def folder(name: str) -> Path:
        (shared / name).mkdir(exist_ok=True)
        return shared / name

    return folder


@contextmanager
def once(folder: Path) -> Iterator[bool]:
    """True for the first worker that comes; the others wait until it is done."""
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield not (folder / "done").exists()
        (folder / "done").touch()


@pytest.fixture(scope="session")
def shapes(together: Callable[[str], Path]) -> Path:
    """A tiny data set with outlines, which detection takes too."""
    folder = together("shapes")
    with once(folder) as first:
        if first:
            example("make_shapes").make_shapes(folder, "segment", train=16, val=4, size=64)
    return folder / "data.yaml"


@pytest.fixture(scope="session")
def arguments() -> dict[str, object]:
    return {"epochs": EPOCHS, "imgsz": 32, "batch": 8, "plots": False, "seed": 1, "mosaic": 0.0, "optimizer": "SGD"}


@pytest.fixture(scope="session")
def shell(together) -> dict[str, str]:
    """The worst shell to start a training from: somebody's rank, somebody's GPUs, a platform key; and a recorder."""
    folder = together("recorder")
    (folder / "sitecustomize.py").write_text(RECORDER)
    return {
        **os.environ,
        "PYTHONPATH": str(folder),
        "NETWORK_NOTES": str(folder / "network"),
        "RANK": "3",
        "LOCAL_RANK": "3",
        "WORLD_SIZE": "8",
        "MASTER_ADDR": "192.0.2.1",
        "MASTER_PORT": "1",
        "CUDA_VISIBLE_DEVICES": "7",
        "ULTRALYTICS_API_KEY": "ul_" + "0" * 40,
    }


@pytest.fixture(scope="session")
def trained(together, shapes, arguments, shell) -> Run:
    """A training that went through from beginning to end. Read it, don't change it."""
    folder = together("trained")
    given = {**arguments, "save_period": 1, "project": "elsewhere", "name": "elsewhere", "device": "0"}
    spec = {"kind": "train", "model": "yolo11n.yaml", "data": str(shapes), "arguments": given}
    run = Run(folder / "runs" / "run", spec, shell)
    with once(folder) as first:
        if first:
            run.attempt().run()
    attempt = Attempt(run.folder / "attempt-1")
    assert attempt.end()["exit_code"] == 0, (attempt.folder / "console.log").read_text()[-3000:]
    return run
