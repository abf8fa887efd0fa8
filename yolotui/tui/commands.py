"""The command palette, from the registry of actions."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Protocol, cast

from textual.command import DiscoveryHit, Hit, Hits, Provider

from yolotui.tui.actions import Action


class _HasActions(Protocol):
    @property
    def actions(self) -> Sequence[Action]: ...


class ActionCommands(Provider):
    """Every action of the screen as a command."""

    @property
    def _actions(self) -> Sequence[Action]:
        return [action for action in cast("_HasActions", self.screen).actions if action.name != "palette"]

    async def discover(self) -> Hits:
        """All of them, before anything is written."""
        for action in self._actions:
            yield DiscoveryHit(self._title(action), partial(self.screen.run_action, action.name), help=action.help)

    async def search(self, query: str) -> Hits:
        """Those whose name or help fits."""
        matcher = self.matcher(query)
        for action in self._actions:
            title = self._title(action)
            score = max(matcher.match(title), matcher.match(action.help) / 2)
            if score > 0:
                callback = partial(self.screen.run_action, action.name)
                yield Hit(score, matcher.highlight(title), callback, help=action.help)

    @staticmethod
    def _title(action: Action) -> str:
        return f"{action.name.replace('_', ' ').capitalize()} ({action.key_sign})"
