"""The plan against the well-known policies and against what is possible: every figure promised, with a verdict.

    python benchmarks/scheduling.py [--traces DIRECTORY] [--draws 6] [--only SECTION] [--solve SECONDS]

Sections: load, pairs, deadlines, bookings, drain, promise, speed.

Real traces are used where their files are (`--traces`, `YOLOTUI_TRACES`, or ../shared/traces), made-up ones always.
Seeds are fixed: the same code gives the same figures, but for the milliseconds. Exits with 1 when a promise is broken.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from statistics import fmean
from time import process_time

from msgspec.structs import replace

from benchmarks.best_known import Best, best_of_all, remembered, solve_and_remember
from benchmarks.scheduling_sharing import bookings, deadlines, pairs
from benchmarks.scheduling_traces import LOAD, WINDOW, Setup, drains, setups, trace_directory
from yolotui.core.jobs import Priority
from yolotui.core.plan import Kind, Mode, Policy, Preemption, plan
from yolotui.core.timetable import Calibration, Demand, Estimate, World
from yolotui.simulation.bounds import bounds
from yolotui.simulation.generating import generate
from yolotui.simulation.machine import host
from yolotui.simulation.replaying import Ran, Replay, replay
from yolotui.simulation.reporting import is_close
from yolotui.simulation.trace import Trace

HOUR_S = 3600.0
OURS = "plan, balanced"
EVICTING = "plan, evict"
POLICIES = {
    OURS: Policy(),
    "plan, throughput": Policy(mode=Mode.THROUGHPUT),
    "plan, no ageing": Policy(ageing=False),
    EVICTING: Policy(preemption=Preemption.EVICT),
    "priority + EASY": Policy(kind=Kind.PRIO_EASY),
    "FIFO + EASY": Policy(kind=Kind.FIFO_EASY),
    "FIFO conservative": Policy(kind=Kind.FIFO_CONSERVATIVE),
    "FIFO": Policy(kind=Kind.FIFO),
}


class Verdicts:
    """Prints each promise with what was measured, and remembers whether all were kept."""

    def __init__(self) -> None:
        self.all_kept = True

    def add(self, promise: str, measured: float, kept: bool, form: str = ".3f") -> None:
        """One promise."""
        self.all_kept = self.all_kept and kept
        print(f"  {'PASS' if kept else 'FAIL'}  {promise}: {measured:{form}}")


def main() -> int:
    """Run what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--traces", type=Path, help="where the files of real traces are")
    parser.add_argument("--draws", type=int, default=6, help="random draws of each family and host")
    sections = {
        "load": load,
        "pairs": pairs,
        "deadlines": deadlines,
        "bookings": bookings,
        "drain": drain,
        "promise": promise,
        "speed": speed,
    }
    parser.add_argument("--only", choices=sections)
    parser.add_argument(
        "--solve", type=float, metavar="SECONDS", help="search for better best-known drains (needs ortools)"
    )
    arguments = parser.parse_args()
    directory = trace_directory(arguments.traces)
    print(f"Traces: {'the made-up ones and those of real clusters' if directory else 'only made-up ones'}")
    if arguments.solve:
        solve_and_remember(drains(directory), arguments.solve)
    verdicts = Verdicts()
    for name, section in sections.items():
        if arguments.only in {None, name}:
            section(directory, arguments.draws, verdicts)
    print("\nEvery promise is kept." if verdicts.all_kept else "\nSome promises are broken.")
    return 0 if verdicts.all_kept else 1


# Load 0.9: waits and forecasts


