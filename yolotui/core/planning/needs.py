"""What jobs hang on: when a need is met, when it can no longer be, and what is skipped with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from yolotui.core.timetable import Demand, Need, NeedMode, Skip

WITHOUT_SUCCESS = frozenset({"failed", "cancelled", "skipped"})
ENDED = WITHOUT_SUCCESS | {"succeeded"}


def open_needs(demand: Demand) -> list[Need]:
    """The needs that are not met yet. One success of several `any` needs meets them all."""
    any_met = any(need.mode is NeedMode.ANY and _is_met(need) for need in demand.needs)
    return [need for need in demand.needs if not _is_met(need) and not (any_met and need.mode is NeedMode.ANY)]


def find_skips(waiting: Sequence[Demand]) -> dict[int, Skip]:
    """The jobs that can never start, and all that hang on them: by job id, each with its reason."""
    skips: dict[int, Skip] = {}
    hanging: dict[int, list[Demand]] = {}
    for demand in waiting:
        for need in demand.needs:
            hanging.setdefault(need.job_id, []).append(demand)
    todo = [demand for demand in waiting if demand.needs]
    while todo:
        demand = todo.pop()
        if demand.job_id not in skips and (reason := _why_never(demand, skips)):
            skips[demand.job_id] = Skip(demand.job_id, reason)
            todo.extend(hanging.get(demand.job_id, ()))
    return {demand.job_id: skips[demand.job_id] for demand in waiting if demand.job_id in skips}


def _is_met(need: Need) -> bool:
    match need.mode:
        case NeedMode.FINISHED:
            return need.state in ENDED
        case NeedMode.FAILED:
            return need.state == "failed"
        case NeedMode.ALL | NeedMode.ANY:
            return need.state == "succeeded" and not need.missed_gates


def _why_never(demand: Demand, skips: Mapping[int, Skip]) -> str:
    """The reason for which the job can never start, or nothing."""
    alternatives = [need for need in demand.needs if need.mode is NeedMode.ANY]
    if alternatives and all(_never_met(need, skips) for need in alternatives):
        if len(alternatives) == 1:
            return _never_met(alternatives[0], skips)
        names = ", ".join(str(need.job_id) for need in alternatives)
        return f"It comes after any one of jobs {names}, and none of them succeeded."
    others = (need for need in demand.needs if need.mode is not NeedMode.ANY)
    return next(filter(None, (_never_met(need, skips) for need in others)), "")


def _never_met(need: Need, skips: Mapping[int, Skip]) -> str:
    """Why this need can no longer be met, or nothing."""
    name = f"job {need.job_id} ({need.name})"
    ended = was(need.state) if need.state in ENDED else "is skipped" if need.job_id in skips else ""
    match need.mode:
        case NeedMode.FAILED if ended and need.state != "failed":
            return f"It comes after a failure of {name}, which {ended}."
        case NeedMode.ALL | NeedMode.ANY if ended and need.state != "succeeded":
            return f"It comes after {name}, which {ended}."
        case NeedMode.ALL | NeedMode.ANY if ended and need.missed_gates:
            return f"It asks that {' and '.join(need.missed_gates)}, and {name} did not reach that."
    return ""


def was(state: str) -> str:
    """A state as the end of a clause: "which is waiting", "which failed"."""
    words = {"failed": "failed", "waiting": "waits", "cancelled": "was cancelled", "skipped": "was skipped"}
    return words.get(state, state if state == "succeeded" else f"is {state}")
