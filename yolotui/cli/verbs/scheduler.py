"""`scheduler`: start it, lead in the foreground, stop it, ask for it, have it started at boot."""

from __future__ import annotations

import os
import select
import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from yolotui.cli.options import json_option, metrics_option, open_queue, serving_metrics
from yolotui.cli.printing import narrate, print_document
from yolotui.core.timetable import STALE_AFTER_S
from yolotui.errors import NotPossible
from yolotui.gpu_selector import SELECTOR, read_selector
from yolotui.leadership import is_led, scheduler_command, scheduler_environment
from yolotui.locations import Home
from yolotui.units import format_clock

if TYPE_CHECKING:
    from yolotui.queue import Queue
    from yolotui.store import Leader

STARTS_WITHIN_S = 15.0
STOPS_WITHIN_S = 30.0
LOOK_EVERY_S = 0.1


@click.group("scheduler")
def scheduler_verb() -> None:
    """Start, stop or look at the scheduler. Verbs start one by themselves; stopping it stops no training."""


@scheduler_verb.command("start")
def start() -> None:
    """Start a scheduler in the background, if none leads."""
    queue = open_queue()
    if queue.leader() is None:
        read_selector(os.environ.get(SELECTOR))
    started = queue.ensure_leader()
    leader = _await_leader(queue)
    if leader is None:
        raise NotPossible(f"The scheduler did not take the lead: {queue.home.scheduler_log} says why.")
    narrate(f"{'Started' if started else 'Leads already'}: pid {leader.process.pid}.")


@scheduler_verb.command("run")
@click.option("--until-idle", is_flag=True, help="Leave when nothing is left to do.")
@metrics_option
def run(until_idle: bool, metrics: str | None) -> None:
    """Lead in the foreground. Where another leads, show what it does, and take over when it leaves."""
    home = Home.current()
    home.create()
    if is_led(home):
        with serving_metrics(metrics):
            _follow_the_leader(home)
    options = [*(["--until-idle"] if until_idle else []), *(["--metrics", metrics] if metrics is not None else [])]
    command = scheduler_command(*options)
    os.execve(command[0], command, scheduler_environment(home))  # noqa: S606  this process becomes the scheduler


@scheduler_verb.command("stop")
def stop() -> None:
    """Stop the scheduler. Trainings go on, and the next scheduler takes them over."""
    queue = open_queue()
    leader = _await_leader(queue) if is_led(queue.home) else None
    if leader is None:
        narrate("No scheduler leads.")
        return
    if not _terminate(leader):
        stays = f"The scheduler (pid {leader.process.pid}) has not left within {STOPS_WITHIN_S:g} s."
        raise NotPossible(f"{stays} {_how_to_replace(leader)}")
    narrate(f"Stopped: pid {leader.process.pid}. Trainings go on; the next verb starts another scheduler.")


@scheduler_verb.command("status")
@json_option
def status(as_json: bool) -> None:
    """Tell who leads."""
    from yolotui.cli.documents import leader_document

    queue, now = open_queue(), time.time()
    leader = queue.leader()
    if as_json:
        print_document("leader", leader_document(leader))
    elif leader is None:
        click.echo("No scheduler leads.")
    else:
        click.echo(f"pid {leader.process.pid} leads since {format_clock(leader.since, now)}")
        published = queue.published()
        heard_at = max(leader.since, published.at if published else 0.0)
        if now - heard_at > STALE_AFTER_S:
            narrate(
                f"It is silent since {format_clock(heard_at, now)}. If it was stopped (Ctrl-Z): "
                f"`kill -CONT {leader.process.pid}`. {_how_to_replace(leader)}"
            )


def _how_to_replace(leader: Leader) -> str:
    return f"`kill -9 {leader.process.pid}` ends it: trainings go on, and the next verb starts another."


@scheduler_verb.command("install")
@click.option("--cron", is_flag=True, help="A @reboot line for cron instead of a systemd user unit.")
@click.option("--dry-run", is_flag=True, help="Only show what would be done.")
def install(cron: bool, dry_run: bool) -> None:
    """Have a scheduler started at every boot, so that a reboot does not end the night."""
    from yolotui import provisioning

    home = Home.current()
    home.create()
    plan = provisioning.plan_cron(home) if cron else provisioning.plan_systemd(home)
    click.echo(plan.description)
    if dry_run:
        return
    for sentence in plan.carry_out():
        narrate(sentence)


def _await_leader(queue: Queue) -> Leader | None:
    deadline = time.monotonic() + STARTS_WITHIN_S
    while time.monotonic() < deadline:
        leader = queue.leader()
        # Between a kill and the next leader's first words, what is written is a dead one's.
        if leader and Path(f"/proc/{leader.process.pid}").exists():
            return leader
        time.sleep(LOOK_EVERY_S)
    return None


def _follow_the_leader(home: Home) -> None:
    """Print the leader's log as it grows, until the lock is free."""
    from yolotui.cli.console_log import ConsoleLog

    leader = open_queue().leader()
    who = f"pid {leader.process.pid}" if leader else "another process"
    narrate(f"A scheduler leads already: {who}. This is its log; Ctrl-C leaves it alone.")
    log = ConsoleLog(home.scheduler_log)
    for _ in log.new_lines():
        pass  # only what is new from here on
    while is_led(home):
        for line in log.new_lines():
            click.echo(line)
        time.sleep(LOOK_EVERY_S)
    narrate("It has left: this one takes the lead.")


def _terminate(leader: Leader) -> bool:
    """Ask the leader to leave and wait until it has; False if it stays.

    The pid is looked at after it is pinned by a descriptor: whatever has it then can't be mistaken for another.
    """
    from yolotui.probe.processes import is_alive

    try:
        pinned = os.pidfd_open(leader.process.pid)
    except ProcessLookupError:
        return True
    try:
        if not is_alive(leader.process):
            return True
        signal.pidfd_send_signal(pinned, signal.SIGTERM)
        waiting = select.poll()
        waiting.register(pinned, select.POLLIN)
        return bool(waiting.poll(STOPS_WITHIN_S * 1000))
    except ProcessLookupError:
        return True
    finally:
        os.close(pinned)
