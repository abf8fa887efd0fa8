"""`completion`: for the shell's start-up file."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class


@click.command("completion")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion_verb(context: click.Context, shell: str) -> None:
    """Print the completion script of a shell.

    For bash: yolotui completion bash > ~/.local/share/bash-completion/completions/yolotui
    """
    completer = get_completion_class(shell)
    assert completer is not None
    click.echo(completer(context.find_root().command, {}, "yolotui", "_YOLOTUI_COMPLETE").source())
