"""The scheduler on paper: traces replayed through the plan that the live scheduler follows, beside what is possible."""

from __future__ import annotations

from yolotui.core.planning.policy import Kind, Mode, Policy, Preemption
from yolotui.simulation.generating import generate
from yolotui.simulation.reporting import Report, run
from yolotui.simulation.trace import Trace, TraceJob, read_trace, trace_of

__all__ = [
    "Kind",
    "Mode",
    "Policy",
    "Preemption",
    "Report",
    "Trace",
    "TraceJob",
    "generate",
    "read_trace",
    "run",
    "trace_of",
]
