"""`backup`: the queue in one file, while everything goes on."""

from __future__ import annotations

import time
from pathlib import Path

import click

from yolotui.cli.printing import narrate
from yolotui.locations import Home
from yolotui.units import format_bytes


@click.command("backup")
@click.argument("file", type=click.Path(path_type=Path), required=False)
def backup_verb(file: Path | None) -> None:
    """Copy the queue to FILE (else into the home's backups/) and print where; trainings and verbs go on.

    To go back to it: `yolotui scheduler stop`, then put it in the place of queue.db and remove queue.db-wal and -shm.
    """
    from yolotui.store.backup import back_up, default_target

    home = Home.current()
    target = (file or default_target(home, time.time())).absolute()
    size = back_up(home, target)
    click.echo(target)
    narrate(f"{format_bytes(size)}. Run directories are not in it: they are files already.")
