"""Verbs about bookings: reserve, unreserve, transfer, extend, rebook; reservations shows them."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from yolotui.booking_words import cards_text, named, span_text
from yolotui.cli.documents import booking_document
from yolotui.cli.moments import read_end, read_length, read_moment
from yolotui.cli.options import complete_job, confirm, json_option, open_queue, reason_option, yes_option
from yolotui.cli.printing import Cell, Table, narrate, print_document, print_table
from yolotui.cli.selecting import the_one
from yolotui.config import is_to_ask
from yolotui.core.bookings import Booked, Booking, Open, Over, Waitlisted
from yolotui.core.gpus import Gpu
from yolotui.locations import Home
from yolotui.queue import Queue
from yolotui.units import format_clock, format_duration

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

STYLES = {"waitlisted": "yellow", "booked": "", "open": "cyan", "over": "dim"}


def complete_booking(_context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The numbers of bookings that are not over, for the shell."""
    from click.shell_completion import CompletionItem

    if not Home.current().queue.exists():
        return []
    with Queue(start_scheduler=False) as queue:
        bookings, cards = queue.bookings(), queue.cards()
    told = {str(each.id): f"{named(each)}, {_gist(each, cards, time.time())}" for each in bookings}
    return [CompletionItem(number, help=text) for number, text in told.items() if number.startswith(incomplete)]


_booking_argument = click.argument(
    "booking", type=click.IntRange(min=1), metavar="BOOKING", shell_complete=complete_booking
)


@click.command("reserve")
@click.option(
    "--gpus", type=click.IntRange(min=1), metavar="N", help="How many; one, or what --job needs, if left out."
)
@click.option("--on", multiple=True, metavar="GPU", help="Just these cards, by index or UUID: 0,1 or repeated.")
@click.option("--gpu", "gpu_model", default="", metavar="MODEL", help="Only cards with that in their name (A100).")
@click.option(
    "--from", "start", default="now", metavar="TIME", help='"22:00", "tomorrow 22:00", "Wed 18:00"; else now.'
)
@click.option("--for", "length", metavar="LENGTH", help="For how long: 8h, 1h30m.")
@click.option("--until", metavar="TIME", help="Or until when.")
@click.option(
    "--job", metavar="JOB", shell_complete=complete_job, help="For this job alone; else for all that you run."
)
@click.option("--note", default="", metavar="TEXT", help="What for, for others to read.")
@click.option("--waitlist", is_flag=True, help="If others have it: wait until they let go.")
@click.option("--dry-run", is_flag=True, help="Book nothing; tell who is in the way, or whom it would delay.")
@click.option("--json", "as_json", is_flag=True, help="With --dry-run: one JSON object.")
@reason_option
def reserve_verb(
    *,
    gpus: int | None,
    on: Sequence[str],
    gpu_model: str,
    start: str,
    length: str | None,
    until: str | None,
    job: str | None,
    note: str,
    waitlist: bool,
    dry_run: bool,
    as_json: bool,
    reason: str,
) -> None:
    """Book GPUs for a window and print the booking's number.

    When others have them, it says who, until when, and which windows are free instead.

    yolotui reserve --gpus 4 --from "tomorrow 22:00" --for 8h
    """
    if as_json and not dry_run:
        raise click.UsageError("--json goes with --dry-run: what reserve itself prints is the booking's number.")
    queue, now = open_queue(), time.time()
    starts_at = read_moment(start, "--from", now)
    request = queue.booking_request(
        starts_at,
        read_end(until, length, "--for", starts_at, now),
        gpus=gpus,
        on=[name for each in on for name in each.split(",") if name.strip()],
        gpu_model=gpu_model,
        job=the_one(queue, job, "a booking is for one").id if job else None,
        note=note,
    )
    if dry_run:
        from yolotui.cli.moving import print_moves, tell_moves

        (print_moves if as_json else tell_moves)(queue, queue.what_if_reserved(request))
        return
    booking = queue.reserve(request, waitlist=waitlist, reason=reason)
    click.echo(booking.id)
    _tell(booking, queue.cards(), now)


@click.command("unreserve")
@click.argument(
    "bookings",
    type=click.IntRange(min=1),
    nargs=-1,
    required=True,
    metavar="BOOKING...",
    shell_complete=complete_booking,
)
@yes_option
@reason_option
def unreserve_verb(bookings: Sequence[int], yes: bool, reason: str) -> None:
    """Take bookings back, or give back what is left of open ones. `undo` brings the last one back.

    Asks on a terminal when there are several (`confirm` in the configuration). In a script it goes ahead.
    """
    queue, now = open_queue(), time.time()
    chosen = [queue.booking(each) for each in dict.fromkeys(bookings)]

    def question() -> str:
        for booking in chosen:
            narrate(f"  {named(booking)}: {_gist(booking, queue.cards(), now)}")
        return f"Take {'this booking' if len(chosen) == 1 else f'these {len(chosen)} bookings'} back?"

    is_asked = is_to_ask(queue.config.queue.confirm, harmless=len(chosen) == 1)
    confirm(question, yes=yes or not is_asked)
    for booking in chosen:
        moved_up = queue.unreserve(booking.id, reason=reason)
        narrate(f"Taken back: {named(booking)}, {_gist(booking, queue.cards(), now)}.")
        _tell_moved_up(queue, moved_up, now)


