"""A home on a small disk of its own (a tmpfs), which can really be filled: the kernel refuses, not fate.c.

To mount one needs a mount namespace of one's own, which is gone with its last process. An ordinary user needs a user
namespace, too, where the machine allows that.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

SIZE = "1g"  # sparse; trainings wait until so much is free that they could fill it
INSIDE = "CHAOS_MAY_MOUNT"


def why_not() -> str:
    """Why no disk can be mounted on this machine; empty where one can."""
    if not shutil.which("unshare"):
        return "there is no unshare (util-linux)"
    tried = subprocess.run(
        _in_a_namespace(["mount", "-t", "tmpfs", "tmpfs", "/mnt"]), capture_output=True, text=True, check=False
    )
    return tried.stderr.strip() if tried.returncode else ""


def enter_a_namespace() -> None:
    """Begin this program anew, where it may mount; it goes on where it may already."""
    if INSIDE not in os.environ:
        argv = _in_a_namespace([sys.executable, *sys.orig_argv[1:]])
        os.execvpe(argv[0], argv, {**os.environ, INSIDE: "1"})


@contextmanager
def mounted(folder: Path) -> Iterator[None]:
    """Within the block the folder is a disk of its own; what is on it at the end stays in the folder."""
    folder.mkdir(mode=0o700, parents=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={SIZE},mode=0700", "tmpfs", str(folder)], check=True)
    try:
        yield
    finally:
        kept = folder.with_name(f"{folder.name}-kept")
        shutil.copytree(folder, kept)
        subprocess.run(["umount", str(folder)], check=True)
        folder.rmdir()
        kept.rename(folder)


def _in_a_namespace(command: Sequence[str]) -> list[str]:
    as_root = [] if os.geteuid() == 0 else ["--map-root-user"]
    return ["unshare", "--mount", *as_root, *command]
