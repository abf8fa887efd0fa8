"""data.yaml, read as Ultralytics reads it: where the images of each split are, and what the classes are called."""

from __future__ import annotations

import stat
from pathlib import Path
from typing import Any

import yaml
from msgspec import Struct

from yolotui.locations import is_there

MOST_BYTES = 32 * 1024**2
MOST_CLASSES = 100_000
UNLABELLED_TASKS = frozenset({"classify", "semantic", "depth"})


class DescriptionError(Exception):
    """A description that leads to no data set: what is wrong, and `advice` what to do."""

    def __init__(self, text: str, advice: str) -> None:
        super().__init__(text)
        self.text = text
        self.advice = advice


class Description(Struct, frozen=True, kw_only=True):
    """A data set: the folders, lists or files of each split (absolute), and the names of its classes by number.

    `keypoints` is how many, and of how many numbers, each object has. A `classified` set has a folder a class.
    """

    file: Path
    places: dict[str, tuple[Path, ...]]
    names: tuple[str, ...]
    keypoints: tuple[int, int] | None = None
    classified: bool = False


def read(data: Path, task: str | None) -> Description:
    """Read the description of a data set. `task` is None where nobody knows. Raises DescriptionError."""
    if data.is_dir():
        if task == "classify" or (task is None and not any(data.glob("*.y*ml"))):
            return _classified(data)
        data = _only_yaml(data)
    elif task == "classify":
        raise DescriptionError(
            f"Classification needs a folder, and {data} is a file.", "Name the folder that holds `train` and `val`."
        )
    content = _content(data)
    names, keypoints = _names(data, content), _keypoints(data, content)
    if task == "pose" and keypoints is None:
        raise DescriptionError(
            f"{data} has no `kpt_shape`, without which no pose is learned.",
            "Write [how many, 2 or 3], such as [17, 3].",
        )
    return Description(file=data, places=_places(data, content), names=names, keypoints=keypoints)


def _only_yaml(folder: Path) -> Path:
    found = sorted(folder.glob("*.y*ml"))
    if not found:
        raise DescriptionError(f"{folder} has no data.yaml.", "Name one, or train a model that classifies.")
    if len(found) > 1:
        names = ", ".join(path.name for path in found[:5])
        raise DescriptionError(f"{folder} has several descriptions ({names}).", "Name the one that is meant.")
    return found[0]


def _content(file: Path) -> dict[str, Any]:
    try:
        facts = file.stat()
        if not stat.S_ISREG(facts.st_mode) or facts.st_size > MOST_BYTES:
            raise DescriptionError(f"{file} is no file, or too large for a description.", "Name the data.yaml.")
        content = yaml.load(file.read_text(encoding="utf-8", errors="ignore"), Loader=_LOADER)  # noqa: S506 - a safe one
    except OSError as error:
        raise DescriptionError(f"{file} can't be read: {error.strerror}.", "Look whether it is there.") from error
    except (yaml.YAMLError, ValueError, RecursionError, TypeError, AttributeError, OverflowError) as error:
        said = " ".join(str(error).split())[:200]
        raise DescriptionError(f"{file} is no YAML: {said}.", "Mend the file.") from error
    if not isinstance(content, dict):
        raise DescriptionError(f"{file} describes no data set.", "It needs `train`, `val` and `names`.")
    return content


