"""Who may do what: asked here, and nowhere else."""

from __future__ import annotations

import os

from yolotui.core.jobs import Owner
from yolotui.errors import NotPossible
from yolotui.store.database import Actor


def may_change(actor: Actor, owner: Owner) -> bool:
    """Whether `actor` may change what is `owner`'s, a job or a booking: so may root and whoever owns the home."""
    return actor.uid in (owner.uid, 0, os.getuid())


def may_change_host(actor: Actor) -> bool:
    """Whether `actor` may say what of the machine is used: root and whoever owns the home may."""
    return actor.uid in (0, os.getuid())


def refuse_stranger(actor: Actor, owner: Owner, what: str) -> None:
    """Raise NotPossible if `what` is not the actor's to change."""
    if not may_change(actor, owner):
        raise NotPossible(f"{what} belongs to {owner.name}: you can't change it.")


def refuse_who_may_not_change_host(actor: Actor) -> None:
    """Raise NotPossible if the actor has no say over the machine."""
    if not may_change_host(actor):
        raise NotPossible("The GPUs are those of the queue's owner: you can't take them out of use or bring them back.")
