"""What Ultralytics' train(), val(), predict() and export() take, read from its files without importing it or torch.

Names and types come from the installed package's `cfg/default.yaml` (`name: default # (type | type) help`), the sets of
typed names and the smallest values from `cfg/__init__.py`.
"""

from __future__ import annotations

import ast
import importlib.util
import re
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import NamedTuple

from yolotui.core.jobs import Argument, Kind
from yolotui.nearest import nearest

OWNED = {
    "device": "yolotui chooses the device: use gpus = 1 (or 0 for the CPU)",
    "project": "yolotui gives every run a directory of its own",
    "save_dir": "yolotui gives every run a directory of its own",
    "exist_ok": "yolotui gives every run a directory of its own",
    "resume": "yolotui resumes by itself from the newest whole checkpoint",
    "mode": "the kind of the job says it: train, val, predict or export",
    "cfg": "yolotui has to see every argument: write them into the file of jobs",
    "name": "the job has a name: write name = … beside the model",
    "model": "it belongs to the job: write model = … beside the name",
    "data": "it belongs to the job: write data = … beside the model",
}
"""Arguments that are not a job's to give, and why."""

# Ultralytics still takes these and warns; they are no longer in default.yaml.
DEPRECATED = frozenset(
    {"boxes", "hide_labels", "hide_conf", "line_thickness", "end2end", "int8", "half"}
    | {"label_smoothing", "save_hybrid", "crop_fraction", "keras"}
)

_DEFAULT_LINE = re.compile(r"(?P<name>\w+):(?P<default>[^#]*)#\s*\((?P<types>[^)]*)\)")
_TYPED_SETS = {"FLOAT": "number", "FRACTION": "number", "INT": "int", "BOOL": "bool", "STR": "str"}
_WORDS = {"int": "a whole number", "float": "a number", "bool": "true or false", "str": "a text", "list": "a list"}

_SCALED = r"yolo(?:v8|11|12|26)[nsmlx]"
_WEIGHTS = re.compile(
    rf"{_SCALED}(?:-(?:cls|seg|sem|pose|obb|oiv7|depth|distill|sem-ade20k|objv1-150|objv1-seg|world|worldv2|pose-p6))?\.pt"
    r"|yolov3(?:-spp|-tiny)?u\.pt|yolov5[nsmlx]6?u\.pt|yolov9[tsmce](?:-seg)?\.pt|yolov10[nsmblx]\.pt"
    r"|yoloe-(?:v8|11|26)[nsmlx]-seg(?:-pf)?\.pt|yolo_nas_[sml]\.pt|yolo11n-grayscale\.pt"
    r"|sam_[bl]\.pt|sam2(?:\.1)?_[blst]\.pt|mobile_sam\.pt|FastSAM-[sx]\.pt|rtdetr-[lx]\.pt"
)


class Mistake(NamedTuple):
    """An argument that can't be meant so. `nearest` is the right name where the name is wrong and one is near."""

    key: str
    message: str
    nearest: str | None = None

    @property
    def told(self) -> str:
        """What is wrong, and the right name if one is near."""
        return f"{self.message}; did you mean {self.nearest!r}?" if self.nearest else self.message


class Taken(NamedTuple):
    """What an argument takes: names of types, whether it may be unset, and its bounds."""

    types: frozenset[str]
    optional: bool = False
    minimum: float | None = None
    maximum: float | None = None


@cache
def package() -> Path | None:
    """Where Ultralytics is installed, found without importing it; None where it is not."""
    spec = importlib.util.find_spec("ultralytics")
    places = list(spec.submodule_search_locations or ()) if spec else []
    return Path(places[0]) if places else None


@cache
def arguments() -> Mapping[str, Taken]:
    """Every argument by name; empty where Ultralytics is not installed beside yolotui."""
    root = package()
    if root is None:
        return {}
    try:
        listed = (root / "cfg/default.yaml").read_text(encoding="utf-8")
        typed, minimums = _typed_names((root / "cfg/__init__.py").read_text(encoding="utf-8"))
    except (OSError, SyntaxError):
        return {}
    found = {}
    for line in listed.splitlines():
        if match := _DEFAULT_LINE.match(line):
            found[match["name"]] = _taken(match["name"], match["default"], match["types"], typed, minimums)
    return found


def _taken(name: str, default: str, types: str, typed: Mapping[str, str], minimums: Mapping[str, float]) -> Taken:
    # `list[int]` and `tuple` are lists in TOML; a float argument takes whole numbers too.
    words = {re.sub(r"\[.*", "", word.strip()).replace("tuple", "list") for word in re.split(r"[|,]", types)}
    kind = typed.get(name, "")
    only = {"fraction": "float", "number": "float"}.get(kind, kind)
    narrow = {"bool", "int", "str"} & {kind}
    return Taken(
        types=frozenset({only} if narrow else words - {"optional"} | ({only} if only else set())),
        optional="optional" in words or not default.strip(),
        minimum=0.0 if kind == "fraction" else minimums.get(name),
        maximum=1.0 if kind == "fraction" and name != "fraction" else None,
    )


