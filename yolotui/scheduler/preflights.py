"""Has trainings checked while they wait, by a process of its own, and holds those that would be spoilt."""

from __future__ import annotations

import logging
import math
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable
from queue import Empty, SimpleQueue

import msgspec

from yolotui.core.jobs import Job, JobSpec, Kind, Waiting
from yolotui.core.preflight import Preflight
from yolotui.core.timetable import Entry
from yolotui.locations import Home
from yolotui.preflight.requests import Answer, Request, digest_of, not_checked
from yolotui.scheduler.picture import Picture
from yolotui.scheduler.preparing import HANDED_ON, with_what_was_made
from yolotui.store import Store

BATCH = 32  # trainings that one process checks: what is more urgent by then waits no longer than these
START_PATIENCE_S = 60.0  # how long a GPU is kept for a training whose check goes on
CHECK_PATIENCE_S = 3600.0
FRESH_S = 300.0  # a check so old is made again before the start

log = logging.getLogger("yolotui.scheduler")


class Preflights:
    """One check at a time. A training is checked once for what it asks for; released, it is not checked again."""

    def __init__(
        self,
        home: Home,
        store: Store,
        picture: Picture,
        wake: Callable[[], None],
        *,
        mode: str,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`wake` is called from another thread when there is something to look after. `mode`: hold, warn or off."""
        self._home = home
        self._store = store
        self._picture = picture
        self._wake = wake
        self._mode = mode
        self._clock = clock
        known = store.read.checked() if mode != "off" else {}
        self._asked = {job_id: asked for job_id, (asked, _) in known.items()}
        self._stale_at = {job_id: _stale_at(preflight) for job_id, (_, preflight) in known.items()}
        self._checked: dict[int, JobSpec] = {}
        self._wanted_since: dict[int, float] = {}
        self._running: _Check | None = None
        self._looked_at: int | None = None

    def look_after(self) -> bool:
        """Write down what has been found, and order what is to be checked next; True if anything was written."""
        if self._mode == "off":
            return False
        has_news = False
        if self._running:
            for answer in self._running.answers():
                self._keep(answer.job_id, answer.asked, answer.preflight)
                has_news = True
            if self._running.is_over or self._clock() - self._running.began_at > CHECK_PATIENCE_S:
                has_news |= self._give_up_on(self._running)
        if self._running is None and (has_news or self._looked_at != self._picture.version):
            self._looked_at = self._picture.version
            self._order()
        return has_news

    def passed(self, entries: Iterable[Entry]) -> list[Entry]:
        """The starts that need not wait for a check: looked at, nothing to look at, or waited for long enough."""
        return [entry for entry in entries if not self._is_awaited(self._picture.jobs[entry.job_id])]

    def close(self) -> None:
        """End a check that goes on; the next leader orders it anew."""
        if self._running:
            self._running.end()
            self._running = None

    def _is_awaited(self, job: Job) -> bool:
        if self._mode == "off" or not _is_to_check(job):
            return False
        if time.time() >= self._stale_at.get(job.id, math.inf) and job.id not in self._wanted_since:
            # What it rests on may have changed while it waited: a second look is quick, for what it saw is remembered.
            self._asked.pop(job.id, None)
            self._checked.pop(job.id, None)
        if self._is_checked(job):
            return False
        since = self._wanted_since.setdefault(job.id, self._clock())
        self._looked_at = None
        self._wake()
        return self._clock() - since < START_PATIENCE_S

    def _is_checked(self, job: Job) -> bool:
        if self._checked.get(job.id) is job.spec:
            return True
        if self._asked.get(job.id) != digest_of(job.spec):
            return False
        self._checked[job.id] = job.spec
        return True

    def _order(self) -> None:
        """Start a check of the trainings that come first: those that could run by now, then by priority."""
        jobs = self._picture.jobs
        for known in (self._checked, self._wanted_since, self._asked, self._stale_at):
            for job_id in known.keys() - jobs.keys():
                del known[job_id]
        due = [
            job
            for job in jobs.values()
            if _is_to_check(job) and not self._is_checked(job) and (job.id in self._wanted_since or self._is_whole(job))
        ]
        if not due:
            return
        due.sort(key=lambda job: (job.id not in self._wanted_since, job.priority, job.id))
        requests = [Request(job.id, digest_of(job.spec), self._filled_in(job), job.project) for job in due[:BATCH]]
        try:
            self._running = _Check(self._home, requests, self._wake, self._clock())
        except OSError as trouble:
            log.warning("no training can be checked: %s", trouble)
            for request in requests:
                self._keep(request.job_id, request.asked, not_checked(str(trouble)))

    def _is_whole(self, job: Job) -> bool:
        """Whether what it names is there already, and not still to be made by jobs that it comes after."""
        known = self._picture.known
        unfinished = [known[need] for need in job.after if need in known and not known[need].ended]
        hands_on = any(map(HANDED_ON.search, (job.spec.model or "", job.spec.data or "")))
        # A command may be about to make the data set.
        return not unfinished or not (hands_on or any(need.spec.kind is Kind.COMMAND for need in unfinished))

    def _filled_in(self, job: Job) -> JobSpec:
        known = self._picture.known
        needs = [known[need] for need in job.after if need in known]
        return with_what_was_made(job.spec, {name: need for need in needs for name in (str(need.id), need.name)})

    def _keep(self, job_id: int, asked: str, preflight: Preflight) -> None:
        self._asked[job_id] = asked
        self._stale_at[job_id] = _stale_at(preflight)
        self._wanted_since.pop(job_id, None)
        job = self._picture.jobs.get(job_id)
        is_meant = job is not None and digest_of(job.spec) == asked
        self._store.ledger.record_preflight(job_id, asked, preflight, holds=self._mode == "hold" and is_meant)
        self._picture.note_change()

    def _give_up_on(self, check: _Check) -> bool:
        """Whatever is still unanswered is not known; returns whether there was any."""
        check.end()
        self._running = None
        for request in check.unanswered():
            log.warning("job %d: the check before its start ended without a result", request.job_id)
            self._keep(request.job_id, request.asked, not_checked("it ended without a result"))
        return bool(check.unanswered())


class _Check:
    """A process that checks some trainings, one after another, and a thread that hears its answers."""

    def __init__(self, home: Home, requests: list[Request], wake: Callable[[], None], now: float) -> None:
        """Raises OSError where no process can be started."""
        self.began_at = now
        self.is_over = False
        self._open = {request.job_id: request for request in requests}
        self._answers: SimpleQueue[bytes | None] = SimpleQueue()
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
                line = self._answers.get_nowait()
            except Empty:
                return
            if line is None:
                self.is_over = True
                return
            try:
                answer = msgspec.json.decode(line, type=Answer)
            except msgspec.MsgspecError:  # cut by its end
                continue
            self._open.pop(answer.job_id, None)
            yield answer

    def unanswered(self) -> list[Request]:
        """What was asked and not answered."""
        return list(self._open.values())

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
                self._answers.put(line)
                wake()
        self._answers.put(None)
        wake()


def _stale_at(preflight: Preflight) -> float:
    """From when on it is looked at again before the start (UTC seconds); who was released with errors is let go."""
    return math.inf if preflight.errors else preflight.at + FRESH_S


def _is_to_check(job: Job) -> bool:
    return job.spec.kind is Kind.TRAIN and isinstance(job.status, Waiting) and not job.attempts
