"""An open queue: what every part of `yolotui.Queue` stands on."""

from __future__ import annotations

import os
import time
import warnings
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

from yolotui.config import Config
from yolotui.errors import NotPossible, WrongUse
from yolotui.gpu_selector import SELECTOR, read_selector
from yolotui.leadership import ensure_leader, is_led, runs_inside_a_job
from yolotui.locations import Home
from yolotui.notify.starting import ensure_sender
from yolotui.store import Actor, Store

Result = TypeVar("Result")


class Opened:
    """The store of a home, its configuration, and the one way in which a verb is done."""

    def __init__(
        self,
        home: str | Path | None = None,
        *,
        readonly: bool = False,
        start_scheduler: bool = True,
        warn: Callable[[str], None] = warnings.warn,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Open the queue in `home` (default: `$YOLOTUI_HOME` or the user data directory), making it if need be.

        `clock` answers in UTC seconds. `warn` is told in a sentence where a verb was done but no scheduler could be
        started for it.
        """
        self.home = Home(Path(home).absolute()) if home else Home.current()
        self.config = Config.load(self.home)
        runs = self.config.paths.runs
        self._store = Store(
            self.home,
            runs_root=str(Path(runs).expanduser()) if runs else None,
            clock=clock,
            smallest_booking_s=self.config.bookings.smallest_s,
        )
        self.readonly = readonly
        self._start_scheduler = start_scheduler
        self._warn = warn
        self._clock = clock
        if start_scheduler and not readonly:
            with suppress(OSError):  # looking goes on where nothing can be started
                ensure_sender(self.home, self._store)

    def close(self) -> None:
        """Close the queue; nothing that runs is touched."""
        self._store.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def _gpu(self, name: str | int) -> str:
        """The UUID of the GPU that a person means. Raises WrongUse."""
        gpus = self._store.read.cards()
        if named := [gpu.uuid for gpu in gpus if str(name) in {str(gpu.index), gpu.uuid}]:
            return named[0]
        begun = [gpu.uuid for gpu in gpus if len(str(name)) > 3 and gpu.uuid.lower().startswith(str(name).lower())]
        if len(begun) == 1:
            return begun[0]
        known = ", ".join(f"{gpu.index} ({gpu.uuid})" for gpu in gpus) or "none: no scheduler has looked yet"
        raise WrongUse(f"{name!r} names {'several GPUs' if begun else 'no GPU'} of this machine; it has {known}.")

    def _do(self, reason: str, verb: Callable[[Actor], Result]) -> Result:
        if self.readonly:
            raise NotPossible("This is a read-only view: nothing can be changed from here.")
        result = verb(Actor.current(reason))
        if self._start_scheduler and not is_led(self.home) and not runs_inside_a_job():
            self._start_a_scheduler()
        return result

    def _start_a_scheduler(self) -> None:
        """Start one, unless it is plain that it would refuse the GPUs that it is told to use."""
        try:
            read_selector(os.environ.get(SELECTOR))
        except WrongUse as error:
            self._warn(f"{error} No scheduler was started, and nothing will run before one is.")
            return
        try:
            ensure_leader(self.home)
        except OSError as error:  # what was asked for is committed all the same
            why = error.strerror or error
            self._warn(f"It is done, but no scheduler could be started: {why}. `yolotui scheduler start` starts one.")
