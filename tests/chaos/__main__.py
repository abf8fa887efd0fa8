"""`python -m tests.chaos --seed 1 --rounds 20`: rounds of chaos, and the table of what came of them.

A round that breaks a promise leaves its directory behind; `python -m tests.chaos.judge DIRECTORY` judges it again.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path

from tests.chaos import small_disk
from tests.chaos.judge import Judgement
from tests.chaos.laboratory import Round, play

DENSE = Round(seed=0, jobs=12, most_epochs=25, patience_s=1.0)
REAL = Round(seed=0, jobs=4, most_epochs=8, patience_s=4.0, real=True)


def main() -> int:
    """Play rounds until they are done or the time is up. Exit code 1: a promise was broken."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--seed", type=int, default=1, help="of the first round; the next one has the next")
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--faults", type=int, default=40, help="in each round")
    parser.add_argument("--real", action="store_true", help="real trainings with Ultralytics")
    parser.add_argument("--small-disk", action="store_true", help="each home on a disk that is really filled")
    parser.add_argument("--only", action="append", default=[], metavar="FAULT", help="this kind of fault; repeat it")
    parser.add_argument("--minutes", type=float, default=1e9, help="begin no further round after so long")
    parser.add_argument("--keep", type=Path, default=Path(tempfile.gettempdir()), help="where broken rounds are kept")
    asked = parser.parse_args()
    if asked.small_disk:
        if why_not := small_disk.why_not():
            parser.error(f"no disk can be mounted here: {why_not}")
        small_disk.enter_a_namespace()
    until = time.monotonic() + 60 * asked.minutes
    bench = Path(tempfile.mkdtemp(prefix="chaos-", dir=asked.keep))
    judgements = []
    for seed in range(asked.seed, asked.seed + asked.rounds):
        if time.monotonic() > until:
            break
        began_at = time.monotonic()
        found = play(replace(round_of(asked), seed=seed), bench / f"seed-{seed}")
        judgements.append(found)
        tell(seed, found, time.monotonic() - began_at)
        if not found.violations:
            shutil.rmtree(found.root)
    print_table(judgements)
    return 1 if any(each.violations for each in judgements) else 0


def round_of(asked: argparse.Namespace) -> Round:
    """What is asked for, but for the seed."""
    this = replace(REAL if asked.real else DENSE, faults=asked.faults, only=tuple(asked.only))
    return replace(this, small_disk=True, most_epochs=8) if asked.small_disk else this


def tell(seed: int, found: Judgement, took_s: float) -> None:
    """A line for a round, and one for each broken promise."""
    print(
        f"seed {seed}: {found.faults.total()} faults, {found.acknowledged} of {found.verbs} verbs acknowledged, "
        f"{found.jobs} jobs, {found.attempts} attempts, {found.epochs} epochs, {len(found.violations)} violations "
        f"({took_s:.0f} s)",
        flush=True,
    )
    for violation in found.violations:
        print(f"    {violation}", flush=True)
    if found.violations:
        print(f"    kept in {found.root}", flush=True)


def print_table(judgements: list[Judgement]) -> None:
    """Faults by kind, and the sums."""
    faults: Counter[str] = sum((each.faults for each in judgements), Counter())
    missed: Counter[str] = sum((each.missed for each in judgements), Counter())
    print(f"\n{'fault':<36} {'injected':>8} {'no victim':>9}")
    for kind in sorted(faults | missed):
        print(f"{kind:<36} {faults[kind]:>8} {missed[kind]:>9}")
    sums = {
        "rounds": len(judgements),
        "faults": faults.total(),
        "verbs acknowledged": sum(each.acknowledged for each in judgements),
        "jobs": sum(each.jobs for each in judgements),
        "attempts": sum(each.attempts for each in judgements),
        "epochs": sum(each.epochs for each in judgements),
        **sum((each.met for each in judgements), Counter()),
        "violations": sum(len(each.violations) for each in judgements),
    }
    print("\n" + ", ".join(f"{what} {count}" for what, count in sums.items()))


if __name__ == "__main__":
    sys.exit(main())
