"""`doctor`: what on this machine would spoil a night, and what to do about it."""

from __future__ import annotations

import os
import time
from pathlib import Path

import click

from yolotui.cli.options import confirm, json_option, yes_option
from yolotui.cli.printing import Cell, Table, narrate, print_document, print_table
from yolotui.doctor import Finding, Level, examine
from yolotui.errors import ExitCode, NotPossible, YolotuiError
from yolotui.locations import Home

LOOKS = {Level.OK: ("✓", "green"), Level.WARNING: ("!", "yellow"), Level.ERROR: ("✗", "red")}


@click.command("doctor")
@click.option("--claim-home", is_flag=True, help="After a move: make this machine the owner of the queue.")
@click.option("--repair", is_flag=True, help="Make a damaged queue anew, from what can be read and from its runs.")
@yes_option
@json_option
def doctor_verb(claim_home: bool, repair: bool, yes: bool, as_json: bool) -> int:
    """Look at the machine, the home and the installation. Exit code 1 if something is broken."""
    home = Home.current()
    if claim_home:
        _claim(home, yes=yes)
    if repair:
        _repair(home, yes=yes)
    findings = _findings(home)
    broken = any(finding.level is Level.ERROR for finding in findings)
    if as_json:
        print_document("findings", [_document(finding) for finding in findings])
    else:
        table = Table(("check", "result", "what is", "what to do"))
        for finding in findings:
            glyph, style = LOOKS[finding.level]
            table.add(finding.name, Cell(finding.level.value, style, glyph), finding.sentence, finding.advice)
        print_table(table)
    return ExitCode.JOB_FAILED if broken else ExitCode.DONE


def _findings(home: Home) -> list[Finding]:
    """The doctor's own findings, after those about the configuration and the queue, which are the program's."""
    from yolotui.probe import open_devices

    findings, runs = _program_findings(home)
    devices = open_devices(os.environ.get("YOLOTUI_GPUS"))
    try:
        return [*findings, *examine(home, observe=lambda: devices.observe(time.time()), runs=runs)]
    finally:
        devices.close()


def _program_findings(home: Home) -> tuple[list[Finding], Path | None]:
    from yolotui.config import Config
    from yolotui.queue import Queue

    try:
        runs = Config.load(home).paths.runs
    except YolotuiError as error:
        advice = "Mend the file; `yolotui config schema` describes it."
        return [Finding("configuration", Level.ERROR, str(error), advice)], None
    try:
        with Queue(home.root, start_scheduler=False) as queue:
            queue.refuse_damage()
            count = len(queue.jobs(unfinished=True))
    except YolotuiError as error:
        return [Finding("queue", Level.ERROR, str(error), "")], None
    found = Finding("queue", Level.OK, f"{home.queue} opens; {count} jobs have not ended")
    return [found], Path(runs).expanduser() if runs else None


def _document(finding: Finding) -> dict[str, str]:
    return {
        "name": finding.name,
        "level": finding.level.value,
        "text": finding.sentence,
        "advice": finding.advice,
    }


def _claim(home: Home, *, yes: bool) -> None:
    from yolotui.leadership import is_led
    from yolotui.store.database import claim_for_this_machine, machine_identity

    if not home.queue.is_file():
        raise NotPossible(f"There is no queue in {home.root}: nothing to claim.")
    if is_led(home):
        raise NotPossible("A scheduler of this machine leads here: the home is its own already.")
    confirm(lambda: "Has every other machine stopped using this home?", yes=yes)
    before = claim_for_this_machine(home)
    narrate(f"{home.root} belonged to {before} and now belongs to {machine_identity()}.")


def _repair(home: Home, *, yes: bool) -> None:
    from yolotui.config import Config
    from yolotui.repair import repair

    confirm(lambda: f"Make {home.queue} anew? What is there now is kept aside.", yes=yes)
    runs = Config.load(home).paths.runs
    done = repair(home, [home.runs, *([Path(runs).expanduser()] if runs else [])])
    narrate(*done.told, f"{home.queue} has {done.jobs} jobs again. What was there before is in {done.kept}.")
    narrate("Jobs that had never started, and whose rows can't be read, are not in it: `yolotui add --file` adds them.")