_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def _names(file: Path, content: dict[str, Any]) -> tuple[str, ...]:
    names, count = content.get("names"), content.get("nc")
    if names is None and count is None:
        raise DescriptionError(f"{file} names no classes.", "It needs `names` (or `nc`).")
    if count is not None:
        try:
            whole = int(float(count))
            if whole != float(count) or not 0 < whole <= MOST_CLASSES:
                raise ValueError
        except (TypeError, ValueError, OverflowError):
            raise DescriptionError(
                f"{file}: `nc: {count!r:.40}` is no number of classes.", "Write the count."
            ) from None
        if names is None:
            return tuple(f"class_{number}" for number in range(whole))
    if isinstance(names, dict):
        if not names or sorted(names, key=str) != sorted(range(len(names)), key=str):
            raise DescriptionError(
                f"{file}: the numbers of `names` are not 0 to {len(names) - 1}.", "Number the classes from 0, no gaps."
            )
        names = [names[number] for number in range(len(names))]
    if not isinstance(names, list) or not names:
        raise DescriptionError(f"{file}: `names` is no list of classes.", "Write `0: name`, a line each.")
    if count is not None and len(names) != whole:
        raise DescriptionError(
            f"{file}: `nc` is {whole}, and `names` has {len(names)}.", "Take `nc` out, or make them agree."
        )
    return tuple(map(str, names))


def _places(file: Path, content: dict[str, Any]) -> dict[str, tuple[Path, ...]]:
    root = _root(file, content)
    if content.get("val") is None and content.get("validation") is not None:
        content = {**content, "val": content["validation"]}
    places: dict[str, tuple[Path, ...]] = {}
    for split in ("train", "val"):
        said = content.get(split)
        listed = said if isinstance(said, list) else [said]
        texts = [each for each in listed if isinstance(each, str) and each and "\0" not in each]
        if not texts or len(texts) != len(listed):
            raise DescriptionError(f"{file} does not say where `{split}` is.", f"Write `{split}: images/{split}`.")
        places[split] = tuple(_place(root, each, alone=isinstance(said, str)) for each in texts)
        for place in places[split]:
            if not is_there(place):
                raise DescriptionError(
                    f"The images of `{split}` are not there: {place} does not exist.",
                    f"Mend `path` or `{split}` in {file}, or mount what holds them.",
                )
    return places


def _root(file: Path, content: dict[str, Any]) -> Path:
    said = content.get("path")
    if not said:
        return file.parent
    if not isinstance(said, str) or "\0" in said:
        raise DescriptionError(f"{file}: `path` is no path.", "Write the folder of the data set.")
    if not Path(said).is_absolute():
        raise DescriptionError(
            f"{file}: `path: {said}` is relative, and a run has a working directory of its own.",
            "Write an absolute path, or take the line out: then it is the folder of the file.",
        )
    return Path(said)


def _place(root: Path, said: str, *, alone: bool) -> Path:
    """One place of a split. A leading `../` is forgiven as Ultralytics does it: for exports of Roboflow."""
    place = _resolved(root / said)
    if alone and not is_there(place) and said.startswith("../"):
        return _resolved(root / said[3:])
    return place


def _resolved(path: Path) -> Path:
    try:
        return path.resolve()
    except (OSError, RuntimeError):  # a loop of links
        return path.absolute()


def _keypoints(file: Path, content: dict[str, Any]) -> tuple[int, int] | None:
    shape = content.get("kpt_shape")
    match shape:
        case None:
            return None
        case [int(count), int(numbers)] if count > 0 and numbers in {2, 3}:
            return count, numbers
    raise DescriptionError(f"{file}: `kpt_shape` is {shape!r:.40}.", "Write [how many, 2 or 3], such as [17, 3].")


def _classified(folder: Path) -> Description:
    train = folder / "train"
    if not train.is_dir():
        raise DescriptionError(
            f"{folder} has neither a data.yaml nor a folder `train`.", "Name a data.yaml, or a folder of class folders."
        )
    names = tuple(sorted(each.name for each in train.iterdir() if each.is_dir()))
    if not names:
        raise DescriptionError(f"{train} has no folders.", "For classification each class needs a folder there.")
    val = next((folder / name for name in ("val", "validation", "valid", "test") if (folder / name).is_dir()), None)
    if val is None:
        raise DescriptionError(f"{folder} has no folder `val`.", "Put some images of each class aside.")
    return Description(file=folder, places={"train": (train,), "val": (val,)}, names=names, classified=True)
