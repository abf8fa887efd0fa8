"""Has trainings checked while they wait, by a process for each data set, and holds those that would be spoilt."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable, Iterable, Sequence

from yolotui.core.handing_on import HANDED_ON
from yolotui.core.jobs import Job, JobSpec, Kind, Waiting
from yolotui.core.preflight import Checking, Preflight
from yolotui.core.timetable import Entry
from yolotui.locations import Home
from yolotui.preflight.requests import Answer, Request, digest_of, not_checked
from yolotui.scheduler.checks import Check
from yolotui.scheduler.picture import Picture
from yolotui.scheduler.preparing import with_what_was_made
from yolotui.store import Store
from yolotui.store.preflights import Found

MOST_AT_ONCE = 2  # data sets: a small one does not wait for a large one
MOST_TRAININGS = 256  # that one process checks: after the first of them each takes milliseconds
STANDSTILL_S = 60.0  # a GPU is not kept for a check that does not get further
START_PATIENCE_S = 900.0  # nor for one that takes longer, however well it goes
CHECK_PATIENCE_S = 3600.0
FRESH_S = 300.0  # a check so old is made again before the start
SOON_S = 120.0  # so long before its start a training is looked at again, so that no GPU waits for that

log = logging.getLogger("yolotui.scheduler")


class Preflights:
    """A training is checked once for what it asks for, and again before its start if that was long ago.

    One that was held and released is looked at again, and let go if what was found then is all that is wrong.
    """

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
        self._stale_at = {
            job_id: _stale_at(preflight, is_held=bool(preflight.errors)) for job_id, (_, preflight) in known.items()
        }
        self._checked: dict[int, JobSpec] = {}
        self._wanted_since: dict[int, float] = {}
        self._running: list[Check] = []
        self._looked_at: int | None = None

    def look_after(self) -> bool:
        """Write down what has been found, and order what is to be checked next; True if anything was written."""
        if self._mode == "off":
            return False
        answers = [answer for check in self._running for answer in check.answers()]
        for check in list(self._running):
            if check.is_over or self._clock() - check.began_at > CHECK_PATIENCE_S:
                answers += self._give_up_on(check)
        if answers:
            self._keep(answers)
        if len(self._running) < MOST_AT_ONCE and self._looked_at != self._picture.version:
            self._looked_at = self._picture.version
            self._order()
        return bool(answers)

    def checking(self) -> dict[int, Checking]:
        """How far the checks are that go on, and those that a GPU waits for, by job."""
        about_to_be = {job_id: Checking() for job_id in self._wanted_since}
        return about_to_be | {job_id: check.reached for check in self._running for job_id in check.unanswered}

    def look_ahead(self, entries: Iterable[Entry]) -> None:
        """Have those looked at again that start soon, and whose check will be old by then."""
        soon = time.time() + SOON_S
        for entry in entries:
            if entry.start_at is not None and entry.start_at <= soon and self._stale_at.get(entry.job_id, soon) < soon:
                self._look_again(entry.job_id)

    def passed(self, entries: Iterable[Entry]) -> list[Entry]:
        """The starts that need not wait for a check: looked at, nothing to look at, or waited for long enough."""
        return [entry for entry in entries if not self._is_awaited(self._picture.jobs[entry.job_id])]

    def close(self) -> None:
        """End the checks that go on; the next leader orders them anew."""
        for check in self._running:
            check.end()
        self._running.clear()

    def _is_awaited(self, job: Job) -> bool:
        if self._mode == "off" or not _is_to_check(job):
            return False
        if time.time() >= self._stale_at.get(job.id, math.inf) and job.id not in self._wanted_since:
            self._look_again(job.id)
        if self._is_checked(job):
            return False
        since = self._wanted_since.setdefault(job.id, self._clock())
        self._looked_at = None
        self._wake()
        moved_at = max([since, *(check.moved_at for check in self._running if job.id in check.unanswered)])
        if is_worth_waiting(self._clock(), since, moved_at):
            return True
        log.warning("job %d: starts although the check of its data goes on", job.id)
        return False

    def _is_checked(self, job: Job) -> bool:
        if self._checked.get(job.id) is job.spec:
            return True
        asked = self._asked.get(job.id)
        if asked is None or asked != digest_of(job.spec):
            return False
        self._checked[job.id] = job.spec
        return True

    def _look_again(self, job_id: int) -> None:
        """What it rests on may have changed while it waited. It is quick: what was seen of files is remembered."""
        self._asked.pop(job_id, None)
        self._checked.pop(job_id, None)
        self._stale_at.pop(job_id, None)
        self._looked_at = None

    def _order(self) -> None:
        """Start checks of the data sets whose trainings come first: those that could run by now, then by priority."""
        self._forget_the_gone()
        under_way = {check.data for check in self._running}
        by_data: dict[str | None, list[Job]] = {}
        for job in self._due():
            if job.spec.data not in under_way:
                by_data.setdefault(job.spec.data, []).append(job)
        for jobs in list(by_data.values())[: MOST_AT_ONCE - len(self._running)]:
            self._start(jobs[:MOST_TRAININGS])

    def _forget_the_gone(self) -> None:
        for known in (self._checked, self._wanted_since, self._asked, self._stale_at):
            for job_id in known.keys() - self._picture.jobs.keys():
                del known[job_id]

    def _due(self) -> list[Job]:
        """The trainings that nobody checks yet, the most urgent first."""
        asked = {job_id for check in self._running for job_id in check.unanswered}
        due = [
            job
            for job in self._picture.jobs.values()
            if _is_to_check(job) and job.id not in asked and not self._is_checked(job) and self._is_ready(job)
        ]
        return sorted(due, key=lambda job: (job.id not in self._wanted_since, job.priority, job.id))

    def _is_ready(self, job: Job) -> bool:
        return job.id in self._wanted_since or self._is_whole(job)

    def _start(self, jobs: list[Job]) -> None:
        requests = [Request(job.id, digest_of(job.spec), self._filled_in(job), job.project) for job in jobs]
        try:
            check = Check(self._home, jobs[0].spec.data, requests, self._wake, self._clock)
        except OSError as trouble:
            log.warning("no training can be checked: %s", trouble)
            self._keep([_unknown(request, str(trouble)) for request in requests])
        else:
            self._running.append(check)

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

    def _keep(self, answers: Sequence[Answer]) -> None:
        found = [Found(each.job_id, each.asked, each.preflight, self._is_to_hold(each)) for each in answers]
        held = self._store.ledger.record_preflights(found)
        for each in answers:
            self._asked[each.job_id] = each.asked
            self._stale_at[each.job_id] = _stale_at(each.preflight, is_held=each.job_id in held)
            self._wanted_since.pop(each.job_id, None)
        self._picture.note_change()

    def _is_to_hold(self, answer: Answer) -> bool:
        """Whether errors hold the job: not if it asks for something else by now."""
        job = self._picture.jobs.get(answer.job_id)
        return self._mode == "hold" and job is not None and digest_of(job.spec) == answer.asked

    def _give_up_on(self, check: Check) -> list[Answer]:
        """Nothing is known of whatever is still unanswered."""
        check.end()
        self._running.remove(check)
        self._looked_at = None  # others on the same data may have come meanwhile
        for job_id in check.unanswered:
            log.warning("job %d: the check before its start ended without a result", job_id)
        return [_unknown(request, "it ended without a result") for request in check.unanswered.values()]


def _unknown(request: Request, why: str) -> Answer:
    return Answer(request.job_id, request.asked, not_checked(why))


def _stale_at(preflight: Preflight, *, is_held: bool) -> float:
    """From when on it is looked at again before the start (UTC seconds): at once where it may have been mended."""
    if is_held:
        return preflight.at
    return math.inf if preflight.errors else preflight.at + FRESH_S


def is_worth_waiting(now: float, wanted_since: float, moved_at: float) -> bool:
    """Whether a GPU is kept for a check that is wanted since, and that last got further at `moved_at`. Pure."""
    return now - wanted_since < START_PATIENCE_S and now - moved_at < STANDSTILL_S


def _is_to_check(job: Job) -> bool:
    return job.spec.kind is Kind.TRAIN and isinstance(job.status, Waiting) and not job.attempts
