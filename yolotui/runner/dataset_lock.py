"""One training at a time prepares a data set: Ultralytics' label cache is checked, deleted and written unguarded."""

from __future__ import annotations

import fcntl
import hashlib
import os
import time

PATIENCE_S = 600.0
LOOK_EVERY_S = 0.1


class DatasetLock:
    """A lock on one data set, shared by all runs with the same `locks_dir`; the kernel frees it when we die."""

    def __init__(self, locks_dir: str, data: str) -> None:
        name = hashlib.sha256(os.path.realpath(data).encode()).hexdigest()[:24]
        self._path = os.path.join(locks_dir, name + ".lock")
        self._file: int | None = None

    def acquire(self, patience_s: float = PATIENCE_S) -> bool:
        """Wait for the lock, but not for ever: False means go on without it, as Ultralytics always does."""
        deadline = time.monotonic() + patience_s
        os.makedirs(os.path.dirname(self._path), exist_ok=True)
        self._file = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
        while True:
            try:
                fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() > deadline:
                    self.release()
                    return False
                time.sleep(LOOK_EVERY_S)
            else:
                return True

    def release(self) -> None:
        """Let the next one in. Harmless when nothing is held."""
        if self._file is not None:
            # Closing alone would not do: data workers that were forked meanwhile hold the same lock until they die.
            fcntl.flock(self._file, fcntl.LOCK_UN)
            os.close(self._file)
            self._file = None