class Figures:
    """What one policy came to over all draws of one set-up."""

    def __init__(self) -> None:
        self.replays: list[tuple[Setup, Replay]] = []

    def jobs(self) -> Iterator[tuple[Setup, Ran]]:
        """Every job of every draw."""
        return ((setup, job) for setup, replayed in self.replays for job in replayed.jobs)

    @property
    def mean_wait_s(self) -> float:
        """Over all jobs of all draws."""
        return fmean(job.wait for _, job in self.jobs())

    @property
    def worst_wait_s(self) -> float:
        """The worst wait of a draw, in the mean of the draws."""
        return fmean(max(job.wait for job in replayed.jobs) for _, replayed in self.replays)

    def class_wait_s(self, priority: Priority) -> float:
        """The mean wait of one class."""
        return fmean(job.wait for setup, job in self.jobs() if setup.trace[job.id].priority is priority)

    @property
    def utilisation(self) -> float:
        """Work over GPUs times makespan, in the mean of the draws."""
        return fmean(utilisation(setup, replayed) for setup, replayed in self.replays)

    @property
    def waited(self) -> list[Ran]:
        """The jobs that were foreseen to wait."""
        return [job for _, job in self.jobs() if job.forecast.start_at > job.submit]

    @property
    def close(self) -> float:
        """The part of them that started as foreseen."""
        return fmean(is_close(job) for job in self.waited)

    @property
    def interval_held(self) -> float:
        """The part of them that started within the interval foreseen."""
        return fmean(job.forecast.low_at <= job.start <= job.forecast.high_at for job in self.waited)


def load(directory: Path | None, draws: int, verdicts: Verdicts) -> None:
    """Waits, fairness and forecasts under a load of 0.9 with estimates that are off by up to 15 %."""
    print(f"\nLoad {LOAD}, {WINDOW} jobs, estimates within 15 %. Waits in hours; utilisation beside the bound's own.")
    by_setup: dict[str, list[Setup]] = {}
    for setup in setups(directory, draws=draws):
        by_setup.setdefault(setup.name, []).append(setup)
    figures = {label: _figures(policy, by_setup) for label, policy in POLICIES.items()}
    for name, of_setup in by_setup.items():
        _print_setup(name, of_setup, {label: each[name] for label, each in figures.items()})
    _judge_load(figures, verdicts)
    _judge_forecasts(figures[OURS], verdicts)


def _figures(policy: Policy, by_setup: dict[str, list[Setup]]) -> dict[str, Figures]:
    """Replay everything with one policy. What a queue's forecasts teach is kept from one trace to the next."""
    calibration = Calibration()
    figures: dict[str, Figures] = {}
    for name, of_setup in by_setup.items():
        figures[name] = Figures()
        for setup in of_setup:
            replayed = replay(setup.trace, setup.gpus, policy, calibration)
            calibration = replayed.calibration
            figures[name].replays.append((setup, replayed))
    return figures


def _print_setup(name: str, of_setup: Sequence[Setup], figures: dict[str, Figures]) -> None:
    best = fmean(bounds(setup.trace, setup.gpus).utilisation for setup in of_setup)
    print(f"\n  {name}: {len(of_setup)} draws. The bound's utilisation: {best:.1%}")
    print(f"  {'':<20}{'mean':>8}{'worst':>8}{'P0':>8}{'P1':>8}{'P2':>8}{'P3':>8}{'util':>8}{'close':>8}{'in 80 %':>9}")
    for label, each in figures.items():
        waits = [each.mean_wait_s, each.worst_wait_s, *(each.class_wait_s(priority) for priority in Priority)]
        cells = "".join(f"{wait / HOUR_S:8.2f}" for wait in waits)
        print(f"  {label:<20}{cells}{each.utilisation:8.1%}{each.close:8.0%}{each.interval_held:9.0%}")


def _judge_load(figures: dict[str, dict[str, Figures]], verdicts: Verdicts) -> None:
    ours, easy, fifo = figures[OURS], figures["priority + EASY"], figures["FIFO + EASY"]
    unaged = figures["plan, no ageing"]
    mean = {name: ours[name].mean_wait_s / easy[name].mean_wait_s for name in ours}
    worst = {name: ours[name].worst_wait_s / fifo[name].worst_wait_s for name in ours}
    urgent = {name: ours[name].class_wait_s(Priority.P0) / easy[name].class_wait_s(Priority.P0) for name in ours}
    ageing = {name: ours[name].class_wait_s(Priority.P0) / unaged[name].class_wait_s(Priority.P0) for name in ours}
    print("\n  By set-up:")
    rows = {"mean wait / priority + EASY": mean, "worst / FIFO + EASY": worst, "P0 / priority + EASY": urgent}
    for label, ratios in {**rows, "P0, ageing / no ageing": ageing}.items():
        print(f"  {label:<28}" + "".join(f"{name:>5} {ratio:.2f}" for name, ratio in ratios.items()))
    verdicts.add(
        "mean wait over priority + EASY's, mean of the set-ups <= 0.80",
        fmean(mean.values()),
        fmean(mean.values()) <= 0.80,
    )
    verdicts.add("worst wait over FIFO + EASY's, worst set-up <= 2", max(worst.values()), max(worst.values()) <= 2)
    _judge_evictions(figures[EVICTING], easy, fifo, verdicts)
    verdicts.add(
        "P0's mean wait over priority + EASY's, mean of the set-ups <= 1.1",
        fmean(urgent.values()),
        fmean(urgent.values()) <= 1.1,
    )


