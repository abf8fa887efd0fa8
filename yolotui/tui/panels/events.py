"""The audit log and what needs attention, a row each. Pure."""

from __future__ import annotations

from rich.style import Style

from yolotui.audit_text import detail_text
from yolotui.store import AuditRow
from yolotui.tui.glyphs import Glyphs
from yolotui.tui.palette import PLAIN, QUIET, SKY, ink
from yolotui.tui.panels.searching import marked
from yolotui.tui.panels.texts import Piece, cut, pieces
from yolotui.tui.plot import Row
from yolotui.tui.snapshot import Snapshot
from yolotui.tui.words import fit, named, plain
from yolotui.units import format_clock

WHEN_WIDTH, WHO_WIDTH, VERB_WIDTH = 16, 10, 14


def attention_row(notice: Piece, width: int, glyphs: Glyphs) -> Row:
    """Something that needs a person."""
    text, style = notice
    return cut(pieces((f"{glyphs.attention} needs attention  ", style), (text, style)), width, glyphs.ellipsis)


def event_row(event: AuditRow, snapshot: Snapshot, words: str, now: float, width: int, glyphs: Glyphs) -> Row:  # noqa: PLR0917 — what it draws, where
    """When, who, what, which job, why; the words that are looked for are marked."""
    job = snapshot.jobs.get(event.job) if event.job is not None else None
    cards = snapshot.published.host.gpus if snapshot.published else ()
    subject = named(job) if job else f"#{event.job}" if event.job is not None else ""
    why = f'"{event.reason}"' if event.reason else ""
    rest = "  ".join(text for text in (why, detail_text(event, cards)) if text)
    when = format_clock(event.at, now)
    short = width < 100
    row = pieces((fit(when, 15 if short else WHEN_WIDTH, glyphs.ellipsis) + " ", QUIET))
    for text, size, style in (
        (event.actor, WHO_WIDTH, PLAIN),
        (event.verb, VERB_WIDTH, ink(SKY)),
        (subject, 20 if short else 30, PLAIN),
    ):
        row += [*_found(fit(plain(text), size, glyphs.ellipsis), words, style), *pieces((" ", PLAIN))]
    return cut(row + _found(plain(rest), words, QUIET), width, glyphs.ellipsis)


def _found(text: str, words: str, style: Style) -> Row:
    """The text, with the first of the words that stands in it marked."""
    word = next((word for word in words.split() if word.lower() in text.lower()), "")
    return marked(text, word, style)
