"""`weights`: the one verb that goes online."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from importlib import resources

import click

from yolotui.cli.printing import narrate
from yolotui.errors import NotPossible
from yolotui.locations import Home


@click.command("weights")
@click.argument("names", nargs=-1, required=True, metavar="NAME...")
def weights_verb(names: Sequence[str]) -> None:
    """Let Ultralytics fetch weights (yolo11n.pt) once, for all trainings; print where they are.

    Trainings themselves stay offline.
    """
    home = Home.current()
    home.create()
    home.weights.mkdir(mode=0o700, exist_ok=True)
    failed = [name for name in names if not _fetch(name, home)]
    if failed:
        raise NotPossible(f"Not fetched: {', '.join(failed)}.")


def _fetch(name: str, home: Home) -> bool:
    """Run the script that fetches; its own words go to stderr, the path that it prints last to stdout."""
    narrate(f"Fetching {name} …")
    script = resources.files("yolotui.runner") / "fetch_weights.py"
    command = [sys.executable, str(script), name, str(home.weights)]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, check=False)
    *words, path = done.stdout.splitlines() or [""]
    narrate(*words)
    if done.returncode == 0:
        click.echo(path)
    return done.returncode == 0
