"""What is found before a training starts: remarks about its data set, its weights, its arguments and the machine."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec
from msgspec import Struct

from yolotui.core.health import Severity


class Remark(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Something to know before the start: `text` with the numbers, `advice` what to do, `examples` are files."""

    rule: str
    severity: Severity
    text: str
    advice: str = ""
    examples: tuple[str, ...] = ()

    @classmethod
    def error(cls, rule: str, text: str, advice: str, examples: Iterable[str] = ()) -> Remark:
        """What would spoil the training, or end it at once."""
        return cls(rule=rule, severity=Severity.ERROR, text=text, advice=advice, examples=tuple(examples))

    @classmethod
    def warning(cls, rule: str, text: str, advice: str, examples: Iterable[str] = ()) -> Remark:
        """What is probably not meant so."""
        return cls(rule=rule, severity=Severity.WARNING, text=text, advice=advice, examples=tuple(examples))

    @classmethod
    def info(cls, rule: str, text: str, advice: str = "", examples: Iterable[str] = ()) -> Remark:
        """What is good to know."""
        return cls(rule=rule, severity=Severity.INFO, text=text, advice=advice, examples=tuple(examples))


class Checking(Struct, frozen=True, omit_defaults=True):
    """A check that goes on: `done` images of `of` are looked at; 0 of 0 while nobody knows yet how many there are."""

    done: int = 0
    of: int = 0

    @property
    def percent(self) -> int:
        """0 to 99: what is done is not shown any more."""
        return min(99, 100 * self.done // self.of) if self.of else 0

    @property
    def sentence(self) -> str:
        """`Its data is being checked: 42 % (42,000 of 100,000 images).`"""
        if not self.of:
            return "Its data is about to be checked."
        return f"Its data is being checked: {self.percent} % ({self.done:,} of {self.of:,} images)."


class SplitCount(Struct, frozen=True, kw_only=True):
    """The images of a split. `unlabelled` have no label file, `empty` one without boxes; `dropped` are not trained on.

    `boxes` counts what the rest shows.
    """

    images: int = 0
    unlabelled: int = 0
    empty: int = 0
    dropped: int = 0
    boxes: int = 0


class DataReport(Struct, frozen=True, kw_only=True):
    """A data set, whichever job trains on it. `fingerprint` changes with its description and any file of it.

    `boxes_per_class` counts those of the training split (of images, for classification). `narrower_than` says of how
    many boxes the shorter side is below 2**-k of the image, by k. `aspect` is the mean of shorter to longer side.
    """

    fingerprint: str = ""
    splits: dict[str, SplitCount] = {}
    boxes_per_class: dict[str, int] = {}
    narrower_than: dict[int, int] = {}
    aspect: float = 1.0
    remarks: tuple[Remark, ...] = ()


class Preflight(Struct, frozen=True, kw_only=True):
    """The result of a check at `at` (UTC seconds), the worst remarks first. No `data`: it could not be looked at.

    `basis` says in what state everything was that it rests on: data, weights, libraries, code.
    """

    at: float
    took_s: float
    remarks: tuple[Remark, ...] = ()
    data: DataReport | None = None
    basis: dict[str, str] = {}

    @property
    def errors(self) -> tuple[Remark, ...]:
        """What would spoil the training, or end it at once."""
        return tuple(remark for remark in self.remarks if remark.severity is Severity.ERROR)

    @property
    def warnings(self) -> tuple[Remark, ...]:
        """What is probably not meant so."""
        return tuple(remark for remark in self.remarks if remark.severity is Severity.WARNING)

    @property
    def verdict(self) -> str:
        """The worst of it in a word: errors, warnings, or fine."""
        return "errors" if self.errors else "warnings" if self.warnings else "fine"

    @property
    def summary(self) -> str:
        """`2 errors, 1 warning`, or `fine`."""
        counts = {"error": len(self.errors), "warning": len(self.warnings)}
        said = [f"{count} {word}{'' if count == 1 else 's'}" for word, count in counts.items() if count]
        return ", ".join(said) or "fine"

    @property
    def why_held(self) -> str:
        """Why a job is held for its errors; empty without any."""
        if not self.errors:
            return ""
        first, others = self.errors[0], len(self.errors) - 1
        more = f" And {others} more error{'' if others == 1 else 's'}." if others else ""
        return f"pre-flight: {first.text} {first.advice}{more}".rstrip()


class Footing(Struct, frozen=True):
    """What a training that asked for `asked` rested on, in the words of a basis, when something was done (`since`)."""

    asked: str
    basis: dict[str, str]
    since: str


def with_drift(now: Preflight, footing: Footing) -> Preflight:
    """`now` with a warning of what has changed since."""
    known = footing.basis
    changed = [name for name in known if name in now.basis and now.basis[name] != known[name]]
    if not changed:
        return now
    told = [f"{name} ({known[name]} → {now.basis[name]})" if name not in OPAQUE else name for name in changed]
    text = f"Changed since {footing.since}: {', '.join(told)}."
    remark = Remark.warning(DRIFT, text, "It trains with what is there now.")
    return msgspec.structs.replace(now, remarks=worst_first((*now.remarks, remark)))


DRIFT = "drift"
OPAQUE = frozenset({"data", "data.yaml", "weights", "code"})
"""Parts of a basis whose text tells people nothing."""


def worst_first(remarks: Iterable[Remark]) -> tuple[Remark, ...]:
    """In the order in which they matter."""
    order = list(Severity)[::-1]
    return tuple(sorted(remarks, key=lambda remark: order.index(remark.severity)))
