"""From drafts to jobs: defaults under each job, the kind, paths, arguments, and how the jobs hang together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import PurePath
from typing import Any, NamedTuple

from yolotui import ultralytics_args
from yolotui.core.jobs import AFTER_FIELDS, AfterMode, Gate, JobSpec, Kind, Priority
from yolotui.jobfile.drafts import TABLES, Draft, Given
from yolotui.jobfile.fields import READERS, spec_field
from yolotui.jobfile.links import Entry, Roster
from yolotui.jobfile.places import PLACEHOLDER, Places, refuse_missing_program
from yolotui.jobfile.source import Mistakes

_ULTRALYTICS_KEYS = ("model", "data")
_COMMAND_KEYS = ("run", "cwd")
_PLAIN_KEYS = (
    *("group", "gpus", "vram", "gpu", "avoid", "prefer", "estimate", "time_limit", "keep"),
    *("retries", "retry_delay", "preemptible", "deadline", "env", "keep_env"),
)


class Assembled(NamedTuple):
    """A job that is complete and checked, as far as no mistake was noted."""

    spec: JobSpec
    priority: Priority
    hold: bool
    external: tuple[str, ...]


@dataclass(frozen=True)
class Desk:
    """What all jobs of a submission share."""

    places: Places
    mistakes: Mistakes
    defaults: Draft = field(default_factory=lambda: Draft(()))


def assemble(drafts: Sequence[Draft], desk: Desk, existing: Collection[str] | None) -> list[Assembled]:
    """The jobs of a submission, in order. They are only good while the desk has no mistakes."""
    mistakes = desk.mistakes
    jobs = [_Job(own, desk) for own in drafts]
    _name_the_nameless(jobs)
    roster = Roster([job.entry for job in jobs], existing)
    roster.check_names(mistakes)
    assembled = [job.assembled(roster) for job in jobs]
    roster.check_circles(mistakes)
    return assembled


def _name_the_nameless(jobs: Sequence[_Job]) -> None:
    """`yolo11n-1`, `yolo11n-2`: what it runs and a number, so that the same file gives the same names again."""
    taken = {job.name for job in jobs if job.name}
    numbers: Counter[str] = Counter()
    for job in jobs:
        while not job.name:
            numbers[job.stem] += 1
            candidate = f"{job.stem}-{numbers[job.stem]}"
            job.name = candidate if candidate not in taken else ""


class _Job:
    """One job on its way from its draft to its spec."""

    def __init__(self, own: Draft, desk: Desk) -> None:
        self._own = own
        self._defaults = desk.defaults
        self._places = desk.places
        self._mistakes = desk.mistakes
        self.kind = self._kind()
        self.name: str = own.get("name", "")
        self._fields = self._merged_fields()

    def _kind(self) -> Kind:
        chosen = [*self._own.tables, *([Kind.COMMAND] if "run" in self._own.written else [])]
        said: Kind | None = self._own.get("kind")
        if len(chosen) > 1:
            words = " and ".join("run" if kind is Kind.COMMAND else kind.value for kind in chosen)
            self._mistakes.add(self._own.path, f"a job does one thing: {words} are too many")
        elif said and chosen and said is not chosen[0]:
            self._mistakes.add(self._own.place("kind"), f"is {said}, but its other keys make it a {chosen[0]} job")
        elif said is Kind.COMMAND and not chosen:
            self._mistakes.add(self._own.place("kind"), "a command needs run = …")
        return said or (chosen[0] if chosen else Kind.TRAIN)

    def _merged_fields(self) -> dict[str, Given]:
        inherited = dict(self._defaults.fields)
        for key in _ULTRALYTICS_KEYS if self.kind is Kind.COMMAND else _COMMAND_KEYS:
            inherited.pop(key, None)
        if self.kind in {Kind.PREDICT, Kind.EXPORT}:
            inherited.pop("data", None)
        if self.kind is not Kind.TRAIN:
            inherited.pop("keep", None)
        if "gpus" in self._own.fields:  # whole GPUs and a share of one are alternatives: the job's own word counts
            inherited.pop("vram", None)
        if "vram" in self._own.fields:
            inherited.pop("gpus", None)
        return inherited | self._own.fields

    @property
    def stem(self) -> str:
        """What an automatic name begins with."""
        run = self._get("run")
        what = run[0] if run else self._get("model") or self.kind.value
        stem = PurePath(PLACEHOLDER.sub(r"\1", what)).name.split(".")[0]
        printable = "".join(letter for letter in stem if letter.isprintable() and letter not in "{}@")
        return printable[:60] or self.kind.value

    @property
    def entry(self) -> Entry:
        """How the other jobs see it."""
        group = self._get("group", "default")
        return Entry(self.name, group, self.kind, self._get("after", {}), self._own.path)

    def assembled(self, roster: Roster) -> Assembled:
        """Check what is left to check, and put the spec together."""
        entry = self.entry
        external = roster.check_after(entry, self._mistakes)
        gates = self._gates(roster, entry)
        is_command = self.kind is Kind.COMMAND
        self._check_keys_of_other_kinds()
        self._check_share()
        self._check_keep()
        for key in (*_ULTRALYTICS_KEYS, "run"):
            value = self._get(key)
            texts = value if isinstance(value, tuple) else [value] if value else []
            self._try(key, partial(roster.check_placeholders, texts, entry))
        spec = JobSpec(
            name=self.name,
            kind=self.kind,
            model=None if is_command else self._model(),
            data=None if is_command else self._data(),
            arguments={} if is_command else self._arguments(roster, entry),
            command=self._get("run", ()) if is_command else (),
            **_by_mode(entry.after),
            when=gates,
            python=self._try("python", lambda: self._places.python(self._get("python"))),
            cwd=self._cwd() if is_command else "",
            **{spec_field(key): self._get(key) for key in _PLAIN_KEYS if key in self._fields},
        )
        if spec.command:
            self._try("run", partial(refuse_missing_program, spec))
        return Assembled(spec, self._get("priority", Priority.P2), self._get("hold", False), external)

    def _model(self) -> str | None:
        if not self._is_written("model"):
            self._mistakes.add(self._own.path, f'{self.name!r} has no model: write model = "yolo11n.yaml"')
            return None
        found: str | None = self._try("model", lambda: self._places.model(self._get("model")))
        return found

    def _data(self) -> str | None:
        if self.kind is Kind.TRAIN and not self._is_written("data"):
            self._mistakes.add(self._own.path, f'{self.name!r} has no data: write data = "my-data.yaml"')
        found: str | None = self._try("data", lambda: self._places.data(self._get("data")))
        return found

    def _cwd(self) -> str:
        if "cwd" not in self._fields:
            return str(self._places.folder)
        found: str | None = self._try("cwd", lambda: self._places.directory(self._get("cwd")))
        return found or ""

    def _arguments(self, roster: Roster, entry: Entry) -> dict[str, Any]:
        """Bare arguments of the defaults are for trainings; a table wins over bare ones, a job over the defaults."""
        given = {
            **(self._defaults.bare if self.kind is Kind.TRAIN else {}),
            **self._defaults.tables.get(self.kind, {}),
            **self._own.bare,
            **self._own.tables.get(self.kind, {}),
        }
        check_arguments(self.kind, given, self._mistakes, foreign="python" in self._fields)
        if self.kind is Kind.PREDICT and "source" not in given:
            self._mistakes.add(self._own.path, f'{self.name!r} has no source: write predict = {{ source = "images" }}')
        resolved = {}
        for key, (value, path) in given.items():
            try:
                if isinstance(value, str):
                    roster.check_placeholders([value], entry)
                resolved[key] = self._places.argument(key, value)
            except ValueError as error:
                self._mistakes.add(path, str(error))
        return resolved

    def _gates(self, roster: Roster, entry: Entry) -> tuple[Gate, ...]:
        gates = []
        for text in self._get("when", ()):
            gate = self._try("when", partial(roster.gate, text, entry))
            if gate:
                gates.append(gate)
        return tuple(gates)

    def _check_keys_of_other_kinds(self) -> None:
        if self.kind is Kind.COMMAND:
            for key, (_, path) in {**self._own.fields, **self._own.bare}.items():
                if key in _ULTRALYTICS_KEYS or key in self._own.bare:
                    self._mistakes.add(path, "a command takes no arguments of Ultralytics: write it into run")
        elif "cwd" in self._own.fields:
            self._mistakes.add(self._own.place("cwd"), "is for commands: Ultralytics' jobs run in their own directory")

    def _check_share(self) -> None:
        if "vram" in self._fields and self._get("gpus", 1) != 1:
            self._mistakes.add(self._fields["vram"].path, "shares one GPU: leave gpus out")

    def _check_keep(self) -> None:
        if "keep" not in self._fields:
            return
        place = self._fields["keep"].path
        if self.kind is not Kind.TRAIN:
            self._mistakes.add(place, "is for trainings: they alone have checkpoints of epochs")
        saves = [each for each in (self._own.bare, self._own.tables.get(self.kind, {})) if "save_period" in each]
        if saves:
            self._mistakes.add(place, "says which checkpoints stay: leave save_period out")

    def _is_written(self, key: str) -> bool:
        return key in self._own.written or key in self._defaults.written

    def _get(self, key: str, default: Any = None) -> Any:
        return self._fields[key].value if key in self._fields else default

    def _try(self, key: str, read: Callable[[], Any]) -> Any:
        """What `read` gives for a key that was given; a ValueError becomes a mistake where the key stands."""
        if key not in self._fields:
            return None
        try:
            return read()
        except ValueError as error:
            self._mistakes.add(self._fields[key].path, str(error))
            return None


def _by_mode(after: Mapping[str, AfterMode]) -> dict[str, Any]:
    """`after` as the fields of a spec."""
    return {key: tuple(name for name, asked in after.items() if asked == mode) for mode, key in AFTER_FIELDS.items()}


def check_arguments(kind: Kind, given: Mapping[str, Given], mistakes: Mistakes, *, foreign: bool) -> None:
    """Ultralytics' own list against what was given."""
    values = {key: value for key, (value, _) in given.items()}
    for mistake in ultralytics_args.check(kind, values, foreign=foreign):
        known_elsewhere = mistake.key in READERS and mistake.key not in ultralytics_args.OWNED
        said = f"belongs to the job, not into {kind} = {{ … }}" if known_elsewhere else mistake.told
        mistakes.add(given[mistake.key].path, said)


def check_defaults(defaults: Draft, mistakes: Mistakes) -> None:
    """The defaults' arguments, whether or not a job uses them."""
    foreign = "python" in defaults.fields
    check_arguments(Kind.TRAIN, defaults.bare, mistakes, foreign=foreign)
    for kind in TABLES.values():
        check_arguments(kind, defaults.tables.get(kind, {}), mistakes, foreign=foreign)
