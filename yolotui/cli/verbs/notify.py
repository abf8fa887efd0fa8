"""`notify`: who is told what, what was told, and whether it arrives."""

from __future__ import annotations

import socket
from contextlib import suppress
from typing import TYPE_CHECKING

import click

from yolotui.cli.options import json_option
from yolotui.cli.printing import Table, narrate, print_document, print_table
from yolotui.errors import ExitCode, NotPossible
from yolotui.locations import Home
from yolotui.units import format_duration

TEST_TITLE = "yolotui: a test"
EVERYBODY = "everybody"

if TYPE_CHECKING:
    from yolotui.notify.channels import Channel
    from yolotui.store import Message


@click.command("notify")
@click.option("--test", "is_test", is_flag=True, help="Send a message to every address now.")
@click.option("--list", "is_list", is_flag=True, help="Show what was told, and what still waits to be.")
@click.option("-n", "--lines", type=click.IntRange(1), default=50, show_default=True, help="How many of the newest.")
@json_option
def notify_verb(is_test: bool, is_list: bool, lines: int, as_json: bool) -> int:
    """Show who is told what. With --list, what was told; with --test, see whether it arrives.

    [notify] in the configuration says who: addresses as apprise writes them, by event or as channels.
    """
    from yolotui.notify.channels import channels
    from yolotui.notify.delivering import troubles
    from yolotui.notify.starting import ensure_sender
    from yolotui.store import Store

    if is_test and is_list:
        raise click.UsageError("--test sends, --list shows: one of both.")
    home = Home.current()
    with Store(home) as store:
        with suppress(OSError):  # looking goes on where nothing can be started
            ensure_sender(home, store)
        if is_list:
            _show_messages(store.outbox.newest(lines), as_json=as_json)
            return ExitCode.DONE
        found = channels(home, store.read.owner_uids())
    if is_test:
        return _send_tests(found, as_json=as_json)
    _show_channels(found, as_json=as_json)
    for trouble in troubles([channel.address for channel in found]):
        narrate(trouble)
    return ExitCode.DONE


def _send_tests(found: list[Channel], *, as_json: bool) -> int:
    """Send a message to each address, and tell what went where; it says itself of what the address is told."""
    from yolotui.core.health import Severity
    from yolotui.notify.channels import shown
    from yolotui.notify.delivering import deliver

    if not found:
        raise NotPossible(
            'Nobody is to be told anything: write [notify] finished = ["wecombot://…"] into the configuration.'
        )
    results = []
    for address in dict.fromkeys(channel.address for channel in found):
        told_of = "; ".join(_told_of(channel) for channel in found if channel.address == address)
        body = f"Notifications of {socket.gethostname()} arrive here. This address is told of {told_of}."
        refusal = deliver(address, TEST_TITLE, body, Severity.INFO)
        results.append({"address": shown(address), "told_of": told_of, "trouble": refusal.why if refusal else ""})
    if as_json:
        print_document("tests", results)
    else:
        table = Table(("address", "the test", "told of"))
        for result in results:
            table.add(result["address"], result["trouble"] or "arrived", result["told_of"])
        print_table(table)
    return ExitCode.NOT_POSSIBLE if any(result["trouble"] for result in results) else ExitCode.DONE


def _told_of(channel: Channel) -> str:
    """`failed, gpu (warning or more, about anna)`."""
    limits = [f"{channel.severity.value} or more"] if channel.severity != "info" else []
    about = _about(channel)
    limits += [f"about {about}"] if about != EVERYBODY else []
    return _events(channel, ", ") + (f" ({', '.join(limits)})" if limits else "")


def _events(channel: Channel, separator: str) -> str:
    from yolotui.config import NotifyEvent

    is_all = len(channel.events) == len(NotifyEvent)
    return "all" if is_all else separator.join(event.value for event in NotifyEvent if event in channel.events)


def _about(channel: Channel) -> str:
    return " ".join(sorted(channel.owners)) or (f"uid {channel.uid}" if channel.uid is not None else EVERYBODY)


def _show_channels(found: list[Channel], *, as_json: bool) -> None:
    from yolotui.config import NotifyEvent
    from yolotui.notify.channels import shown

    if as_json:
        print_document(
            "channels",
            [
                {
                    "address": shown(channel.address),
                    "events": [event.value for event in NotifyEvent if event in channel.events],
                    "severity": channel.severity.value,
                    "owners": sorted(channel.owners),
                    "uid": channel.uid,
                    "digest_s": channel.digest_s,
                    "per_hour": channel.per_hour,
                }
                for channel in found
            ],
        )
        return
    table = Table(("address", "events", "from", "about", "digest"))
    for channel in found:
        digest = format_duration(channel.digest_s) if channel.digest_s else ""
        table.add(shown(channel.address), _events(channel, " "), channel.severity.value, _about(channel), digest)
    print_table(table)


def _show_messages(messages: list[Message], *, as_json: bool) -> None:
    from yolotui.audit_text import clock_text
    from yolotui.notify.channels import shown

    if as_json:
        print_document(
            "messages",
            [
                {
                    "event": message.event,
                    "audit": message.audit,
                    "at": message.made_at,
                    "address": shown(message.address),
                    "severity": message.severity,
                    "title": message.title,
                    "body": message.body,
                    "state": message.state.value,
                    "due_at": message.due_at,
                    "sent_at": message.sent_at,
                    "tries": message.tries,
                    "trouble": message.trouble,
                }
                for message in messages
            ],
        )
        return
    table = Table(("at", "to", "what", "state", "tries", "trouble"), right=frozenset({"tries"}))
    for message in messages:
        tried = str(message.tries)
        at, address = clock_text(message.made_at), shown(message.address)
        table.add(at, address, message.title, message.state.value, tried, message.trouble)
    print_table(table)
