"""`simulate`: what the scheduler would make of a trace, of made-up work, or of this queue's own past, on N GPUs."""

from __future__ import annotations

import time
from pathlib import Path

import click
import msgspec

from yolotui.cli.options import open_queue
from yolotui.cli.printing import narrate
from yolotui.core.planning.policy import Kind, Mode, Policy, Preemption
from yolotui.errors import NotPossible
from yolotui.simulation import Report, Trace, generate, read_trace, run, trace_of
from yolotui.units import duration, size


def _gpu_count(_context: click.Context, _parameter: click.Parameter, said: str | None) -> tuple[int, bool] | None:
    """`4`, or `+2`: a count of GPUs, and whether it is added to what this machine has."""
    if said is None:
        return None
    digits, is_more = said.removeprefix("+"), said.startswith("+")
    if not (digits.isascii() and digits.isdigit() and len(digits) < 6 and int(digits)):
        raise click.BadParameter(f"{said!r} is not a number of GPUs: write 4, or +2 for two more than there are.")
    return int(digits), is_more


@click.command("simulate")
@click.option("--trace", "trace_file", type=click.Path(path_type=Path), metavar="FILE", help="A trace (CSV).")
@click.option("--generate", "count", type=click.IntRange(1, 100_000), metavar="N", help="A made-up trace of N jobs.")
@click.option("--history", is_flag=True, help="The past of this queue.")
@click.option(
    "--gpus",
    metavar="N",
    callback=_gpu_count,
    help="How many GPUs; +2: two more than this machine has; else what it has.",
)
@click.option("--policy", type=click.Choice([kind.value for kind in Kind]), default=Kind.PLAN.value, show_default=True)
@click.option(
    "--mode", type=click.Choice([mode.value for mode in Mode]), default=Mode.BALANCED.value, show_default=True
)
@click.option(
    "--preemption",
    type=click.Choice([each.value for each in Preemption]),
    default=Preemption.QUEUE.value,
    show_default=True,
    help="evict: a P0 or P1 takes the GPUs of lower jobs.",
)
@click.option("--tenants", type=click.IntRange(1, 16), default=2, show_default=True, help="Most jobs on one card.")
@click.option("--vram", default="24GiB", show_default=True, help="The memory of each card, for jobs that share.")
@click.option("--seed", type=int, default=0, show_default=True, help="With --generate: another seed, another trace.")
@click.option("--load", type=click.FloatRange(0.01, 10), default=0.9, show_default=True, help="With --generate.")
@click.option("--since", metavar="TIME", help="With --history: only what was submitted in the last TIME (30d).")
@click.option("--json", "as_json", is_flag=True, help='Print one JSON object with "schema": 1.')
def simulate_verb(
    *,
    trace_file: Path | None,
    count: int | None,
    history: bool,
    gpus: tuple[int, bool] | None,
    policy: str,
    mode: str,
    preemption: str,
    tenants: int,
    vram: str,
    seed: int,
    load: float,
    since: str | None,
    as_json: bool,
) -> None:
    """Replay work through the plan that the scheduler follows: waits, completion times, utilisation beside the bounds.

    A trace has the columns submit_s, gpus, duration_s, and if you like priority, estimate_s, vram_bytes (it shares a
    card), preemptible (yes or no), deadline_s (after its submission) and owner. With --gpus +2 the
    machine as it is stands beside it: "what would two more GPUs do for last month?" is --history --since 30d --gpus +2.
    """
    if (trace_file is not None) + (count is not None) + history != 1:
        raise click.UsageError("Say what to replay: --trace FILE, --generate N or --history.")
    if since is not None and not history:
        raise click.UsageError("--since goes with --history.")
    asked, is_more = gpus or (0, True)  # said nothing: no more than there are
    here = _gpus_here() if is_more else 0
    trace = _trace(trace_file, count, since, seed=seed, load=load, gpus=here or asked)
    how = Policy(kind=Kind(policy), mode=Mode(mode), preemption=Preemption(preemption), tenants=tenants)
    card_bytes = _card_bytes(vram)
    report = run(trace, here + asked, how, card_bytes=card_bytes)
    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode(report.document()), indent=2))
        return
    if here and asked:
        _tell(run(trace, here, how, card_bytes=card_bytes))
        click.echo()
    _tell(report)


def _card_bytes(said: str) -> int:
    try:
        return size(said)
    except ValueError as error:
        raise click.UsageError(f"--vram: {error}") from None


def _trace(file: Path | None, count: int | None, since: str | None, *, seed: int, load: float, gpus: int) -> Trace:
    """The work to replay. Raises WrongFile, and NotPossible for a queue without a past."""
    if file is not None:
        return read_trace(file)
    if count is not None:
        return generate(count, seed, load, gpus)
    return _past(since)


def _past(since: str | None) -> Trace:
    try:
        first_at = time.time() - duration(since) if since else 0.0
    except ValueError as error:
        raise click.UsageError(f"--since: {error}") from None
    jobs = [job for job in open_queue().jobs() if job.submitted_at >= first_at]
    trace = trace_of(jobs)
    if not trace:
        raise NotPossible(
            f"No job {'of that time ' if since else ''}has run to its end yet: there is no past to replay."
        )
    if left := len(jobs) - len(trace):
        narrate(f"Left out, for they never ran or have not ended yet: {left} of {len(jobs)} jobs.")
    return trace


def _gpus_here() -> int:
    published = open_queue().published()
    if published is None or not published.host.gpus:
        raise click.UsageError("Say how many GPUs with --gpus N: no scheduler has looked at this machine's yet.")
    return len(published.host.gpus)


def _tell(report: Report) -> None:
    click.echo(report.table())
