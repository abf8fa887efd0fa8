"""Do the health rules find what is wrong with real trainings, and leave well ones alone?

    python -m benchmarks.health OUT [--only NAME …] [--jobs 2] [--set broken|healthy|unseen|tuning] [--reseed N]

Trains small detectors from fixed seeds: some broken on purpose, some well. Each is watched as the scheduler watches it,
epoch by epoch; a second call trains only what is missing. Prints a Markdown table of hits and misses, and one of false
alarms. Ends with 1 if a broken training was missed, or if a well one was given a warning. OUT/NAME.json keeps what the
rules saw: copied to tests/core/health_runs, the tests look at it again without training.

The rules were tuned on `tuning` and on first drafts of `broken`. `--reseed 700` draws other data and other weights;
data and seeds of `healthy` and `unseen` are used for nothing else. What comes from a card is put in by hand here
(`device`), for this is run without one.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import msgspec
import ultralytics
from msgspec import Struct
from msgspec.structs import replace

from benchmarks.health_cases import SETS, SLIM_MODEL, Case
from benchmarks.health_data import shapes
from yolotui.core.health import Finding, RunView, Severity, examine
from yolotui.runner.environment import trainer_argv, training_environment
from yolotui.telemetry import RunReader, RunSeries
from yolotui.telemetry.health_view import run_view

BASE = "base"  # the training whose best weights the others start from, as people start from pretrained ones


class Record(Struct, frozen=True):
    """A training as the rules saw it, with the rules of which one at least must speak; none if it is well."""

    expected: tuple[str, ...]
    run: RunView


# --- training and looking ---------------------------------------------------------------------------------------------


def train(case: Case, out: Path) -> RunView:
    """The case as the rules see it; trained only if OUT doesn't have it yet."""
    slim = case.model == SLIM_MODEL
    model = Path(case.model) if not slim else out / case.model if case.fresh else out / BASE / "train/weights/best.pt"
    defaults = {"imgsz": case.size, "batch": 8, "seed": case.seed, "plots": False, "verbose": False}
    arguments = {**defaults, "epochs": case.epochs, **case.arguments}
    if series_of(out / case.name).end is None:
        folder = out / f"data-{case.name}"
        data = case.drawing(folder, train=case.images, val=case.val, size=case.size, seed=case.seed)
        if case.breaking:
            case.breaking(data.parent, random.Random(case.seed))
        train_as_the_runner_does(out / case.name, model, data, arguments, slowed_from=case.slowed_from)
    view = run_view(series_of(out / case.name), {"model": model.name, **arguments}, epochs_asked=case.epochs)
    run = replace(view, device=case.device, workers_possible=16)
    record = rounded(msgspec.json.encode(Record(case.expected, run)))
    (out / f"{case.name}.json").write_bytes(record)
    return msgspec.json.decode(record, type=Record).run


def series_of(run_dir: Path) -> RunSeries:
    reader = RunReader(run_dir)
    reader.poll()
    return reader.series


def train_as_the_runner_does(
    run_dir: Path, model: Path, data: Path, arguments: dict[str, Any], *, slowed_from: int | None = None
) -> None:
    shutil.rmtree(run_dir, ignore_errors=True)
    attempt = run_dir / "attempt-1"
    attempt.mkdir(parents=True)
    (run_dir / "cwd").mkdir()
    spec = {"job": 1, "name": run_dir.name, "kind": "train", "model": str(model), "data": str(data)}
    (run_dir / "spec.json").write_text(json.dumps({**spec, "arguments": arguments}))
    (attempt / "launch.json").write_text(json.dumps({"trainer": {"gpus": 1, "cpu": True, "workers": 1}}))
    environment = training_environment(os.environ, run_dir=str(run_dir), attempt=run_dir.name, gpu_uuids=())
    with (run_dir / "console.log").open("wb") as console:  # a training may fail here: that is what some are for
        argv = trainer_argv(sys.executable, str(attempt), 1)
        trainer = subprocess.Popen(argv, cwd=run_dir / "cwd", env=environment, stdout=console, stderr=console)
        if slowed_from is not None:
            hold_back(trainer, run_dir, slowed_from)
        trainer.wait()


def hold_back(trainer: subprocess.Popen[bytes], run_dir: Path, after_epoch: int) -> None:
    """Stop it for two thirds of the time after an epoch, as a driver holds back a card that is hot."""
    reader = RunReader(run_dir)
    while trainer.poll() is None:
        reader.poll()
        if len(reader.series.epochs) >= after_epoch:
            trainer.send_signal(signal.SIGSTOP)
            time.sleep(0.2)
            trainer.send_signal(signal.SIGCONT)
        time.sleep(0.1)


def rounded(document: bytes) -> bytes:
    """The same JSON with five significant digits."""
    shorter = json.loads(document, parse_float=lambda text: float(f"{float(text):.5g}"))
    return json.dumps(shorter, separators=(",", ":")).encode()