@click.command("transfer")
@_booking_argument
@click.argument("name", metavar="NAME")
@reason_option
def transfer_verb(booking: int, name: str, reason: str) -> None:
    """Make a booking somebody else's: an account of this machine, or an owner of jobs."""
    queue = open_queue()
    before = queue.booking(booking)
    after = queue.transfer(booking, name, reason=reason)
    narrate(f"Booking {booking} is {after.owner.name}'s now; it was {before.owner.name}'s.")


@click.command("extend")
@_booking_argument
@click.option("--until", metavar="TIME", help="When it is to end, later or sooner than it would.")
@click.option("--by", metavar="LENGTH", help="Or by how much: 2h longer, -1h shorter.")
@reason_option
def extend_verb(booking: int, until: str | None, by: str | None, reason: str) -> None:
    """Let a booking end later, or sooner. It keeps its cards."""
    queue, now = open_queue(), time.time()
    before = queue.booking(booking)
    if until is None and by is not None:
        ends_at = before.ends_at + read_length(by, "--by")
    else:
        ends_at = read_end(until, by, "--by", before.starts_at, now)
    moved_up = queue.extend(booking, ends_at, reason=reason)
    change_s = ends_at - before.ends_at
    changed = f"{format_duration(abs(change_s))} {'later' if change_s > 0 else 'sooner'}"
    narrate(f"Booking {booking} ends {changed}, {format_clock(ends_at, now)}.")
    _tell_moved_up(queue, moved_up, now)


@click.command("rebook")
@_booking_argument
@click.option("--from", "start", required=True, metavar="TIME", help="When it is to begin.")
@click.option("--for", "length", metavar="LENGTH", help="For how long; as long as it was if left out.")
@click.option("--until", metavar="TIME", help="Or until when.")
@reason_option
def rebook_verb(booking: int, start: str, length: str | None, until: str | None, reason: str) -> None:
    """Give a booking that has not begun another window."""
    queue, now = open_queue(), time.time()
    before = queue.booking(booking)
    starts_at = read_moment(start, "--from", now)
    if length is None and until is None:
        ends_at = starts_at + before.ends_at - before.starts_at
    else:
        ends_at = read_end(until, length, "--for", starts_at, now)
    moved_up = queue.move_booking(booking, starts_at, ends_at, reason=reason)
    _tell(queue.booking(booking), queue.cards(), now)
    _tell_moved_up(queue, [each for each in moved_up if each.id != booking], now)


@click.command("reservations")
@click.option("--all", "with_past", is_flag=True, help="Those that are over, too.")
@json_option
def reservations_verb(with_past: bool, as_json: bool) -> None:
    """Show the bookings by when they begin: whose they are, which GPUs, from when to when."""
    queue, now = open_queue(), time.time()
    found = queue.bookings(over=with_past)
    if as_json:
        print_document("reservations", [booking_document(booking) for booking in found])
        return
    if not found:
        narrate('Nothing is booked. `yolotui reserve --gpus 2 --from "tomorrow 22:00" --for 8h` books.')
        return
    cards = queue.cards()
    table = Table(("id", "state", "owner", "gpus", "from", "to", "job", "note"), right=frozenset({"id", "job"}))
    for booking in found:
        table.add(
            str(booking.id),
            Cell(booking.state, STYLES[booking.state]),
            booking.owner.name,
            cards_text(booking, cards).removeprefix("GPU "),
            format_clock(booking.starts_at, now),
            format_clock(booking.ends_at, now),
            str(booking.job_id or ""),
            "; ".join(filter(None, (booking.note, _more(booking, now)))),
        )
    print_table(table)


def _tell(booking: Booking, cards: Sequence[Gpu], now: float) -> None:
    if isinstance(booking.status, Waitlisted):
        narrate(f"On the waitlist: {_gist(booking, cards, now)}. It moves up when those who have it let go.")
    else:
        kept = format_clock(booking.kept_until, now)
        narrate(f"Booked: {_gist(booking, cards, now)} (kept until {kept} for what overruns).")


def _tell_moved_up(queue: Queue, moved_up: Sequence[Booking], now: float) -> None:
    for booking in moved_up:
        narrate(f"Moved up from the waitlist: {named(booking)}, {_gist(booking, queue.cards(), now)}.")


def _gist(booking: Booking, cards: Sequence[Gpu], now: float) -> str:
    return f"{cards_text(booking, cards)} from {span_text(booking.starts_at, booking.ends_at, now)}"


def _more(booking: Booking, now: float) -> str:
    """What its state says beside the word for it."""
    match booking.status:
        case Over(since=since, ending=ending):
            return f"{ending.replace('_', ' ')} {format_clock(since, now)}"
        case Open(used_at=None):
            return "not used yet"
        case Booked(warned_at=warned_at) if warned_at is not None:
            return f"others were told at {format_clock(warned_at, now)}"
    return ""
