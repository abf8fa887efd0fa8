"""What a job hands on to those that come after it: `{night-n.best}` in a model, in data, in arguments, in a command."""

from __future__ import annotations

import re
from collections.abc import Mapping

MADE: Mapping[str, str] = {
    "best": "train/weights/best.pt",
    "last": "train/weights/last.pt",
    "results": "train/results.csv",
    "dir": "",
}
"""What can be asked of a job, with its place in the job's run directory."""

HANDED_ON = re.compile(rf"\{{([^{{}}]+)\.({'|'.join(MADE)})\}}")
"""A placeholder: the job, and what is asked of it."""
