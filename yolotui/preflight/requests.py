"""What the leader asks of a check, and what it is told: answers, and on the way to them how far it is."""

from __future__ import annotations

import hashlib
import time

import msgspec
from msgspec import Struct

from yolotui.core.jobs import JobSpec
from yolotui.core.preflight import Checking, Preflight, Remark


class Request(Struct, frozen=True):
    """A training to check. `asked` stands for what was asked for when the check was ordered.

    `project` is the folder whose code it belongs to, if it is known."""

    job_id: int
    asked: str
    spec: JobSpec
    project: str = ""


class Answer(Struct, frozen=True, tag="answer"):
    """What came of it."""

    job_id: int
    asked: str
    preflight: Preflight


class Reached(Struct, frozen=True, tag="reached"):
    """How far the look at a data set is."""

    checking: Checking


Told = Answer | Reached


def digest_of(spec: JobSpec) -> str:
    """Changes with whatever a check looks at."""
    looked_at = (spec.model, spec.data, spec.arguments, spec.gpus)
    return hashlib.blake2b(msgspec.json.encode(looked_at, order="sorted"), digest_size=16).hexdigest()


def not_checked(why: str) -> Preflight:
    """What is known of a training whose check failed: nothing that should keep it from starting."""
    text = f"The check before the start failed ({why[:200]}): nothing is known."
    return Preflight(at=time.time(), took_s=0.0, remarks=(Remark.info("not-checked", text),))
