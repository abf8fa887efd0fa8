"""Homes as earlier versions left them: text that a test makes into a home again.

    python -m tests.store.stored_homes HOME FOLDER      # store one; tests.store.live_home makes one to store

A stored home is never changed again: it is what a user of that version has on the disk.
"""

from __future__ import annotations

import json
import shutil
import sqlite3
import sys
from contextlib import closing
from pathlib import Path

from yolotui.locations import Home
from yolotui.store.database import machine_identity

HERE = Path(__file__).parent / "homes"
ROOT = Path(__file__).parents[2]
KEPT_FILES = {"spec.json", "launch.json", "claim", "process.json", "exit.json", "events.jsonl", "console.log"}


def store(home: Home, folder: Path) -> None:
    """Write the queue as SQL and the small files of its runs, without anything of this machine."""
    with closing(sqlite3.connect(home.queue)) as queue:
        version = queue.execute("PRAGMA user_version").fetchone()[0]
        lines = [*queue.iterdump(), f"PRAGMA user_version = {version};"]
    folder.mkdir(parents=True)
    (folder / "queue.sql").write_text("\n".join(_anonymous(line, home) for line in lines) + "\n", encoding="utf-8")
    for file in home.runs.rglob("*"):
        if file.name in KEPT_FILES or file.name == "results.csv":
            target = folder / "runs" / file.relative_to(home.runs)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(_anonymous(_content(file), home), encoding="utf-8")


def restore(folder: Path, home: Home) -> None:
    """Make a stored home into one of this machine."""
    home.create()
    sql = _of_here((folder / "queue.sql").read_text(encoding="utf-8"), home)
    with closing(sqlite3.connect(home.queue)) as queue:
        queue.executescript(sql)
    shutil.copytree(folder / "runs", home.runs)
    for file in home.runs.rglob("*"):
        if file.is_file():
            file.write_text(_of_here(file.read_text(encoding="utf-8"), home), encoding="utf-8")


def _content(file: Path) -> str:
    text = file.read_text(encoding="utf-8")
    if file.name != "launch.json":
        return text
    launch = {**json.loads(text), "env": {"PATH": "/usr/bin:/bin"}}
    launch.pop("follow_up", None)
    return json.dumps(launch)


def _places(home: Home) -> dict[str, str]:
    """What is another on each machine, with what stands for it."""
    return {
        str(home.root): "@HOME@",
        sys.executable: "@PYTHON@",
        str(ROOT): "@CODE@",
        machine_identity(): "@MACHINE@",
    }


def _anonymous(text: str, home: Home) -> str:
    for here, mark in _places(home).items():
        text = text.replace(here, mark)
    return text


def _of_here(text: str, home: Home) -> str:
    for here, mark in _places(home).items():
        text = text.replace(mark, here)
    return text


if __name__ == "__main__":
    store(Home(Path(sys.argv[1]).absolute()), Path(sys.argv[2]))
