"""A process that checks the trainings of one data set, one after another, and a thread that hears what it tells."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable, Iterable, Sequence
from queue import Empty, SimpleQueue

import msgspec

from yolotui.core.preflight import Checking
from yolotui.locations import Home
from yolotui.preflight.requests import Answer, Reached, Request, Told

_decode = msgspec.json.Decoder(Told).decode


class Check:
    """`began_at` and `moved_at`, when it last got further, are times of `clock`; `unanswered` requests are by job."""

    def __init__(
        self,
        home: Home,
        data: str | None,
        requests: Sequence[Request],
        wake: Callable[[], None],
        clock: Callable[[], float],
    ) -> None:
        """`wake` is called from another thread when there is an answer, or none to come any more.

        Raises OSError where no process can be started.
        """
        self.data = data
        self._clock = clock
        self.began_at = self.moved_at = clock()
        self.is_over = False
        self.reached = Checking()
        self.unanswered = {request.job_id: request for request in requests}
        self._answers: SimpleQueue[Answer | None] = SimpleQueue()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "yolotui.preflight", str(home.checks)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        content = b"".join(msgspec.json.encode(request) + b"\n" for request in requests)
        self._thread = threading.Thread(target=self._talk, args=(content, wake), daemon=True)
        self._thread.start()

    def answers(self) -> Iterable[Answer]:
        """What has been answered since the last call."""
        while True:
            try:
                answer = self._answers.get_nowait()
            except Empty:
                return
            if answer is None:
                self.is_over = True
                return
            self.unanswered.pop(answer.job_id, None)
            yield answer

    def end(self) -> None:
        """End it, if it has not ended."""
        self._process.kill()
        self._process.wait()
        self._thread.join()

    def _talk(self, content: bytes, wake: Callable[[], None]) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        try:
            with self._process.stdin as questions:
                questions.write(content)
        except OSError:
            pass  # it has ended: what it has not answered shows that
        with self._process.stdout as lines:
            for line in lines:
                self._hear(line, wake)
        self._answers.put(None)
        wake()

    def _hear(self, line: bytes, wake: Callable[[], None]) -> None:
        try:
            told = _decode(line)
        except msgspec.MsgspecError:  # cut by its end
            return
        if isinstance(told, Reached):
            self.reached = told.checking  # nobody is woken: it is read when the leader publishes
            self.moved_at = self._clock()
        else:
            self._answers.put(told)
            wake()
