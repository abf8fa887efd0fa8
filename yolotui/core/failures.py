"""Why did an attempt end, and may it be tried again?"""

from __future__ import annotations

import re
import signal as signals

from msgspec import Struct

from yolotui.core.failure_signatures import SIGNATURES, XIDS, Cause, Retry
from yolotui.core.jobs import Kind

LONGEST_BACKOFF_S = 1800.0
COMPLETED = frozenset({"finished", "stopped_early", "finish_requested"})
EXIT_REFUSED = 2
EXIT_CANNOT_EXECUTE = 126
EXIT_NOT_FOUND = 127

__all__ = [
    "COMPLETED",
    "Cause",
    "Ending",
    "Failure",
    "Retry",
    "backoff_s",
    "classify",
    "quoted",
    "retry_of",
    "succeeded",
    "without_quoted",
]


class Ending(Struct, frozen=True, kw_only=True):
    """How an attempt ended, as far as it is known.

    `error_type` and `error_message` are those of the trainer's end event; `log_tail` is the end of its console.
    `stopped_by_us`: a person or the scheduler had it stopped. `oom_kills` is how often the kernel killed for memory
    around it while it ran, None where the kernel's counters can't be read; `kernel_log` is what the kernel said of it.
    """

    kind: Kind
    exit_code: int | None = None
    signal: int | None = None
    spawn_error: str | None = None
    error_type: str | None = None
    error_message: str | None = None
    log_tail: str = ""
    stopped_by_us: bool = False
    oom_kills: int | None = None
    kernel_log: tuple[str, ...] = ()


class Failure(Struct, frozen=True):
    """The verdict: a cause, a sentence for people, and what is to be done about it."""

    cause: Cause
    sentence: str
    retry: Retry

    @property
    def permanent(self) -> bool:
        """Whether trying again would be in vain."""
        return self.retry is Retry.NEVER


_PATTERNS = tuple((s, re.compile("|".join(f"(?:{p})" for p in s.patterns), re.MULTILINE)) for s in SIGNATURES)
_TRACEBACK = "Traceback (most recent call last)"
_IS_THE_CAUSE = "The above exception was the direct cause of the following exception:"
_COMMAND_NOT_FOUND = "The command can't be started"
# A process below the trainer that SIGKILL ended, as data loaders, torchrun and our own ranks report it.
_CHILD_KILLED = re.compile(
    r"DataLoader worker \(pid.*\) is killed by signal: Killed|Signal 9 \(SIGKILL\) received by PID"
    r"|exitcode +: -9\b|\bended with code -9\b"
)
_OUT_OF_MEMORY = re.compile(r"Out of memory: Kill|Memory cgroup out of memory: Kill|oom-kill:|oom_reaper: reaped")
_XID = re.compile(r"NVRM: Xid \([^)]*\): (\d+)")
_QUOTED = re.compile(r"(?: Its last words)?:? \(?“.*”\)?", re.DOTALL)  # to the last mark: words may hold such marks
_CRASHES = {signals.SIGSEGV, signals.SIGABRT, signals.SIGFPE, signals.SIGILL}


def classify(ending: Ending) -> Failure:
    """Why the attempt ended without success."""
    if ending.spawn_error:
        said = f"{_COMMAND_NOT_FOUND}: {quoted(ending.spawn_error)}."
        return Failure(Cause.COMMAND_NOT_FOUND, said, Retry.NEVER)
    if ending.stopped_by_us:
        return Failure(Cause.STOPPED, "It was stopped on request.", Retry.AGAIN)
    found = (
        _by_killed_child(ending)
        or _by_error_event(ending)
        or _by_exit_code_of_a_shell(ending)
        or _by_log(ending)
        or _by_signal(ending)
        or _by_exit_code(ending)
    )
    return _with_what_the_driver_said(found, ending)


def retry_of(cause: str | None) -> Retry:
    """What is done about a failure of this cause; for causes that no signature knows, and none, trying again."""
    return next((signature.retry for signature in SIGNATURES if signature.cause == cause), Retry.AGAIN)


