"""What can go wrong in a way that a user can cause or mend: each error is a sentence, and knows its exit code.

A message says what is wrong, where, and what to do. None of these is ever shown as a traceback.
"""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    """What the command line answers with."""

    DONE = 0
    JOB_FAILED = 1
    WRONG_USE = 2
    NO_SUCH_JOB = 3
    NOT_POSSIBLE = 4
    QUEUE_UNUSABLE = 5
    INTERRUPTED = 130


class YolotuiError(Exception):
    """The base of every error that is meant for people."""

    exit_code = ExitCode.WRONG_USE


class WrongUse(YolotuiError):
    """An argument, a value or a combination that makes no sense."""


class WrongFile(YolotuiError):
    """A file of jobs or a configuration file with mistakes: one line a mistake."""

    def __init__(self, mistakes: list[str]) -> None:
        super().__init__("\n".join(mistakes))
        self.mistakes = mistakes


class NoSuchJob(YolotuiError):
    """An id, name, range or group that matches nothing."""

    exit_code = ExitCode.NO_SUCH_JOB


class NoSuchBooking(YolotuiError):
    """A number that is no booking's."""

    exit_code = ExitCode.NO_SUCH_JOB


class NotPossible(YolotuiError):
    """A verb that the job's state, or the actor's rights, do not allow."""

    exit_code = ExitCode.NOT_POSSIBLE


class QueueUnusable(YolotuiError):
    """The database can't be opened, is damaged, is too new, or belongs to another machine."""

    exit_code = ExitCode.QUEUE_UNUSABLE


class QueueOutOfReach(QueueUnusable):
    """The database can't be read or written just now: it is busy, or the disk is full. That may pass."""


class QueueDamaged(QueueUnusable):
    """The database is no whole queue: `yolotui doctor --repair` makes it anew."""
