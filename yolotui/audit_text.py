"""The audit log in words."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple

from yolotui.units import format_bytes, format_duration

if TYPE_CHECKING:
    from yolotui.core.gpus import Gpu
    from yolotui.store import AuditRow

UUID = re.compile(r"GPU-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
UNIT = re.compile(r"_(at|s|bytes)$")
MOMENTS = frozenset({"deadline", "expected_finish"})
STATES = frozenset({"outcome", "then", "cause", "ending"})
FOR_UNDO = frozenset({"status", "held", "owner_uid"})
"""What is kept so that it can be put back; other words say it to people."""


class Words(NamedTuple):
    """How an act is told: `facts`, each left out where one of its fields is empty, and a field that is a sentence."""

    facts: tuple[str, ...] = ()
    sentence: str = "why"


WORDS: Mapping[str, Words] = {
    "submit": Words(("as {priority}", "from {file}")),
    "update": Words(("from {file}", "it was {was}")),
    **dict.fromkeys(("edit", "priority", "deadline"), Words(("{changes}",))),
    **dict.fromkeys(("hold", "release", "cancel", "resume"), Words(("it was {was}",))),
    **dict.fromkeys(("pause", "checkpoint", "finish", "skip", "leave", "withdraw-notice"), Words()),
    "kill": Words(("it was {was}", "{epochs} epochs done")),
    "retry": Words(("it was {was}", "for job {because}")),
    "rearm": Words(("behind job {because}",)),
    "undo": Words(("of {verb}",)),
    **dict.fromkeys(("hold-group", "release-group"), Words(("group {group}",))),
    "collect": Words(("{what}", "{bytes}")),
    "preflight": Words(("{verdict}",)),
    "start": Words(("attempt {attempt}", "on {gpus}"), sentence="how"),
    "run": Words(("attempt {attempt}", "pid {pid}")),
    "end": Words(("attempt {attempt} {outcome}", "{cause}", "now {then}")),
    "lose-sight": Words(("attempt {attempt}",)),
    "health": Words(("{severity}", "{rule}", "epoch {epoch}")),
    "notice": Words(("until {due_at}",)),
    "evict": Words(("attempt {attempt}",)),
    "deadline-in-danger": Words(("due {deadline_at}", "expected {expected_finish}"), sentence="change"),
    "deadline-safe-again": Words(("due {deadline_at}", "expected {expected_finish}")),
    "lead": Words(("pid {pid}",)),
    "drain": Words(("{gpu}", "closes {closes_at}")),
    **dict.fromkeys(("undrain", "quarantine", "end-quarantine"), Words(("{gpu}",))),
    **dict.fromkeys(("gpu-trouble", "gpu-well"), Words(("{gpu}", "{what}"))),
    "gpu-error": Words(("attempt {attempt}", "{gpus}")),
    "reserve": Words(("booking {booking} of {owner}", "{gpus}", "{starts_at} to {ends_at}", "{state}")),
    "unreserve": Words(("booking {booking} of {owner}", "{gpus}", "{starts_at} to {ends_at}")),
    **dict.fromkeys(("transfer", "extend", "move", "rebind"), Words(("booking {booking}", "{changes}"))),
    **dict.fromkeys(("open-booking", "use-booking", "warn-booking"), Words(("booking {booking}", "{gpus}"))),
    "booking-hindered": Words(("booking {booking}",)),
    "move-up": Words(("booking {booking}", "{gpus}", "from {starts_at} on")),
    "end-booking": Words(("booking {booking}", "{ending}")),
}
"""By verb. An act that has no words here is told field by field."""


def detail_text(row: AuditRow, cards: Iterable[Gpu] = ()) -> str:
    """`attempt 2, on GPU 3`: what is on record of an act, beside who, when and for what reason.

    A card is called by its index if it is among `cards`, else by the beginning of its UUID.
    """
    names = {card.uuid: f"GPU {card.index}" for card in cards}
    if row.verb not in WORDS:
        return " ".join(f"{key}={text}" for key, text in _texts(row.detail, names).items())
    facts, sentence = WORDS[row.verb]
    before = row.detail.get("before")
    texts = _texts({**before, **row.detail} if isinstance(before, dict) else row.detail, names)
    texts["changes"] = _changes(row, names)
    if texts.get("then") == texts.get("outcome"):
        texts.pop("then", None)
    told = ", ".join(filter(None, (_filled(fact, texts) for fact in facts)))
    return ": ".join(filter(None, (told, texts.get(sentence))))


def clock_text(at: float) -> str:
    """A moment (UTC seconds) as the log has it: local date and time to the second."""
    return f"{datetime.fromtimestamp(at, UTC).astimezone():%Y-%m-%d %H:%M:%S}"


def _changes(row: AuditRow, names: Mapping[str, str]) -> str:
    """`from P2 to P0`; of several fields `epochs from 100 to 50, seed from none to 1`."""
    before, after = row.detail.get("before"), row.detail.get("after")
    if not isinstance(after, dict):
        return _change(row.verb, before, after, names)
    was = before if isinstance(before, dict) else {}
    changed = (
        f"{UNIT.sub('', key)} {_change(key, was.get(key), after[key], names)}" for key in after if key not in FOR_UNDO
    )
    return ", ".join(changed)


def _change(key: str, before: object, after: object, names: Mapping[str, str]) -> str:
    return f"from {_shown(key, before, names) or 'none'} to {_shown(key, after, names) or 'none'}"


def _texts(detail: Mapping[str, object], names: Mapping[str, str]) -> dict[str, str]:
    """The fields that say something to people."""
    shown = {key: _shown(key, value, names) for key, value in detail.items() if key not in FOR_UNDO}
    return {key: text for key, text in shown.items() if text}


def _shown(key: str, value: object, names: Mapping[str, str]) -> str:  # noqa: PLR0911 — one a kind of value
    """A value as people read it; nothing for one that is empty."""
    match value:
        case None | "":
            return ""
        case 0 if key == "epoch":  # found before the end of the first
            return ""
        case int() | float() if key.endswith("_at") or key in MOMENTS:
            return clock_text(value)
        case int() | float() if key.endswith("_s"):
            return format_duration(value)
        case int() if key.endswith("bytes"):
            return format_bytes(value)
        case list():
            return ", ".join(_shown(key, each, names) for each in value)
        case dict():
            return ", ".join(f"{name} {text}" for name, text in _texts(value, names).items())
        case str() if value in names:
            return names[value]
        case str() if key in STATES:
            return value.replace("_", " ")
        case str() if UUID.fullmatch(value):
            return value[:12]
    return str(value)


def _filled(fact: str, texts: Mapping[str, str]) -> str:
    """The fact with its fields; nothing where one is empty."""
    try:
        return fact.format_map(texts)
    except KeyError:
        return ""