def succeeded(kind: Kind, exit_code: int | None, signal: int | None, said: object) -> bool:
    """Whether an attempt did what it was asked for. `said` is the outcome in the trainer's last word."""
    if kind is Kind.COMMAND:
        return exit_code == 0
    # A trainer's own word counts where nobody saw its exit; an exit of 0 without a word is no success.
    return said in COMPLETED and exit_code in {0, None} and signal is None


def backoff_s(failures: int, base_s: float) -> float:
    """Seconds to wait before the next try: `base_s`, doubled with every further failure, half an hour at most."""
    return min(base_s * 2.0 ** min(max(failures - 1, 0), 32), LONGEST_BACKOFF_S)


def _by_killed_child(ending: Ending) -> Failure | None:
    """A data worker or a rank was killed with SIGKILL, and the rest ended because of that."""
    said = f"{ending.error_type or ''}: {ending.error_message or ''}"
    match = _CHILD_KILLED.search(said) or _CHILD_KILLED.search(_last_traceback(ending.log_tail))
    return _killed(ending, f"A process of it was killed with SIGKILL ({quoted(match[0])})") if match else None


def _by_error_event(ending: Ending) -> Failure | None:
    if not ending.error_type and not ending.error_message:
        return None
    said = f"{ending.error_type or 'Error'}: {ending.error_message or ''}".rstrip(": ")
    found = _by_text(said)
    if found:
        return found
    if ending.error_type == "KeyboardInterrupt":
        return Failure(Cause.KILLED, "It was interrupted with Ctrl-C (SIGINT), not by yolotui.", Retry.AGAIN)
    if ending.exit_code == EXIT_REFUSED and ending.kind is not Kind.COMMAND:
        return Failure(Cause.REFUSED, f"It can't be run as it is asked for: {quoted(said)}.", Retry.NEVER)
    return Failure(Cause.EXIT_CODE, f"It failed with {_class_of(ending)}: {quoted(said)}.", Retry.AGAIN)


def _class_of(ending: Ending) -> str:
    """The class of the error, where it is a name."""
    name = (ending.error_type or "")[:80]
    return name if name.replace(".", "_").isidentifier() else "an error"


def _by_log(ending: Ending) -> Failure | None:
    """What the console says. Only the traceback of a command that nobody killed can condemn for good.

    Warnings name missing modules and files as well, and a trainer says in its last word what it ended of.
    """
    is_word_of_its_end = ending.kind is Kind.COMMAND and _signal(ending) is None
    condemned = is_word_of_its_end and _TRACEBACK in ending.log_tail
    return _by_text(_last_traceback(ending.log_tail), permanent_too=condemned)


def _last_traceback(log_tail: str) -> str:
    """The end of a log, from its last traceback and its direct causes on: what stands before was survived."""
    tail = log_tail[-16_000:]
    start = tail.rfind(_TRACEBACK)
    while start > 0 and tail[:start].rstrip().endswith(_IS_THE_CAUSE):
        start = tail.rfind(_TRACEBACK, 0, start)
    return tail[max(start, 0) :]


def _by_text(text: str, *, permanent_too: bool = True) -> Failure | None:
    for signature, pattern in _PATTERNS:
        may = permanent_too or signature.retry is not Retry.NEVER
        if may and (match := pattern.search(text)):
            line = _line_around(text, match.start())
            return Failure(signature.cause, f"{signature.sentence} {quoted(line)}", signature.retry)
    return None


def _by_exit_code_of_a_shell(ending: Ending) -> Failure | None:
    if ending.kind is Kind.COMMAND and ending.exit_code in {EXIT_CANNOT_EXECUTE, EXIT_NOT_FOUND}:
        why = "it was not found" if ending.exit_code == EXIT_NOT_FOUND else "it may not be executed"
        said = f"{_COMMAND_NOT_FOUND}: {why} (exit code {ending.exit_code})."
        return Failure(Cause.COMMAND_NOT_FOUND, said, Retry.NEVER)
    return None