def _judge_evictions(
    ours: dict[str, Figures], easy: dict[str, Figures], fifo: dict[str, Figures], verdicts: Verdicts
) -> None:
    urgent = {name: ours[name].class_wait_s(Priority.P0) / easy[name].class_wait_s(Priority.P0) for name in ours}
    worst = {name: ours[name].worst_wait_s / fifo[name].worst_wait_s for name in ours}
    mean = {name: ours[name].mean_wait_s / easy[name].mean_wait_s for name in ours}
    rows = {"mean wait / priority + EASY": mean, "worst / FIFO + EASY": worst, "P0 / priority + EASY": urgent}
    for label, ratios in rows.items():
        print(f"  evict, {label:<28}" + "".join(f"{name:>5} {ratio:.2f}" for name, ratio in ratios.items()))
    stopped = sum(len(job.segments) > 1 for each in ours.values() for _, job in each.jobs())
    total = sum(1 for each in ours.values() for _ in each.jobs())
    print(f"  evict, {stopped} of {total} jobs had to make room at least once")
    verdicts.add(
        "with evictions, P0's mean wait over priority + EASY's, mean of the set-ups <= 0.5",
        fmean(urgent.values()),
        fmean(urgent.values()) <= 0.5,
    )
    verdicts.add(
        "with evictions, worst wait over FIFO + EASY's, worst set-up <= 3",
        max(worst.values()),
        max(worst.values()) <= 3,
    )


def _judge_forecasts(ours: dict[str, Figures], verdicts: Verdicts) -> None:
    for family, name, least in (("C", "Shockwave", 0.45), ("Y", "the generator", 0.40)):
        of_family = [each for setup, each in ours.items() if setup.startswith(family)]
        jobs = [job for each in of_family for job in each.waited]
        if jobs:
            close = fmean(is_close(job) for job in jobs)
            verdicts.add(
                f"starts within max(10 min, 20 %) of the forecast on {name} >= {least:.0%}",
                close,
                close >= least,
                ".1%",
            )
            held = fmean(job.forecast.low_at <= job.start <= job.forecast.high_at for job in jobs)
            verdicts.add(f'starts in the "80 %" interval on {name}, 75 to 85 %', held, 0.75 <= held <= 0.85, ".1%")


# Draining: makespan and mean completion beside the best known


def drain(directory: Path | None, draws: int, verdicts: Verdicts) -> None:
    """25 jobs of one class, submitted at once, true durations."""
    del draws
    print(
        "\nDraining 25 jobs of one class, true durations. Ratios to the best known; utilisation beside the bound's own."
    )
    instances = list(drains(directory))
    proven = sum(remembered(trace, gpus) is not None for gpus, trace in instances)
    print(
        f"  {len(instances)} instances; {proven} with a best known of CP-SAT, the others with that of our own search."
    )
    rows: dict[str, list[tuple[float, float, float]]] = {
        label: [] for label in POLICIES if label not in {EVICTING, "plan, no ageing"}
    }
    limits: list[float] = []
    for gpus, trace in instances:
        results = {label: _drained(trace, gpus, POLICIES[label]) for label in rows}
        best = best_of_all(trace, gpus, results.values())
        limits.append(bounds(trace, gpus).utilisation)
        for label, (makespan_s, mean_s) in results.items():
            busy = sum(job.area for job in trace) / (gpus * makespan_s)
            rows[label].append((makespan_s / best.makespan_s, mean_s / best.mean_completion_s, busy))
    print(f"  {'':<20}{'makespan':>10}{'worst':>8}{'completion':>12}{'worst':>8}{'util':>8}")
    print(f"  {'the bound':<20}{'':>38}{fmean(limits):8.1%}")
    for label, ratios in rows.items():
        ends, means, used = ([ratio[column] for ratio in ratios] for column in range(3))
        print(
            f"  {label:<20}{fmean(ends):10.3f}{max(ends):8.3f}{fmean(means):12.3f}{max(means):8.3f}{fmean(used):8.1%}"
        )
    for label, promise_text, column, most in (
        (OURS, "balanced: makespan over the best known <= 1.03", 0, 1.03),
        (OURS, "balanced: mean completion over the best known <= 1.08", 1, 1.08),
        ("plan, throughput", "throughput: makespan over the best known <= 1.01", 0, 1.01),
    ):
        measured = fmean(ratios[column] for ratios in rows[label])
        verdicts.add(promise_text, measured, measured <= most)


