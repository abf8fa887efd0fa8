"""How a job and its attempts read to people: the same words in a listing and in a report. Pure."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence

from yolotui.core.jobs import Argument, Attempt, Job, JobSpec, Outcome
from yolotui.runner.environment import is_secret
from yolotui.units import format_bytes, format_duration

SIGNALS = {1: "SIGHUP", 2: "SIGINT", 6: "SIGABRT", 7: "SIGBUS", 9: "SIGKILL", 11: "SIGSEGV", 15: "SIGTERM"}


def asked_for(job: Job) -> list[tuple[str, str]]:
    """What was asked for, a name and a text each, secrets left out; the text is empty where nothing was said."""
    spec = job.spec
    return [
        ("kind", spec.kind.value),
        ("model", spec.model or ""),
        ("data", spec.data or ""),
        ("command", shlex.join(_harmless_words(spec.command))),
        ("arguments", arguments_text(spec.arguments)),
        ("gpus", gpus_text(spec)),
        ("after", after_text(job)),
        ("when", ", ".join(map(str, spec.when))),
        (
            "retries",
            f"{job.retries_used} of {spec.retries_allowed} used, {format_duration(spec.retry_delay_s)} apart at first",
        ),
        ("python", spec.python or ""),
        ("file", job.file or ""),
    ]


def arguments_text(arguments: Mapping[str, Argument]) -> str:
    """`epochs=100 imgsz=640`, without what looks like a secret."""
    return " ".join(f"{name}={value}" for name, value in without_secrets(arguments).items())


def without_secrets(arguments: Mapping[str, Argument]) -> dict[str, Argument]:
    """Arguments with `…` for each value that looks like a secret."""
    return {name: "…" if is_secret(name, str(value)) else value for name, value in arguments.items()}


def _harmless_words(command: Sequence[str]) -> Iterator[str]:
    """A command without the secrets in it: `--token=…`, `--token …`, an address with a password."""
    option = ""
    for word in command:
        name, equals, value = word.partition("=")
        if equals:
            yield f"{name}={_unless_secret(name, value)}"
        else:
            yield word if word.startswith("-") else _unless_secret(option, word)
        option = word if word.startswith("-") and not equals else ""


def _unless_secret(name: str, value: str) -> str:
    return "…" if is_secret(name.replace("-", "_"), value) else value


def after_text(job: Job) -> str:
    """`3, 4, any of 5, 6, end of 7, failure of 8`: what it hangs on, and what it asks of those."""
    words = {"all": "", "any": "any of ", "finished": "end of ", "failed": "failure of "}
    by_mode = {mode: [need for need in job.after if job.after_modes.get(need, "all") == mode] for mode in words}
    return ", ".join(words[mode] + ", ".join(map(str, needs)) for mode, needs in by_mode.items() if needs)


def gpus_text(spec: JobSpec) -> str:
    """`2, A100, with 40 GiB, not 0, rather 3`: how many GPUs it asks for, and of which kind."""
    parts = [
        str(spec.gpus),
        spec.gpu_model,
        f"with {format_bytes(spec.vram_bytes)}" if spec.vram_bytes else "",
        f"not {' '.join(spec.avoid)}" if spec.avoid else "",
        f"rather {' '.join(spec.prefer)}" if spec.prefer else "",
    ]
    return ", ".join(filter(None, parts))


def run_time_s(job: Job, now: float) -> float | None:
    """How long it has run, all attempts together, pauses and waits left out; None if it never ran."""
    spans = [(a.ended_at or now) - a.started_at for a in job.attempts if a.started_at is not None]
    return sum(max(span, 0.0) for span in spans) if spans else None


def ending_text(attempt: Attempt) -> str:
    """How an attempt ended, in a word or two: `SIGKILL`, `exit code 2`, `paused`."""
    if attempt.signal:
        return SIGNALS.get(attempt.signal, f"signal {attempt.signal}")
    if attempt.outcome is Outcome.FAILED and attempt.exit_code:
        return f"exit code {attempt.exit_code}"
    return attempt.outcome.value.replace("_", " ") if attempt.outcome else "running"