def _signal(ending: Ending) -> int | None:
    """The signal that ended it, also as a shell and torchrun report a child that one ended."""
    if ending.signal is None and ending.exit_code is not None and 128 < ending.exit_code < 128 + 65:
        return ending.exit_code - 128
    return ending.signal


def _by_signal(ending: Ending) -> Failure | None:
    number = _signal(ending)
    if number is None:
        return None
    if number == signals.SIGKILL:
        return _killed(ending, "Killed with SIGKILL")
    if number == signals.SIGBUS:
        said = "Killed with SIGBUS: most often shared memory (/dev/shm) ran out."
        return Failure(Cause.SHARED_MEMORY, said, Retry.AGAIN)
    if number in _CRASHES:
        return Failure(Cause.CRASHED, f"It crashed outside of Python ({_signal_name(number)}).", Retry.AGAIN)
    return Failure(Cause.KILLED, f"Killed with {_signal_name(number)}, not by yolotui.", Retry.AGAIN)


def _killed(ending: Ending, what: str) -> Failure:
    """SIGKILL has no sender. The kernel's own counters and log tell whether it was short of memory."""
    line = next((line for line in ending.kernel_log if _OUT_OF_MEMORY.search(line)), "")
    if line:
        said = f"The host ran out of memory, and the kernel ended it. {quoted(line)}"
        return Failure(Cause.HOST_OUT_OF_MEMORY, said, Retry.AGAIN)
    if ending.oom_kills:
        said = f"The host ran out of memory. {what} by the kernel, which counts {ending.oom_kills} such while it ran."
        return Failure(Cause.HOST_OUT_OF_MEMORY, said, Retry.AGAIN)
    if ending.oom_kills == 0:
        said = f"{what}, not by yolotui and not for want of memory: by a person or another program."
        return Failure(Cause.KILLED, said, Retry.AGAIN)
    said = f"{what}, not by yolotui: a person, or the kernel for want of memory; its counters can't be read here."
    return Failure(Cause.KILLED, said, Retry.AGAIN)


def _by_exit_code(ending: Ending) -> Failure:
    if ending.exit_code is None:
        return Failure(Cause.LOST, "It ended unseen: nobody knows its exit code.", Retry.AGAIN)
    if ending.exit_code == EXIT_REFUSED and ending.kind is not Kind.COMMAND:
        return Failure(Cause.REFUSED, "The trainer can't run it as it is asked for: see the log.", Retry.NEVER)
    last = next((line for line in reversed(ending.log_tail.splitlines()) if line.strip()), "")
    words = f" Its last words: {quoted(last)}" if last else ""
    return Failure(Cause.EXIT_CODE, f"It ended with exit code {ending.exit_code}.{words}", Retry.AGAIN)


def _with_what_the_driver_said(found: Failure, ending: Ending) -> Failure:
    """An Xid is the driver's own word. It explains an error of CUDA, and an end that nothing else explains."""
    if found.retry is Retry.NEVER:
        return found
    number = next((int(match[1]) for line in ending.kernel_log if (match := _XID.search(line))), None)
    if number is None:
        return found
    meaning = XIDS.get(number, "see NVIDIA's list of Xid errors")
    said = f"{found.sentence} The driver reports Xid {number}: {meaning}."
    explains = found.cause in {Cause.EXIT_CODE, Cause.CRASHED, Cause.LOST}
    return Failure(Cause.CUDA_ERROR, said, Retry.ELSEWHERE) if explains else Failure(found.cause, said, found.retry)


def _line_around(text: str, position: int) -> str:
    end = text.find("\n", position)
    return text[text.rfind("\n", 0, position) + 1 : end if end >= 0 else len(text)]


def quoted(text: str) -> str:
    """The words of a program in a sentence of ours: on one line, not too many."""
    line = " ".join(text.split())
    return f"“{line if len(line) <= 200 else line[:199] + '…'}”"


def without_quoted(sentence: str) -> str:
    """A sentence about a failure without the words of programs: these may name anything."""
    return _QUOTED.sub("", sentence)


def _signal_name(number: int) -> str:
    try:
        return signals.Signals(number).name
    except ValueError:
        return f"signal {number}"
