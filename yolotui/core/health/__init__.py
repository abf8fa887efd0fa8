"""Health rules: what a run's own numbers say is wrong with it, in plain words, while it can still be mended.

A rule is one function of a `RunView` that gives a `Sign` or None, marked with `@rule`; docs/health.md has a part for
each.
"""

from __future__ import annotations

from collections.abc import Mapping

from yolotui.core.health import loss_rules, machine_rules, score_rules
from yolotui.core.health.findings import Finding, Rule, Severity, Sign, follow, since
from yolotui.core.health.view import Altered, DeviceView, EpochView, RunView, Usual

__all__ = [
    "RULES",
    "Altered",
    "DeviceView",
    "EpochView",
    "Finding",
    "Rule",
    "RunView",
    "Severity",
    "Sign",
    "Usual",
    "examine",
    "reason_for",
    "since",
]

RULES = tuple(
    each
    for module in (loss_rules, score_rules, machine_rules)
    for each in vars(module).values()
    if isinstance(each, Rule)
)
_REASONS = {rule.name: rule.reason for rule in RULES}


def examine(run: RunView, before: Mapping[str, Finding], *, at_epoch: int) -> dict[str, Finding]:
    """One look at a run: its findings by rule, suspicions among them. `before` and `at_epoch` are of the last look."""
    return follow(RULES, run, before, at_epoch=at_epoch)


def reason_for(rule: str) -> str:
    """Why there is such a rule; empty for one of another version."""
    return _REASONS.get(rule, "")