def _drained(trace: Trace, gpus: int, policy: Policy) -> Best:
    jobs = replay(trace, gpus, policy).jobs
    return Best(max(job.end for job in jobs), fmean(job.end for job in jobs))


# Promises of conservative backfill


def promise(directory: Path | None, draws: int, verdicts: Verdicts) -> None:
    """First in, first out with conservative backfill and exact durations: nobody starts later than promised."""
    print("\nFIFO with conservative backfill, exact durations: starts against what was planned at submission.")
    late = total = 0
    for setup in setups(directory, draws=draws):
        exact = tuple(replace(job, estimate_s=None) for job in setup.trace)
        for job in replay(exact, setup.gpus, Policy(kind=Kind.FIFO_CONSERVATIVE)).jobs:
            total += 1
            late += job.start > job.forecast.start_at + 1e-3
    print(f"  {total} promises")
    verdicts.add("late starts", late, late == 0, "d")


# How fast


def speed(directory: Path | None, draws: int, verdicts: Verdicts) -> None:
    """Milliseconds a plan, on 8 busy GPUs, after an event: the previous timetable is there, one job is new."""
    del directory, draws
    print("\nOne plan() on 8 busy GPUs: the least of 9, milliseconds of the processor.")
    for count, most in ((200, 30.0), (10_000, 150.0)):
        world, now = crowded(count)
        first_ms = _milliseconds(lambda w=world, t=now: plan(w, Policy(), t))  # type: ignore[misc]
        known = replace(world, demands=world.demands[:-1])
        after = replace(world, previous=plan(known, Policy(), now))
        event_ms = _milliseconds(lambda w=after, t=now: plan(w, Policy(), t + 1.0))  # type: ignore[misc]
        print(f"  {count:6d} waiting: {first_ms:.1f} from nothing, {event_ms:.1f} after one more submission")
        verdicts.add(
            f"plan() with {count} waiting <= {most:.0f} ms",
            max(first_ms, event_ms),
            max(first_ms, event_ms) <= most,
            ".1f",
        )


def crowded(waiting: int) -> tuple[World, float]:
    """8 GPUs that are all busy, so many waiting jobs, and the moment."""
    gpus = host(8)
    trace = generate(waiting, 1, LOAD, 8)
    running = [
        Demand(
            job_id=waiting + index,
            name=f"running-{index}",
            priority=Priority.P2,
            submitted_at=0.0,
            gpus=1,
            estimate=Estimate(HOUR_S * (index + 1), "its own epochs"),
            state="running",
            holding=(gpu.uuid,),
        )
        for index, gpu in enumerate(gpus)
    ]
    demands = [
        Demand(
            job_id=number,
            name=f"job-{number}",
            priority=job.priority,
            submitted_at=float(number),
            gpus=job.gpus,
            estimate=Estimate(job.expected_s, "the trace"),
        )
        for number, job in enumerate(trace)
    ]
    return World(gpus=gpus, demands=(*running, *demands)), float(waiting)


def _milliseconds(work: Callable[[], object]) -> float:
    times: list[float] = []
    for _ in range(9):
        began = process_time()
        work()
        times.append(process_time() - began)
    return 1000 * min(times)


def utilisation(setup: Setup, replayed: Replay) -> float:
    """Work over GPUs times makespan, tails included."""
    makespan_s = max(job.end for job in replayed.jobs) - min(job.submit for job in replayed.jobs)
    return sum(job.area for job in setup.trace) / (setup.gpus * makespan_s)


if __name__ == "__main__":
    sys.exit(main())
