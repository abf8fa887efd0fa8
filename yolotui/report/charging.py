"""Who is charged what: GPU time, energy and money of owners, groups and projects, made of those of their runs. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from msgspec import Struct

from yolotui.config import CostsConfig
from yolotui.core.energy import Energy
from yolotui.core.reporting import RunResult, project_name

HOUR_S = 3600.0


class Charge(Struct, frozen=True, kw_only=True):
    """What somebody, or something, has used. `cost` is in the currency of the configuration; None: not known."""

    name: str
    gpu_s: float
    jobs: int
    kwh: float | None = None
    cost: float | None = None


def by_owner(runs: Iterable[RunResult], energy: Energy | None, costs: CostsConfig) -> tuple[Charge, ...]:
    """A charge for each who submitted."""
    return _charges(runs, lambda run: run.owner, energy, costs)


def by_group(runs: Iterable[RunResult], energy: Energy | None, costs: CostsConfig) -> tuple[Charge, ...]:
    """A charge for each group of jobs."""
    return _charges(runs, lambda run: run.group, energy, costs)


def by_project(runs: Iterable[RunResult], energy: Energy | None, costs: CostsConfig) -> tuple[Charge, ...]:
    """A charge for each folder whose code ran; none where that is not known of any run."""
    runs = list(runs)
    folders = {run.project for run in runs}
    if not any(folders):
        return ()
    return _charges(runs, lambda run: project_name(run.project, folders), energy, costs)


def total(runs: Iterable[RunResult], energy: Energy | None, costs: CostsConfig) -> Charge:
    """The charge for everything, with what idle cards drew."""
    runs = list(runs)
    gpu_s, kwh = sum(run.gpu_s for run in runs), energy.total_kwh if energy else None
    return Charge(name="all", gpu_s=gpu_s, jobs=len(runs), kwh=kwh, cost=price(gpu_s, kwh, costs))


def price(gpu_s: float, kwh: float | None, costs: CostsConfig) -> float | None:
    """What it cost, of what has a price and is known."""
    parts = []
    if costs.gpu_hour is not None:
        parts.append(gpu_s / HOUR_S * costs.gpu_hour)
    if costs.kwh is not None and kwh is not None:
        parts.append(kwh * costs.kwh)
    return sum(parts) if parts else None


def hours(seconds: float) -> str:
    """`31.5` for GPU-seconds; of a short time as much as tells it from nothing."""
    return f"{seconds / HOUR_S:.1f}" if seconds >= HOUR_S else f"{seconds / HOUR_S:.2g}"


def money(amount: float, costs: CostsConfig) -> str:
    """`12.50 EUR`."""
    return f"{amount:.2f} {costs.currency}"


def _charges(
    runs: Iterable[RunResult], payer: Callable[[RunResult], str], energy: Energy | None, costs: CostsConfig
) -> tuple[Charge, ...]:
    """Those who were charged most come first."""
    theirs: dict[str, list[RunResult]] = {}
    for run in runs:
        theirs.setdefault(payer(run), []).append(run)
    charges = [charge(name, mine, energy, costs) for name, mine in theirs.items()]
    return tuple(sorted(charges, key=lambda each: (-each.gpu_s, each.name)))


def charge(name: str, runs: Sequence[RunResult], energy: Energy | None, costs: CostsConfig) -> Charge:
    """One charge for some runs together."""
    gpu_s = sum(run.gpu_s for run in runs)
    kwh = sum(energy.by_job.get(run.job_id, 0.0) for run in runs) if energy else None
    return Charge(name=name, gpu_s=gpu_s, jobs=len(runs), kwh=kwh, cost=price(gpu_s, kwh, costs))
