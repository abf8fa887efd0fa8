"""`metrics`: what Prometheus would see, as text or as a file for node_exporter."""

from __future__ import annotations

from pathlib import Path

import click

from yolotui.locations import Home


@click.command("metrics")
@click.option(
    "--textfile", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE.prom", help="Write them into a file."
)
def metrics_verb(textfile: Path | None) -> None:
    """Print the metrics of this moment as Prometheus reads them.

    With --textfile they go where node_exporter's textfile collector finds them; call it every minute. To be asked over
    HTTP instead, give --metrics ADDRESS to the dashboard, to --batch or to `scheduler run`.
    """
    from yolotui.metrics.exporting import text, write_textfile

    if textfile is None:
        click.echo(text(Home.current()), nl=False)
    else:
        write_textfile(Home.current(), textfile)
