"""The heart: from a frozen world to a full timetable. Pure and deterministic; the clock is passed in.

To start a job is to read the first column. The live scheduler, forecasts, "why", "what if" and the simulation all call
this one function; how it decides is in `yolotui.core.planning`, and for people in docs/scheduling.md.
"""

from __future__ import annotations

from yolotui.core.planning.comparing import Move, moves
from yolotui.core.planning.planner import Planner
from yolotui.core.planning.policy import Kind, Mode, Policy, Preemption
from yolotui.core.timetable import Timetable, World

__all__ = ["Kind", "Mode", "Move", "Policy", "Preemption", "moves", "plan"]


def plan(world: World, policy: Policy, now: float) -> Timetable:
    """Place every job that has not ended; say for each when it starts, or why that can't be foreseen."""
    return Planner(world, policy, now).timetable()
