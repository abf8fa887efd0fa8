"""The group of verbs: imports a verb's file only when it is used, and turns what goes wrong into exit codes."""

from __future__ import annotations

import errno
import importlib
import os
import sys
from collections.abc import Mapping
from typing import Any

import click

from yolotui.errors import ExitCode, YolotuiError
from yolotui.nearest import did_you_mean

GONE = {errno.EPIPE, errno.EIO}
"""What writing says when the reader of a pipe, or the terminal, has gone away."""

ELSEWHERE = {
    **dict.fromkeys(("submit", "enqueue", "train"), "add"),
    **dict.fromkeys(("ls", "ps", "queue", "status", "jobs", "top"), "list"),
    **dict.fromkeys(("rm", "remove", "delete"), "cancel"),
    **dict.fromkeys(("stop", "abort", "terminate"), "kill"),
    **dict.fromkeys(("book", "booking"), "reserve"),
    "bookings": "reservations",
    "diff": "compare",
    "history": "audit",
    "info": "show",
}
"""What other queues call a verb, where no likeness of letters leads to it."""

BROKEN_PIPE = 128 + 13
"""What a shell sees of a program that SIGPIPE ended: the reader has left, and nothing is wrong."""


class VerbGroup(click.Group):
    """A click group over `sections`: under each title verbs, with the module of `yolotui.cli.verbs` that defines each.

    A command's return value is the exit code. Errors for people are printed as their sentence, never as a traceback.
    """

    def __init__(self, *arguments: Any, sections: Mapping[str, Mapping[str, str]], **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._sections = sections
        self.verbs = {verb: module for verbs in sections.values() for verb, module in verbs.items()}

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  the signature is click's
        """All verbs, section by section."""
        return list(self.verbs)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The verbs under the titles of their sections, all in one column."""
        width = max(map(len, self.verbs))
        room = formatter.width - width - 6
        for title, verbs in self._sections.items():
            commands = [(verb, command) for verb in verbs if (command := self.get_command(ctx, verb))]
            with formatter.section(title):
                formatter.write_dl([(verb.ljust(width), each.get_short_help_str(room)) for verb, each in commands])

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002  click's
        """Import the verb. Its module defines it as `<verb>_verb`."""
        if cmd_name not in self.verbs:
            return None
        module = importlib.import_module(f"yolotui.cli.verbs.{self.verbs[cmd_name]}")
        command: click.Command = getattr(module, f"{cmd_name}_verb")
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Say the nearest verb where there is none of that name."""
        if args and args[0] not in self.verbs and not args[0].startswith("-"):
            meant = did_you_mean(ELSEWHERE.get(args[0], args[0]), self.verbs)
            raise click.UsageError(f"There is no verb {args[0]!r}{meant or '.'}", ctx)
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: click.Context) -> None:
        """Run the verb and leave with what it answered."""
        code: int = ExitCode.DONE
        try:
            code = super().invoke(ctx) or ExitCode.DONE
            sys.stdout.flush()
        except YolotuiError as error:
            from yolotui.cli.printing import narrate

            narrate(*f"yolotui: {error}".splitlines())
            code = error.exit_code
        except (KeyboardInterrupt, click.Abort):
            click.echo("Interrupted.", err=True)
            code = ExitCode.INTERRUPTED
        except click.exceptions.NoArgsIsHelpError:
            raise
        except click.UsageError as error:  # click prints it, and quotes what was typed
            from yolotui.harmless import clean

            raise click.UsageError(clean(error.format_message()), error.ctx) from None
        except OSError as error:
            code = _told(error)
        ctx.exit(code)


def _told(error: OSError) -> int:
    """Say what a file, a full disk or a reader that has left did to a verb; the exit code. Else it is raised again."""
    if error.filename is not None:
        from yolotui.cli.printing import narrate

        narrate(f"yolotui: {error.filename} can't be used: {error.strerror}.")
        return ExitCode.WRONG_USE
    if error.errno == errno.ENOSPC:
        _forget_stdout()
        click.echo("yolotui: the disk that stdout goes to is full: what was printed is not whole.", err=True)
        return ExitCode.WRONG_USE
    if error.errno in GONE:
        _forget_stdout()
        return BROKEN_PIPE
    raise error


def _forget_stdout() -> None:
    """Nobody reads any more: what is still buffered must not fail once more when the interpreter flushes it."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
