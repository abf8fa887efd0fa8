"""What a rule finds, and how a finding comes and goes: not at the first flicker, and not gone at the first lull."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from typing import TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from yolotui.core.health.view import RunView


class Severity(StrEnum):
    """How much it matters: good to know, look at it, the run is lost as it stands."""

    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class Sign(Struct, frozen=True):
    """A rule's evidence in one look: a sentence with the numbers, and what to do. `severity` overrides the rule's."""

    text: str
    advice: str
    numbers: dict[str, float] = {}
    severity: Severity | None = None


Look: TypeAlias = Callable[[RunView], Sign | None]


class Rule(Struct, frozen=True, kw_only=True):
    """A health rule. `reason` is the field's reason for it.

    It must be seen at `confirmed_after` epochs in a row to be told, and be gone for `quiet_after` to be taken back; 0
    takes it back at once, None keeps it for good: what happened has happened.
    """

    name: str
    severity: Severity
    reason: str
    look: Look
    confirmed_after: int
    quiet_after: int | None


def rule(
    severity: Severity, reason: str, *, confirmed_after: int = 1, quiet_after: int | None = 3
) -> Callable[[Look], Rule]:
    """Make a rule of a function. It is called as the function is, with hyphens."""

    def made(look: Look) -> Rule:
        return Rule(
            name=look.__name__.replace("_", "-"),
            severity=severity,
            reason=reason,
            look=look,
            confirmed_after=confirmed_after,
            quiet_after=quiet_after,
        )

    return made


class Finding(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a rule has found in a run: since which epoch, in words, with the numbers.

    `seen` and `quiet` count epochs in a row with and without its sign; one that is not `told` yet is only suspected.
    """

    rule: str
    severity: Severity
    epoch: int
    text: str
    advice: str
    numbers: dict[str, float] = {}
    seen: int = 1
    quiet: int = 0
    told: bool = False

    @property
    def since(self) -> str:
        """Since when, for people."""
        return since(self.epoch)

    @property
    def link(self) -> str:
        """The part of the documentation that explains the rule."""
        return f"docs/health.md#{self.rule}"


def since(epoch: int) -> str:
    """Since when something is so, for people: from the first epoch's end on it is an epoch."""
    return f"since epoch {epoch}" if epoch else "since the start"


def follow(rules: Sequence[Rule], run: RunView, before: Mapping[str, Finding], *, at_epoch: int) -> dict[str, Finding]:
    """The findings after one more look. Counts go on only where `run` has reached an epoch beyond `at_epoch`."""
    steps = 1 if run.epoch > at_epoch else 0
    after: dict[str, Finding] = {}
    for rule in rules:
        found = _followed(rule, rule.look(run), before.get(rule.name), run.epoch, steps)
        if found:
            after[rule.name] = found
    return after


def _followed(rule: Rule, sign: Sign | None, before: Finding | None, epoch: int, steps: int) -> Finding | None:
    if sign is None:
        if before is None or not before.told:
            return None
        if rule.quiet_after is None:
            return before
        quiet = before.quiet + steps
        return replace(before, quiet=quiet, seen=0) if quiet < rule.quiet_after else None
    seen = before.seen + steps if before else 1
    told = seen >= rule.confirmed_after or (before is not None and before.told)
    return Finding(
        rule=rule.name,
        severity=sign.severity or rule.severity,
        epoch=before.epoch if before and before.told else epoch,
        text=sign.text,
        advice=sign.advice,
        numbers=sign.numbers,
        seen=seen,
        told=told,
    )
