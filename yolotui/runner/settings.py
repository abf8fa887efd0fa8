"""A private configuration of Ultralytics for each run (and each rank): written before it is imported, shared with none.

The shared settings.json is truncated and rewritten by every process that finds it old, so that concurrent starts lose
each other's values; and its defaults send metrics to whatever logger happens to be installed.
"""

from __future__ import annotations

import contextlib
import glob
import importlib.util
import json
import os
import sys
from typing import Any

from . import durable

SCHEMA = "0.0.8"
FONTS = ("Arial.ttf", "Arial.Unicode.ttf")
LOGGERS = ("clearml", "comet", "dvc", "mlflow", "raytune", "tensorboard", "wandb")
RESTARTED = "YOLOTUI_SETTINGS_RESTARTED"


def wanted(run_dir: str, weights_dir: str) -> dict[str, Any]:
    """No logger, no telemetry, no key, and every directory absolute."""
    return {
        "settings_version": SCHEMA,
        "datasets_dir": os.path.join(run_dir, "cwd", "datasets"),
        "weights_dir": weights_dir,
        "runs_dir": os.path.join(run_dir, "cwd", "runs"),
        "uuid": "0" * 64,
        "sync": False,
        "api_key": "",
        "openai_api_key": "",
        **dict.fromkeys(LOGGERS, False),
        "vscode_msg": False,
        "openvino_msg": False,
    }


def prepare(config_dir: str, run_dir: str, weights_dir: str) -> None:
    """Write settings.json and place the fonts that Ultralytics would download; point YOLO_CONFIG_DIR here."""
    os.environ["YOLO_CONFIG_DIR"] = config_dir
    folder = os.path.join(config_dir, "Ultralytics")
    os.makedirs(folder, exist_ok=True)
    os.makedirs(weights_dir, exist_ok=True)
    if RESTARTED not in os.environ:
        content = json.dumps(wanted(run_dir, weights_dir), indent=2)
        durable.write_atomically(os.path.join(folder, "settings.json"), content.encode())
    for font in FONTS:
        _place_font(os.path.join(folder, font))


def insist(run_dir: str, weights_dir: str) -> None:
    """After the import: a version with another schema has reset what we wrote. Say it in its own words, start over.

    Its modules have read the defaults already, so nothing less than a new process will do; once, never in a loop.
    """
    from ultralytics import settings

    ours = {name: value for name, value in wanted(run_dir, weights_dir).items() if name != "settings_version"}
    differing = {name: value for name, value in ours.items() if name in settings and settings[name] != value}
    if differing and RESTARTED not in os.environ:
        settings.update(differing)
        os.environ[RESTARTED] = "1"
        os.execv(sys.executable, [sys.executable, *sys.argv])  # noqa: S606 - our own command line


def _place_font(target: str) -> None:
    """Link the user's own copy, a system font, or the one that comes with matplotlib under the name asked for."""
    if os.path.lexists(target):
        return
    for source in _fonts(os.path.basename(target)):
        if os.path.exists(source):
            with contextlib.suppress(FileExistsError):
                os.symlink(source, target)
            return


def _fonts(name: str) -> list[str]:
    own = os.path.join(os.environ.get("XDG_CONFIG_HOME") or os.path.expanduser("~/.config"), "Ultralytics", name)
    system = glob.glob(os.path.join("/usr/share/fonts", "**", name), recursive=True)
    spec = importlib.util.find_spec("matplotlib")
    packages = list(spec.submodule_search_locations or []) if spec else []
    return [own, *system, *(os.path.join(package, "mpl-data/fonts/ttf/DejaVuSans.ttf") for package in packages)]