def _typed_names(source: str) -> tuple[dict[str, str], dict[str, float]]:
    """Name → kind from the CFG_*_KEYS sets, and name → smallest value from CFG_INT_MIN."""
    typed: dict[str, str] = {}
    minimums: dict[str, float] = {}
    for node in ast.parse(source).body:
        if not (isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)):
            continue
        target = node.targets[0].id
        if target == "CFG_INT_MIN":
            minimums = ast.literal_eval(node.value)
        elif match := re.fullmatch(r"CFG_(FLOAT|FRACTION|INT|BOOL|STR)_KEYS", target):
            kind = "fraction" if match[1] == "FRACTION" else _TYPED_SETS[match[1]]
            typed |= dict.fromkeys(_names_in(node.value), kind)
    return typed, minimums


def _names_in(value: ast.expr) -> Iterable[str]:
    """The strings of `{…}` or `frozenset({…})`."""
    return (n.value for n in ast.walk(value) if isinstance(n, ast.Constant) and isinstance(n.value, str))


def check(kind: Kind, given: Mapping[str, Argument], *, foreign: bool = False) -> list[Mistake]:
    """What is wrong with the arguments of a job.

    With `foreign` (another interpreter, so perhaps another version) only what yolotui owns is refused.
    """
    known = arguments()
    mistakes: list[Mistake] = []
    for key, value in given.items():
        if key in OWNED and not (key == "name" and kind is Kind.EXPORT):  # export's `name` is the target hardware
            mistakes.append(Mistake(key, OWNED[key]))
        elif foreign or not known or key in DEPRECATED:
            continue
        elif key not in known:
            mistakes.append(Mistake(key, f"{kind}() has no such argument", nearest(key, known)))
        elif complaint := _complaint(value, known[key]):
            mistakes.append(Mistake(key, complaint))
        elif key == "optimizer" and (names := optimizers()) and str(value).lower() not in map(str.lower, names):
            mistakes.append(Mistake(key, f"{value!r} is no optimizer", nearest(str(value), names)))
    return mistakes


@cache
def optimizers() -> tuple[str, ...]:
    """The optimizers that the installed trainer builds, by the list in its source; empty where it has none."""
    root = package()
    try:
        source = (root / "engine/trainer.py").read_text(encoding="utf-8") if root else ""
    except OSError:
        return ()
    listed = re.search(r"^\s*optimizers = (\{[^{}]*\})$", source, re.MULTILINE)
    return tuple(sorted(ast.literal_eval(listed[1]))) if listed else ()


def _complaint(value: Argument, taken: Taken) -> str | None:
    if value is None:
        return None if taken.optional else "it can't be left empty"
    if not _fits(value, taken.types):
        return f"must be {wanted(taken.types)}, not {value!r}"
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        if taken.minimum is not None and not value >= taken.minimum:
            return f"must be at least {taken.minimum:g}, not {value!r}"
        if taken.maximum is not None and not value <= taken.maximum:
            return f"must be at most {taken.maximum:g}, not {value!r}"
    return None


def _fits(value: Argument, types: frozenset[str]) -> bool:
    if not types & _WORDS.keys():  # a version that names its types otherwise
        return True
    if isinstance(value, int) and not isinstance(value, bool):
        return bool(types & {"int", "float"})
    if isinstance(value, float) and value.is_integer() and "int" in types:  # epochs = 1e2
        return True
    return type(value).__name__ in types


def wanted(types: Iterable[str]) -> str:
    """`"a whole number or a list"`."""
    said = set(types)
    words = [word for name, word in _WORDS.items() if name in said and not (name == "int" and "float" in said)]
    return " or ".join(words)


def known_weights(name: str) -> bool:
    """Whether `name` looks like weights that Ultralytics publishes (`yolo11n.pt`, `yolov8s-seg.pt`)."""
    return _WEIGHTS.fullmatch(name) is not None


def known_model_yaml(name: str) -> bool:
    """Whether `name` (`yolo11n.yaml`) ships with Ultralytics, with or without the letter of its scale."""
    if not name.endswith((".yaml", ".yml")):
        return False
    unscaled = re.sub(r"(\d+)([nslmx])(.+)?$", r"\1\3", name)  # as Ultralytics' yaml_model_load does it
    return bool({name, unscaled} & _shipped("models"))


def known_dataset_yaml(name: str) -> bool:
    """Whether `name` (`coco8.yaml`) ships with Ultralytics; its images are another matter."""
    return name in _shipped("datasets")


def known_tracker_yaml(name: str) -> bool:
    """Whether `name` (`botsort.yaml`) ships with Ultralytics."""
    return name in _shipped("trackers")


def model_yamls() -> frozenset[str]:
    """The names of all models that ship with Ultralytics."""
    return _shipped("models")


@cache
def _shipped(folder: str) -> frozenset[str]:
    root = package()
    return frozenset(path.name for path in (root / "cfg" / folder).rglob("*.yaml")) if root else frozenset()
