"""How the jobs of a file hang together: `after`, quality gates, placeholders, and no circles."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from graphlib import CycleError, TopologicalSorter
from math import isfinite
from typing import NamedTuple

from yolotui.core.handing_on import MADE
from yolotui.core.jobs import AfterMode, Gate, Kind
from yolotui.jobfile.lines import Path
from yolotui.jobfile.places import PLACEHOLDER
from yolotui.jobfile.source import Mistakes
from yolotui.nearest import did_you_mean, nearest

_GATE = re.compile(r"(?P<left>.+?)\s*(?P<comparison><=|>=|<|>|==|=)\s*(?P<right>\S+)")
_METRIC = re.compile(r"(metrics|val|train)/\S.*|fitness")


class Entry(NamedTuple):
    """A job of the file as others see it, and what it asks of the names it comes after. `path` is its table there."""

    name: str
    group: str
    kind: Kind
    after: Mapping[str, AfterMode]
    path: Path


class Roster:
    """The jobs of one submission by name; `existing` are the names of jobs in the queue, None where nobody knows."""

    def __init__(self, entries: Sequence[Entry], existing: Collection[str] | None) -> None:
        self._entries = entries
        self._existing = existing
        self._by_group = {(entry.group, entry.name): entry for entry in entries}
        self._by_name = {entry.name: entry for entry in entries}

    def find(self, name: str, group: str) -> Entry | None:
        """The job of that name in the group, else anywhere in the file."""
        return self._by_group.get((group, name)) or self._by_name.get(name)

    def check_names(self, mistakes: Mistakes) -> None:
        """Names are unique in their group."""
        seen: set[tuple[str, str]] = set()
        for entry in self._entries:
            if (entry.group, entry.name) in seen:
                mistakes.add((*entry.path, "name"), f"{entry.name!r} is there twice in the group {entry.group!r}")
            seen.add((entry.group, entry.name))

    def check_after(self, entry: Entry, mistakes: Mistakes) -> tuple[str, ...]:
        """What `after` names; returns the names that are not in the file, for the queue to know."""
        path = (*entry.path, "after")
        external = []
        for name in entry.after:
            found = self.find(name, entry.group)
            if found is not None and found.path == entry.path:
                mistakes.add(path, f"{name!r} can't come after itself")
            elif found is None and not self._is_elsewhere(name, entry):
                mistakes.add(path, f"there is no job {name!r}{did_you_mean(name, self._others(entry))}")
            elif found is None:
                external.append(name)
        return tuple(external)

    def _is_elsewhere(self, name: str, entry: Entry) -> bool:
        if name.isdecimal():
            return True
        if self._existing is None:
            return nearest(name, self._others(entry)) is None
        return name in self._existing

    def _others(self, entry: Entry) -> list[str]:
        """Every known name but the entry's own, which it can't come after."""
        return [name for name in {**self._by_name, **dict.fromkeys(self._existing or ())} if name != entry.name]

    def check_circles(self, mistakes: Mistakes) -> None:
        """No job waits for itself over others."""
        sorter: TopologicalSorter[Path] = TopologicalSorter()
        by_path = {entry.path: entry for entry in self._entries}
        for entry in self._entries:
            needed = (self.find(name, entry.group) for name in entry.after)
            sorter.add(entry.path, *(other.path for other in needed if other and other.path != entry.path))
        try:
            sorter.prepare()
        except CycleError as error:
            circle = list(reversed(error.args[1]))  # graphlib goes from what is needed to what needs it
            shown = " → ".join(by_path[path].name for path in circle)
            mistakes.add((*circle[0], "after"), f"these wait for each other: {shown}")

    def gate(self, text: str, entry: Entry) -> Gate:
        """`"night-n.metrics/mAP50-95(B) >= 0.40"`. Raises ValueError with a sentence."""
        match = _GATE.fullmatch(text.strip())
        example = 'write "job.metrics/mAP50-95(B) >= 0.40"'
        if match is None:
            raise ValueError(f"{text!r} is not a comparison: {example}")
        if match["comparison"] in {"=", "=="}:
            raise ValueError(f"{text!r} compares for equality: use >=, >, <= or <")
        job, metric = self._job_and_metric(match["left"], entry)
        if not _METRIC.fullmatch(metric):
            raise ValueError(f"{metric!r} in {text!r} is not a metric: {example}")
        try:
            threshold = float(match["right"])
        except ValueError:
            threshold = float("nan")
        if not isfinite(threshold):
            raise ValueError(f"{match['right']!r} in {text!r} is not a number")
        self._require(job, entry, f"the gate {text!r}")
        if entry.after[job] not in {"all", "any"}:
            raise ValueError(f"the gate {text!r} asks for a success, but after has {job!r} under {entry.after[job]}")
        return Gate(job, metric, match["comparison"], threshold)

    def _job_and_metric(self, left: str, entry: Entry) -> tuple[str, str]:
        # Names may have dots in them: the longest one that fits is meant.
        for name in sorted({*self._by_name, *entry.after}, key=len, reverse=True):
            if left.startswith(f"{name}."):
                return name, left[len(name) + 1 :]
        job, dot, metric = left.partition(".")
        if not dot:
            raise ValueError(f"{left!r} names no job: write job.metric")
        return job, metric

    def check_placeholders(self, texts: Iterable[str], entry: Entry) -> None:
        """`{job.best}` asks for something that an earlier job makes. Raises ValueError with a sentence."""
        for text in texts:
            for job, made in PLACEHOLDER.findall(text):
                if made in MADE:
                    self._require(job, entry, f"{{{job}.{made}}}")
                    self._require_end(job, made, entry)
                    self._require_maker(job, made, entry)
                elif job in self._by_name or job in entry.after:
                    raise ValueError(f"{{{job}.{made}}}: a job has {', '.join(MADE)}{did_you_mean(made, MADE)}")

    def _require(self, job: str, entry: Entry, what: str) -> None:
        if job not in entry.after:
            known = job in self._by_name
            raise ValueError(
                f"{what} needs a job that comes before: add after = [{job!r}]"
                if known
                else f"{what}: there is no job {job!r} in after{did_you_mean(job, [*entry.after, *self._by_name])}"
            )

    def _require_end(self, job: str, made: str, entry: Entry) -> None:
        if entry.after[job] == "any" and len([mode for mode in entry.after.values() if mode == "any"]) > 1:
            raise ValueError(f"{{{job}.{made}}}: it may start before {job!r} has ended, which stands under any")

    def _require_maker(self, job: str, made: str, entry: Entry) -> None:
        found = self.find(job, entry.group)
        makes_weights = found is None or found.kind in {Kind.TRAIN, Kind.EXPORT}
        if made in {"best", "last"} and found is not None and not makes_weights:
            raise ValueError(f"{{{job}.{made}}}: {job!r} is a {found.kind} job and makes no weights")
        if made == "results" and found is not None and found.kind is Kind.COMMAND:
            raise ValueError(f"{{{job}.{made}}}: {job!r} is a command: only {{{job}.dir}} is known of it")
