"""The keys of the configuration's `[keys]` in place of ours, checked before anything is drawn."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Final

from textual.binding import Binding
from textual.keys import Keys, key_to_character

from yolotui.errors import WrongUse
from yolotui.nearest import did_you_mean
from yolotui.tui.actions import ACTIONS, KEY_SIGNS, Action, at, sign_of

MODIFIERS: Final = ("ctrl", "alt", "shift")
NAMED_KEYS: Final = frozenset(
    {key.value for key in Keys if not key.value.startswith("<")} | set(KEY_SIGNS) | {"space", "enter", "backspace"}
)


def with_keys(chosen: Mapping[str, str], actions: Sequence[Action] = ACTIONS) -> tuple[Action, ...]:
    """The actions with the keys of `[keys]`: action name to keys, separated by commas; `"+"` is as good as `"plus"`.

    Raises WrongUse, with every mistake, for an action or a key that there is not, and for a key that is another's.
    """
    names = [action.name for action in actions]
    mistakes = [
        f"[keys] {name}: there is no such action{did_you_mean(name, names)}" for name in chosen if name not in names
    ]
    keys = {name: _keys_of(text) for name, text in chosen.items()}
    mistakes += [
        f"[keys] {name}: there is no key {key!r}{did_you_mean(key, NAMED_KEYS)}"
        for name, its_keys in keys.items()
        for key in its_keys
        if not _is_a_key(key)
    ]
    changed = tuple(replace(action, keys=keys.get(action.name, action.keys)) for action in actions)
    if not mistakes:
        mistakes = list(dict.fromkeys(_taken_twice(changed, chosen)))
    if mistakes:
        raise WrongUse("\n".join(mistakes))
    return changed


def _keys_of(text: str) -> tuple[str, ...]:
    """The names that Textual has for the keys of a text; a comma alone is the key itself."""
    parts = ["comma"] if text.strip() == "," else [part for part in text.split(",") if part.strip()]
    return tuple(binding.key for part in parts for binding in Binding.make_bindings([Binding(part, "key")]))


def _is_a_key(key: str) -> bool:
    *modifiers, last = key.split("+")
    if any(modifier not in MODIFIERS for modifier in modifiers):
        return False
    return key in NAMED_KEYS or last in NAMED_KEYS or len(last) == 1 or key_to_character(last) is not None


def _taken_twice(actions: Sequence[Action], chosen: Mapping[str, str]) -> Iterator[str]:
    """A sentence for each key that two actions of one screen have, about the one that the configuration named."""
    for place in dict.fromkeys(place for action in actions for place in action.places):
        owners: dict[str, Action] = {}
        # Those that nobody has changed come first, so that the complaint is about what stands in the file.
        for action in sorted(at(place, actions), key=lambda action: action.name in chosen):
            for key in action.keys:
                other = owners.setdefault(key, action)
                if other is not action:
                    yield f"[keys] {action.name}: {sign_of(key)!r} is the key of {other.name}; give that one another"
