"""Why did an attempt end, and may it be tried again?"""

from __future__ import annotations

import re
import signal as signals

from msgspec import Struct

from yolotui.core.failure_signatures import SIGNATURES, Cause
from yolotui.core.jobs import Kind

LONGEST_BACKOFF_S = 1800.0
COMPLETED = frozenset({"finished", "stopped_early", "finish_requested"})
EXIT_REFUSED = 2
EXIT_CANNOT_EXECUTE = 126
EXIT_NOT_FOUND = 127

__all__ = ["COMPLETED", "Cause", "Ending", "Failure", "backoff_s", "classify", "succeeded"]


class Ending(Struct, frozen=True, kw_only=True):
    """How an attempt ended, as far as it is known.

    `error_type` and `error_message` are those of the trainer's end event; `log_tail` is the end of its console.
    `stopped_by_us`: a person or the scheduler had it stopped.
    """

    kind: Kind
    exit_code: int | None = None
    signal: int | None = None
    spawn_error: str | None = None
    error_type: str | None = None
    error_message: str | None = None
    log_tail: str = ""
    stopped_by_us: bool = False


class Failure(Struct, frozen=True):
    """The verdict: a cause, a sentence for people, and whether trying again would be in vain."""

    cause: Cause
    sentence: str
    permanent: bool


_PATTERNS = tuple((s, re.compile("|".join(f"(?:{p})" for p in s.patterns), re.MULTILINE)) for s in SIGNATURES)
_COMMAND_NOT_FOUND = "The command can't be started"


def classify(ending: Ending) -> Failure:
    """Why the attempt ended without success."""
    if ending.spawn_error:
        return Failure(Cause.COMMAND_NOT_FOUND, f"{_COMMAND_NOT_FOUND}: {_short(ending.spawn_error)}.", True)
    if ending.stopped_by_us:
        return Failure(Cause.STOPPED, "It was stopped on request.", False)
    return (
        _by_error_event(ending)
        or _by_exit_code_of_a_shell(ending)
        or _by_log(ending)
        or _by_signal(ending)
        or _by_exit_code(ending)
    )


def succeeded(kind: Kind, exit_code: int | None, signal: int | None, said: object) -> bool:
    """Whether an attempt did what it was asked for. `said` is the outcome in the trainer's last word."""
    if kind is Kind.COMMAND:
        return exit_code == 0
    # A trainer's own word counts where nobody saw its exit; an exit of 0 without a word is no success.
    return said in COMPLETED and exit_code in {0, None} and signal is None


def backoff_s(failures: int, base_s: float) -> float:
    """Seconds to wait before the next try: `base_s`, doubled with every further failure, half an hour at most."""
    return min(base_s * 2.0 ** min(max(failures - 1, 0), 32), LONGEST_BACKOFF_S)


def _by_error_event(ending: Ending) -> Failure | None:
    if not ending.error_type and not ending.error_message:
        return None
    said = f"{ending.error_type or 'Error'}: {ending.error_message or ''}".rstrip(": ")
    found = _by_text(said)
    if found:
        return found
    if ending.exit_code == EXIT_REFUSED and ending.kind is not Kind.COMMAND:
        return Failure(Cause.REFUSED, f"It can't be run as it is asked for: {_short(said)}.", True)
    return Failure(Cause.EXIT_CODE, f"It failed: {_short(said)}.", False)


def _by_log(ending: Ending) -> Failure | None:
    """What the console says. Only a traceback can condemn for good: warnings name missing modules and files as well."""
    tail = ending.log_tail[-16_000:]
    traceback = tail.rfind("Traceback (most recent call last)")
    # What stands before the last traceback was survived.
    condemned = traceback >= 0 and ending.signal is None
    return _by_text(tail[max(traceback, 0) :], permanent_too=condemned)


def _by_text(text: str, *, permanent_too: bool = True) -> Failure | None:
    for signature, pattern in _PATTERNS:
        if (permanent_too or not signature.permanent) and (match := pattern.search(text)):
            line = _line_around(text, match.start())
            return Failure(signature.cause, f"{signature.sentence} “{_short(line)}”", signature.permanent)
    return None


def _by_exit_code_of_a_shell(ending: Ending) -> Failure | None:
    if ending.kind is Kind.COMMAND and ending.exit_code in {EXIT_CANNOT_EXECUTE, EXIT_NOT_FOUND}:
        why = "it was not found" if ending.exit_code == EXIT_NOT_FOUND else "it may not be executed"
        return Failure(Cause.COMMAND_NOT_FOUND, f"{_COMMAND_NOT_FOUND}: {why} (exit code {ending.exit_code}).", True)
    return None


def _by_signal(ending: Ending) -> Failure | None:
    number = ending.signal
    if number is None and ending.exit_code is not None and 128 < ending.exit_code < 128 + 65:
        number = ending.exit_code - 128  # as a shell and torchrun report a child that a signal ended
    if number is None:
        return None
    if number == signals.SIGKILL:
        said = "Killed with SIGKILL, not by yolotui: the kernel when memory ran out, or a person."
        return Failure(Cause.HOST_OUT_OF_MEMORY, said, False)
    if number == signals.SIGBUS:
        return Failure(Cause.SHARED_MEMORY, "Killed with SIGBUS: most often shared memory (/dev/shm) ran out.", False)
    return Failure(Cause.KILLED, f"Killed with {_signal_name(number)}, not by yolotui.", False)


def _by_exit_code(ending: Ending) -> Failure:
    if ending.exit_code is None:
        return Failure(Cause.LOST, "It ended unseen: nobody knows its exit code.", False)
    if ending.exit_code == EXIT_REFUSED and ending.kind is not Kind.COMMAND:
        return Failure(Cause.REFUSED, "The trainer can't run it as it is asked for: see the log.", True)
    last = next((line for line in reversed(ending.log_tail.splitlines()) if line.strip()), "")
    quoted = f" Its last words: “{_short(last)}”" if last else ""
    return Failure(Cause.EXIT_CODE, f"It ended with exit code {ending.exit_code}.{quoted}", False)


def _line_around(text: str, position: int) -> str:
    end = text.find("\n", position)
    return text[text.rfind("\n", 0, position) + 1 : end if end >= 0 else len(text)]


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= 200 else line[:199] + "…"


def _signal_name(number: int) -> str:
    try:
        return signals.Signals(number).name
    except ValueError:
        return f"signal {number}"