def told(run: RunView) -> dict[str, Finding]:
    """All that is ever told of the run, as it was when it was told first."""
    findings: dict[str, Finding] = {}
    ever: dict[str, Finding] = {}
    for count in range(len(run.epochs) + 1):
        last = count == len(run.epochs)
        part = replace(run, epochs=run.epochs[: count + 1], altered=run.altered if last else ())
        findings = examine(part, findings, at_epoch=count)
        for rule, finding in findings.items():
            if finding.told:
                ever.setdefault(rule, finding)
    return ever


# --- the tables -------------------------------------------------------------------------------------------------------


def broken_row(case: Case, found: dict[str, Finding]) -> tuple[bool, str]:
    hits = sorted((rule for rule in case.expected if rule in found), key=lambda rule: found[rule].epoch)
    also = [rule for rule in found if rule not in case.expected and found[rule].severity is not Severity.INFO]
    hit = ", ".join(f"`{rule}` at epoch {found[rule].epoch}" for rule in hits) or "**missed**"
    more = ", ".join(f"`{rule}` ({found[rule].epoch})" for rule in also)
    return bool(hits), f"| {case.how} | {case.epochs} | {hit} | {more} |"


def healthy_row(case: Case, run: RunView, found: dict[str, Finding]) -> tuple[bool, str]:
    alarms = [f"**{rule}** ({found[rule].epoch})" for rule in found if found[rule].severity is not Severity.INFO]
    notes = [f"`{rule}` ({found[rule].epoch})" for rule in found if found[rule].severity is Severity.INFO]
    start = "from scratch" if case.fresh else "pretrained"
    special = " ".join(f"{name}={value}" for name, value in case.arguments.items())
    drawn = case.drawing.__name__.replace("_", " ")
    model = f" ({case.model})" if case.model != SLIM_MODEL else ""
    about = f"{start}{model}, {case.images} images of {case.size} px ({drawn}), seed {case.seed}"
    about += f", `{special}`" if special else ""
    best = max((epoch.map50 or 0.0 for epoch in run.epochs), default=0.0)
    return (
        not alarms,
        f"| {about} | {len(run.epochs)} | {best:.2f} | {', '.join(alarms) or 'none'} | {', '.join(notes)} |",
    )


def make_base(out: Path) -> None:
    """The weights that the others start from."""
    source = Path(ultralytics.__file__).parent / "cfg/models/v8/yolov8.yaml"
    (out / SLIM_MODEL).write_text(re.sub(r"(?m)^  n: \[.*?\]", "  n: [0.33, 0.125, 1024]", source.read_text()))
    if not (out / BASE / "train/weights/best.pt").exists():
        data = shapes(out / f"data-{BASE}", train=160, val=32, size=64, seed=1000)
        common = {"imgsz": 64, "batch": 8, "plots": False, "verbose": False, "seed": 0}
        train_as_the_runner_does(
            out / BASE, out / SLIM_MODEL, data, {**common, "epochs": 40, "optimizer": "AdamW", "lr0": 0.002}
        )


def report(cases: Iterable[Case], runs: Iterable[RunView]) -> bool:
    """Print the tables; True if everything is as it should be."""
    outcomes = [(case, run, told(run)) for case, run in zip(cases, runs, strict=True)]
    broken = [broken_row(case, found) for case, _, found in outcomes if case.expected]
    well = [healthy_row(case, run, found) for case, run, found in outcomes if not case.expected]
    if broken:
        print("| What was broken | Epochs | Found | Besides, warnings and more |\n|---|---|---|---|")
        print("\n".join(row for _, row in broken), end="\n\n")
    if well:
        print("| Training | Epochs | Best mAP50 | Warnings and more | Notes |\n|---|---|---|---|---|")
        print("\n".join(row for _, row in well))
    return all(good for good, _ in (*broken, *well))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--only", nargs="*")
    parser.add_argument("--set", choices=SETS, action="append", dest="sets")
    parser.add_argument("--reseed", type=int, default=0, metavar="N", help="other data and weights: seeds higher by N")
    parser.add_argument("--jobs", type=int, default=2)
    options = parser.parse_args()
    out = options.out.resolve()
    out.mkdir(parents=True, exist_ok=True)
    cases = [case for name in options.sets or ("broken", "healthy") for case in SETS[name]]
    cases = [replace(case, seed=case.seed + options.reseed) for case in cases]
    cases = [case for case in cases if not options.only or case.name in options.only]
    make_base(out)
    with ThreadPoolExecutor(options.jobs) as pool:
        runs = list(pool.map(lambda case: train(case, out), cases))
    return 0 if report(cases, runs) else 1


if __name__ == "__main__":
    sys.exit(main())
