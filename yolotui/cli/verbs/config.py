"""`config`: show what is in force, check the file, print its schema for editors."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import click
import msgspec

from yolotui.cli.options import json_option
from yolotui.cli.printing import narrate, print_document
from yolotui.errors import WrongFile
from yolotui.locations import Home

if TYPE_CHECKING:
    from yolotui.config import Config


@click.group("config")
def config_verb() -> None:
    """Show the configuration, check it, or print its schema."""


@config_verb.command("show")
@json_option
def show(as_json: bool) -> None:
    """Print the configuration in force, defaults included, as TOML."""
    import tomli_w

    from yolotui.config import Config

    content = _as_written(Config.load(Home.current()))
    if as_json:
        print_document("config", content)
        return
    # TOML has no null: what is not set is not written.
    said = {name: {k: v for k, v in section.items() if v is not None} for name, section in content.items()}
    click.echo(tomli_w.dumps(said), nl=False)


@config_verb.command("check")
def check() -> None:
    """Look for mistakes in the configuration file. Exit code 2 if there are any."""
    from yolotui.config import find
    from yolotui.config_reading import read

    file = find(Home.current())
    if file is None:
        narrate("There is no configuration file: the defaults are in force.")
        return
    config = read(file)
    # Keys and themes are the dashboard's own: only here and where it opens is it worth its import.
    from yolotui.tui.keymap import with_keys
    from yolotui.tui.themes import theme_named

    with_keys(config.keys)
    theme_named(config.ui.theme)
    # What an address must look like, apprise alone knows: so is it.
    from yolotui.notify.channels import channels_of
    from yolotui.notify.delivering import troubles

    if wrong := troubles([channel.address for channel in channels_of(config.notify)]):
        raise WrongFile([f"{file}: notify: {trouble}" for trouble in wrong])
    narrate(f"{file}: no mistakes.")


@config_verb.command("schema")
def schema() -> None:
    """Print the JSON schema of the configuration file."""
    from yolotui import config_reading

    click.echo(json.dumps(config_reading.schema(), indent=2, ensure_ascii=False))


def _as_written(config: Config) -> dict[str, dict[str, Any]]:
    """The sections with their keys as a file has them: without the units that the fields carry in their names."""
    from yolotui.config_reading import schema

    content: dict[str, dict[str, Any]] = msgspec.to_builtins(config)
    for name, described in schema()["properties"].items():
        if keys := described.get("properties"):
            fields = content[name]
            content[name] = {key: fields[_field(key, fields)] for key in keys}
    return content


def _field(key: str, fields: Mapping[str, Any]) -> str:
    """The field behind a key: `ignore_below` is kept as `ignore_below_bytes`."""
    return next(field for field in fields if field == key or field.rpartition("_")[0] == key)
