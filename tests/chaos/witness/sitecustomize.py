"""What the laboratory sees of an attempt from inside: loaded by every Python of a job, speaks for its main process.

The main process holds a lock for its job and one for each of its GPUs for as long as it lives, and so do the workers
that it forks. Whoever finds one taken is witness of two lives in one place. It also notes which checkpoints were whole
on the disk when it began: read with nothing of the program under test, and nothing of them is run.
"""

from __future__ import annotations

import fcntl
import json
import os
import pickletools
import re
import sys
import time
import zipfile
from pathlib import Path

LOCK_PATIENCE_S = 0.05  # a process that was killed gives its locks back a moment after it is gone


def main_process() -> bool:
    words = Path("/proc/self/cmdline").read_bytes().split(b"\0")
    return "YOLOTUI_ATTEMPT" in os.environ and b"--rank" not in words and any(
        word.endswith((b"/trainer.py", b"/errand.py")) for word in words
    )  # fmt: skip


def tell(event: str, **fields: object) -> None:
    line = {"event": event, "attempt": os.environ["YOLOTUI_ATTEMPT"], "job": os.environ["YOLOTUI_JOB"], **fields}
    text = json.dumps({"at": time.monotonic(), "pid": os.getpid(), **line}) + "\n"
    file = os.open(os.environ["WITNESS"] + "/told.jsonl", os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC)
    os.write(file, text.encode())
    os.close(file)


def hold(name: str, mode: int = fcntl.LOCK_EX) -> None:
    """Take a lock for life; LOCK_SH beside others who take it so."""
    lock = os.open(f"{os.environ['WITNESS']}/{name}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC)
    deadline = time.monotonic() + LOCK_PATIENCE_S
    while True:
        try:
            fcntl.flock(lock, mode | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                tell("conflict", what=name)
                return
            time.sleep(0.005)
        else:
            return


def whole_epoch(path: Path) -> int | None:
    """The last whole epoch (from 1) that a checkpoint holds, if a training could go on from it."""
    try:
        with zipfile.ZipFile(path) as archive:
            if archive.testzip() is not None:
                return None
            (name,) = (each for each in archive.namelist() if each.endswith("/data.pkl"))
            found = first_values(archive.read(name), {"epoch", "optimizer"})
    except Exception:  # noqa: BLE001  whatever is wrong with it, it is not whole
        return None
    epoch = found.get("epoch")
    is_stripped = epoch == -1 or found.get("optimizer") == "NONE"
    return epoch + 1 if isinstance(epoch, int) and not is_stripped else None


def first_values(pickled: bytes, keys: set[str]) -> dict[str, object]:
    """What follows a key for the first time: a number, or the name of the opcode."""
    found: dict[str, object] = {}
    key = None
    for opcode, argument, _ in pickletools.genops(pickled):
        if opcode.name in {"BINPUT", "LONG_BINPUT", "MEMOIZE"}:
            continue
        if key is not None:
            found.setdefault(key, argument if isinstance(argument, int) else opcode.name)
            if found.keys() == keys:
                break
        key = argument if isinstance(argument, str) and argument in keys else None
    return found


def testify() -> None:
    run_dir = Path(os.environ["YOLOTUI_RUN_DIR"])
    gpus = [gpu for gpu in os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",") if gpu not in {"", "-1"}]
    hold("job-" + os.environ["YOLOTUI_JOB"])
    for gpu in gpus:
        hold("gpu-" + gpu, fcntl.LOCK_SH if "WITNESS_SHARES" in os.environ else fcntl.LOCK_EX)
    weights = sorted((run_dir / "train/weights").glob("*.pt"))
    known = [path for path in weights if re.fullmatch(r"(last|last\.prev|best|epoch\d+)\.pt", path.name)]
    whole = {path.name: epoch for path in known if (epoch := whole_epoch(path)) is not None}
    tell("begin", gpus=gpus, whole=whole)


if main_process():
    try:
        testify()
    except Exception as problem:  # noqa: BLE001  a witness never stops what it sees
        sys.stderr.write(f"the witness could not speak: {problem!r}\n")
