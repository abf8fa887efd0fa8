"""Runs one attempt of a job with Ultralytics: `PYTHON trainer.py ATTEMPT_DIR [--ranks N | --rank]`.

Exit codes: 0 finished, 75 paused, 143 and 130 stopped by SIGTERM and SIGINT, 2 can never work as asked (no such data
set, an unknown argument), 1 any other failure. The last line of `events.jsonl` says the same in words.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys

PACKAGE = "yolotui_runner"


def adopt_siblings() -> None:
    """Make the files beside this script importable as a package, and only so.

    Python puts a script's directory first on sys.path, where `results.py` or `events.py` would hide other libraries'
    modules of that name.
    """
    here = os.path.dirname(os.path.abspath(__file__))
    sys.path[:] = [entry for entry in sys.path if os.path.abspath(entry or os.getcwd()) != here]
    spec = importlib.util.spec_from_file_location(
        PACKAGE, os.path.join(here, "__init__.py"), submodule_search_locations=[here]
    )
    assert spec is not None
    assert spec.loader is not None
    package = importlib.util.module_from_spec(spec)
    sys.modules[PACKAGE] = package
    spec.loader.exec_module(package)


if __name__ == "__main__":
    adopt_siblings()
    sys.exit(importlib.import_module(PACKAGE + ".attempt").main(sys.argv[1:]))
