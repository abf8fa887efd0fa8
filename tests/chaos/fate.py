"""Steers disk, clock and boot of every process that runs under the `env` of a Fate: see fate.c.

with Fate(folder, home) as fate:
    process = subprocess.Popen([...], env={**os.environ, **fate.env})
    fate.move_clock(+3600)
    with fate.disk(errno.ENOSPC): ...
    fate.reboot()
"""

from __future__ import annotations

import mmap
import shutil
import struct
import subprocess
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

SOURCE = Path(__file__).parent / "fate.c"
STATE = struct.Struct("<qiiiii")
DISK, DOOM = 8, 16  # where in it
ROLES = ("scheduler", "shim", "trainer", "cli")


class Fate:
    """The mapped state, and the compiled library beside it."""

    def __init__(self, folder: Path, home: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._path = folder / "fate"
        self._path.write_bytes(bytes(STATE.size))
        with self._path.open("r+b") as file:
            self._state = mmap.mmap(file.fileno(), STATE.size)
        self._home = home
        self._library = library_in(folder.parent)
        self.clock_offset_s = 0.0
        self.reboot()

    @property
    def env(self) -> dict[str, str]:
        """What a process needs in its environment to live under this fate."""
        return {"LD_PRELOAD": str(self._library), "FATE": str(self._path), "FATE_HOME": str(self._home)}

    def move_clock(self, by_s: float) -> None:
        """The wall clock jumps."""
        self.clock_offset_s += by_s
        struct.pack_into("<q", self._state, 0, int(self.clock_offset_s * 1e9))

    @contextmanager
    def disk(self, disk_errno: int, *, writes_left: int = 0) -> Iterator[None]:
        """Within the block every change of a file of the home is refused; a full disk lets some writes through."""
        struct.pack_into("<ii", self._state, DISK, disk_errno, writes_left)
        try:
            yield
        finally:
            struct.pack_into("<ii", self._state, DISK, 0, 0)

    def doom(self, role: str, changes: int) -> None:
        """The next process in this role stops (SIGSTOP) before so many changes of files of the home."""
        struct.pack_into("<iii", self._state, DOOM, ROLES.index(role) + 1, changes, 0)

    @property
    def doomed_pid(self) -> int:
        """Who has stopped; 0 while nobody has."""
        return int(struct.unpack_from("<iii", self._state, DOOM)[2])

    def spare(self) -> None:
        """Nobody is doomed any more; who has stopped already stays known."""
        struct.pack_into("<ii", self._state, DOOM, 0, 0)

    def reboot(self) -> str:
        """A new boot id; to kill everything that ran is the caller's part."""
        boot = str(uuid.uuid4())
        self._path.with_name("fate.boot").write_text(boot + "\n")
        return boot


def has_compiler() -> bool:
    """Without one there is no laboratory."""
    return shutil.which("cc") is not None


@cache
def library_in(folder: Path) -> Path:
    """The compiled library, made once for each folder."""
    library = folder / "libfate.so"
    subprocess.run(
        ["cc", "-shared", "-fPIC", "-O1", "-Wall", "-Wextra", "-Werror", "-o", str(library), str(SOURCE), "-ldl"],
        check=True,
    )
    return library
