"""What could be meant: completions for the fields of the form, the likeliest first."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from yolotui import ultralytics_args
from yolotui.core.jobs import Job, Kind, Priority
from yolotui.core.timetable import Published

MOST = 40
MOST_ENTRIES = 2000
ENDINGS = {"model": (".pt", ".yaml", ".yml"), "data": (".yaml", ".yml"), "file": (".toml",)}
SCALES = "nsmlx"


class Completer:
    """Knows the jobs that there were, the files, and what Ultralytics takes."""

    def __init__(self, jobs: Mapping[int, Job], published: Published | None, folder: Path) -> None:
        """`folder` is where relative paths are meant from."""
        self._jobs = sorted(jobs.values(), key=lambda job: -job.id)
        self._published = published
        self._folder = folder

    def candidates(self, key: str, text: str) -> list[str]:
        """Whole texts that the field could hold, beginning with what stands there; none where nothing fits."""
        if key == "arguments":
            return self._arguments(text)
        if key == "after":
            head, _, word = text.rpartition(" ")
            before = f"{head} " if head else ""
            names = [job.name for job in self._jobs if not job.ended and " " not in job.name]
            return [before + name for name in _fitting(word, names)]
        return _fitting(text, self._values(key, text))

    def _values(self, key: str, text: str) -> Iterable[str]:
        jobs, published = self._jobs, self._published
        sources: dict[str, Callable[[], Iterable[str]]] = {
            "kind": lambda: (kind.value for kind in Kind),
            "priority": lambda: (priority.name for priority in Priority),
            "group": lambda: (job.spec.group for job in jobs if job.spec.group != "default"),
            "gpu": lambda: (gpu.name for gpu in published.host.gpus) if published else (),
            "model": lambda: (*self._models_used(), *self._files(key, text), *_known_models()),
            "data": lambda: (*(job.spec.data for job in jobs if job.spec.data), *self._files(key, text)),
            "file": lambda: (*(job.file for job in jobs if job.file), *self._files(key, text)),
        }
        return sources[key]() if key in sources else ()

    def _models_used(self) -> Iterable[str]:
        return (job.spec.model for job in self._jobs if job.spec.model and "{" not in job.spec.model)

    def _files(self, key: str, text: str) -> list[str]:
        """Files of the right kind and folders, where the text points to."""
        head, slash, _ = text.rpartition("/")
        try:
            folder = (self._folder / Path(head + slash).expanduser()) if slash else self._folder
            entries = sorted(folder.iterdir())[:MOST_ENTRIES]
            return [
                f"{head}{slash}{entry.name}{'/' if entry.is_dir() else ''}"
                for entry in entries
                if not entry.name.startswith(".") and (entry.is_dir() or entry.name.endswith(ENDINGS[key]))
            ]
        except (OSError, RuntimeError, ValueError):
            return []

    def _arguments(self, text: str) -> list[str]:
        """The last word: a name of an argument, or a value where the name is there."""
        head, _, word = text.rpartition(" ")
        before = f"{head} " if head else ""
        name, equals, value = word.partition("=")
        if equals:
            return [f"{before}{name}={each}" for each in _fitting(value, _argument_values(name, self._jobs))]
        given = set(re.findall(r"(\w+)=", head))
        known = [each for each in ultralytics_args.arguments() if each not in ultralytics_args.OWNED]
        often = [each for job in self._jobs[:50] for each in job.spec.arguments]
        return [f"{before}{each}=" for each in _fitting(word, [*often, *sorted(known)]) if each not in given]


def explained(key: str, text: str) -> str:
    """What the argument at the end of the text takes: `imgsz: a whole number or a list`."""
    if key != "arguments":
        return ""
    name = text.rpartition(" ")[2].partition("=")[0]
    taken = ultralytics_args.arguments().get(name)
    if taken is None:
        return ""
    bounds = f", at least {taken.minimum:g}" if taken.minimum is not None else ""
    bounds += f", at most {taken.maximum:g}" if taken.maximum is not None else ""
    return f"{name}: {ultralytics_args.wanted(taken.types)}{bounds}{', or None' if taken.optional else ''}"


def _argument_values(name: str, jobs: Sequence[Job]) -> list[str]:
    """Values that were given before, then those that there are."""
    used = [job.spec.arguments[name] for job in jobs[:200] if name in job.spec.arguments]
    taken = ultralytics_args.arguments().get(name)
    flags = ["True", "False"] if taken and "bool" in taken.types else []
    names = list(ultralytics_args.optimizers()) if name == "optimizer" else []
    return [*(str(value) for value in used if isinstance(value, int | float | str)), *flags, *names]


def _known_models() -> list[str]:
    """The newest families first: what a person begins to write as `yolo1` is rather 11 than 10."""
    shipped = ultralytics_args.model_yamls()
    scaled = [re.sub(r"^(yolo\w?\d+)(?=[.-])", rf"\1{scale}", name) for name in shipped for scale in SCALES]
    return sorted(dict.fromkeys(scaled), key=lambda name: (-_version(name), len(name), SCALES.find(name[-6:-5]), name))


def _version(name: str) -> int:
    found = re.search(r"\d+", name)
    return int(found[0]) if found else 0


def _fitting(text: str, values: Iterable[str]) -> list[str]:
    """Those that begin so, each once; all while nothing is written. What is complete needs no completion."""
    folded = text.casefold()
    fitting = (value for value in dict.fromkeys(values) if value.casefold().startswith(folded) and value != text)
    return [value for _, value in zip(range(MOST), fitting, strict=False)]
