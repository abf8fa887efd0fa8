"""Keeps attempts within their limits: ends those that stalled or ran too long, cuts logs that grow without end."""

from __future__ import annotations

import logging
import os
from contextlib import suppress
from pathlib import Path

from yolotui.core.jobs import Attempt, Job, Kind, Pausing, Running
from yolotui.core.limits import Intervention, Limits, out_of_time, stalled
from yolotui.locations import attempt_directory, earlier_log
from yolotui.scheduler import interventions
from yolotui.scheduler.endings import Endings
from yolotui.scheduler.pulse import Pulses

LAST_WORDS_BYTES = 65_536

log = logging.getLogger("yolotui.scheduler")


class Warden:
    """Looks at every attempt that runs, about once a second."""

    def __init__(self, endings: Endings, pulses: Pulses, limits: Limits) -> None:
        self._endings = endings
        self._pulses = pulses
        self._limits = limits

    def look(self, job: Job, attempt: Attempt, now: float) -> None:
        """See to one attempt. `now` is in UTC seconds. Raises OSError when its directory can't be written."""
        if not isinstance(job.status, Running | Pausing):
            return
        attempt_dir = attempt_directory(job.run_dir, attempt.number)
        self._cut_log(attempt_dir / "console.log")
        intervention = interventions.read(attempt_dir)
        if intervention is None and (intervention := self._reason(job, attempt, now)):
            interventions.write(attempt_dir, intervention)
            log.warning("job %d: attempt %d is ended. %s", job.id, attempt.number, intervention.sentence)
        if intervention:
            self._endings.end(job, attempt)

    def forget(self, attempt: Attempt) -> None:
        """Let go of an attempt that has ended."""
        self._pulses.forget(attempt.uuid)

    def _reason(self, job: Job, attempt: Attempt, now: float) -> Intervention | None:
        if over := out_of_time(job, now):
            return over
        if job.spec.kind is not Kind.TRAIN:  # nobody else tells how it is getting on
            return None
        return stalled(self._pulses.take(job, attempt), self._limits)

    def _cut_log(self, file: Path) -> None:
        with suppress(OSError):  # a log that can't be cut keeps no attempt from its other limits
            if file.stat().st_size > self._limits.log_bytes:
                cut(file, self._limits.log_bytes)


def cut(file: Path, most_bytes: int) -> None:
    """Begin a log anew that somebody goes on writing, with the last `most_bytes` of what it had beside it as `….1`.

    The writer appends, so it goes on at the new end. What it writes between the copy and the cut is lost. The copy has
    a bound, for there are writers that are as fast: to reach their end, the leader would do nothing else. Where there
    is no room for it, the log itself may have taken that: then only the last `LAST_WORDS_BYTES` are kept.
    """
    earlier = earlier_log(file)
    temporary = file.with_name(f"{file.name}.1.tmp")
    temporary.touch(mode=0o600)
    with temporary.open("wb") as copy, file.open("rb") as source:
        end = os.fstat(source.fileno()).st_size
        at = max(0, end - most_bytes)
        last_words = os.pread(source.fileno(), LAST_WORDS_BYTES, max(at, end - LAST_WORDS_BYTES))
        try:
            while at < end and (sent := os.sendfile(copy.fileno(), source.fileno(), at, end - at)):
                at += sent
        except OSError:
            os.truncate(file, 0)
            os.truncate(copy.fileno(), 0)
            os.pwrite(copy.fileno(), last_words, 0)
    os.truncate(file, 0)
    temporary.replace(earlier)
