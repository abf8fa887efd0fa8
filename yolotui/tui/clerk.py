"""The thread that carries out verbs, one after another, on a queue of its own."""

from __future__ import annotations

import queue as threads
import threading
from collections.abc import Callable
from typing import TypeAlias

from yolotui.errors import YolotuiError
from yolotui.queue import Queue

Deed: TypeAlias = Callable[[Queue], str]
"""Something to do; returns the sentence that says what was done."""


class Clerk(threading.Thread):
    """Does one deed at a time, in the order in which they were asked for, and tells how each went."""

    def __init__(self, open_queue: Callable[[], Queue], tell: Callable[[str, bool], object]) -> None:
        """`tell(sentence, refused)` is called after each deed, from this thread."""
        super().__init__(name="clerk", daemon=True)
        self._open_queue = open_queue
        self._tell = tell
        self._deeds: threads.SimpleQueue[Deed | None] = threads.SimpleQueue()

    def ask(self, deed: Deed) -> None:
        """Have something done soon."""
        self._deeds.put(deed)

    def stop(self) -> None:
        """Leave when what was asked for has been done; does not wait."""
        self._deeds.put(None)

    def run(self) -> None:
        """Work until stopped."""
        while (deed := self._deeds.get()) is not None:
            try:
                with self._open_queue() as queue:
                    sentence = deed(queue)
            except YolotuiError as error:
                self._tell(str(error), True)
            else:
                if sentence:
                    self._tell(sentence, False)
