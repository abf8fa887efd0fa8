"""Fetch named weights once: `PYTHON fetch_weights.py NAME DEST_DIR`. The only file here that goes online.

Prints the path. Exit codes: 0 it is there, 2 Ultralytics publishes no weights of that name, 1 it could not be fetched.
"""

from __future__ import annotations

import os
import sys
import tempfile

FETCHED, NOT_FETCHED, UNKNOWN = 0, 1, 2


def main(argv: list[str]) -> int:
    """Fetch one file into a directory, where it appears whole."""
    if len(argv) != 3 or os.path.basename(argv[1]) != argv[1]:
        sys.stderr.write("usage: fetch_weights.py NAME DEST_DIR\n")
        return UNKNOWN
    name, directory = argv[1], os.path.abspath(argv[2])
    target = os.path.join(directory, name)
    if os.path.exists(target):
        sys.stdout.write(target + "\n")
        return FETCHED
    os.makedirs(directory, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".fetching-", dir=directory) as workshop:
        return _fetch(name, target, workshop)


def _fetch(name: str, target: str, workshop: str) -> int:
    # Its own configuration and working directory, and online whatever the shell says.
    os.environ.update(YOLO_CONFIG_DIR=workshop, YOLO_AUTOINSTALL="false")
    os.environ.pop("YOLO_OFFLINE", None)
    os.chdir(workshop)
    from ultralytics.utils import downloads

    if name not in downloads.GITHUB_ASSETS_NAMES:
        sys.stderr.write(f"Ultralytics publishes no weights named {name}\n")
        return UNKNOWN
    fetched = os.path.join(workshop, name)
    try:
        downloads.attempt_download_asset(fetched)
    except Exception as problem:  # noqa: BLE001 - requests, urllib, curl: many ways to have no network
        sys.stderr.write(f"{type(problem).__name__}: {problem}\n")
    if not os.path.exists(fetched):
        sys.stderr.write(f"{name} could not be fetched: is this machine online? Copied here, it works too: {target}\n")
        return NOT_FETCHED
    os.replace(fetched, target)
    sys.stdout.write(target + "\n")
    return FETCHED


if __name__ == "__main__":
    sys.path.pop(0)  # this script's directory, whose names are not for others
    sys.exit(main(sys.argv))
